"""Foreground objects: boxes from motion, a learned background, detectors and files of ready boxes."""
