"""Evaluation: protocols, baselines and confidence intervals around the metrics."""
