"""Detectors, streaming scoring, calibration and events."""
