"""Facts -> one picture of the fleet: which targeted node has which version, what failed, and why in the node's own words.

Rules: pure; "installed" may only come from a node's words; what could not be read is part of the picture.
Refuses to know: AWS, clocks, how the picture is shown.
"""
