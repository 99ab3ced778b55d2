"""DMAD's demonstration on digits: odd ones are normal, even ones are not, and deformation makes the difference."""
