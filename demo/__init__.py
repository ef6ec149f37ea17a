"""The walk, once, for real: from a folder of installers to software on every node of an organization.

`python -m demo` tells it; the journeys under tests/ take the same steps and check them. It uses only what a person would: the
commands `localorg`, `csd` and `aws`, as processes, over the wire.
"""
