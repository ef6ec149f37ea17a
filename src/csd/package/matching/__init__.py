"""Which zip of a package a node gets: the agent's walk, read forwards and backwards. Pure.

Flow: manifest (or package.yaml's targets) -> `walk.read_packages` -> packages (platform -> version -> architecture -> zip)
-> `walk.which_zip(packages, node)`: a Match, or a NoMatch with the agent's sentence and the key that explains it
-> `reach.unreachable(packages)` and `reach.holes(packages)`: the same walk over every kind of node that can differ
-> `systems.SYSTEMS`: systems as their agents name themselves; `reported.possible_nodes`: a managed node, by what Systems Manager tells.

Rules: there is one walk; what no node reaches, and who falls between, is found by walking, not by rules of its own.
Refuses to know: files, zips, AWS.
"""
