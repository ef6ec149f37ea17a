"""Benchmarks: ratios to what a person would use instead, in one run on one machine."""
