"""Drift: whether resources still are what their stack's template says."""
