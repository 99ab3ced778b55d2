"""DMAD-PDM: Diversity-Measurable Anomaly Detection, the Pyramid Deformation Module for video (CVPR 2023)."""
