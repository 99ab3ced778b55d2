"""Metrics: pure functions over arrays, which know nothing about methods or files."""
