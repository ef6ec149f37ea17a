"""A sealed package on its way to the nodes: into S3, into Distributor in every Region, and out of it again when nobody needs it.

Flow of csd publish: sealed folder -> `regions.examine` (is there room, is the version new, in every Region) -> `folder.upload` (what is
missing, manifest last) -> `regions.publish` (a document version in every Region, waited for, compared).
Flow of csd package prune: `versions` (what Distributor holds) and `installed` (what the fleet has) -> csd.package.retention -> `pruning`.
Flow of csd package import: `importing` brings a document, a folder of S3 or a local folder back as a sealed folder.

Rules: whatever was interrupted is found again and continued; what is there already is proved, not believed. Nothing is shared here, and
the default version stays what it is unless that is asked for: both are the hub's runbook's (ADR 0030).
"""
