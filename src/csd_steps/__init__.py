"""The scripts of the two Automation documents: code that runs inside AWS Systems Manager Automation (aws:executeScript).

Each file is shipped as text and stands alone: standard library and boto3 only, one entry `handler(events, context)`, whose third
parameter is the client factory, so that tests bring their own clients. A script makes one pass and ends: waiting
belongs to the document. An error is raised, never swallowed; where one is expected, its one code is caught and no other.
"""
