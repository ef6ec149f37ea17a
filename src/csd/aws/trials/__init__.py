"""A trial of a package on real nodes, through the AWS API: csd package test.

Flow: nodes (who is there) -> place (bucket, objects, throw-away document) -> trial goes through the plan, each step as one command to all
nodes (commands) -> judged by csd.package.trial -> the place is taken away again, whatever happened.

Rules: only documents csd-trial-… and objects below csd-trial/… are made and deleted. Refuses to know: how a report looks.
"""
