"""A trial of a package on real nodes, as far as it needs no AWS: what is done, what it must come to, and what it left.

Flow: sealed package (and an older one) -> broken (a version that fails at its last moment) -> plan (steps in order) -> judging (what a
node said -> passed or failed) and snapshot -> differences (two looks at a node's files -> what was added, changed, removed).

Rules: pure, but for the zips that broken writes. Refuses to know: AWS, how commands reach a node, how a report looks.
"""
