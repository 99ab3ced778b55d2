"""LBR-SPR: localization based reconstruction with self-paced refinement (CVPR 2022)."""
