"""AWS KMS as far as signatures go: asymmetric keys that sign and verify, their aliases, policies, states and tags."""
