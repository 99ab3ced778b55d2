"""Benchmarks over data sets, methods and seeds: a plan of trainings and evaluations, and the tables they fill."""
