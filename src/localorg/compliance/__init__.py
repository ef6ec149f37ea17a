"""Compliance: what nodes, people and State Manager have recorded about resources, and what it comes to."""
