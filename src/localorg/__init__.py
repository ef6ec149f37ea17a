"""localorg: an AWS Organization on one machine, spoken to through the AWS API.

It stands in AWS's stead: the same templates, documents, scripts and packages that go to AWS run here unchanged.
Rooms, from the floor up: `kernel` (time, events, rows), `protocol` (the wire and the one gateway that every call
passes), the engines (every other package: services to one another that never import one another), `server` (the
only sockets, threads and wall clock) and, apart from all of them, `node`.
"""
