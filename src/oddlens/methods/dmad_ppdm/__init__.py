"""DMAD-PPDM: Diversity-Measurable Anomaly Detection, the deformation module for photographs (CVPR 2023)."""
