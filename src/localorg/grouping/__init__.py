"""Finds resources by their tags, whoever keeps them: resource groups and the tagging API."""
