"""Sources -> the CloudFormation template and the two Automation documents, as text. Rendered files are committed in artifacts/.

Flow: sources/*.yaml with {csd_step: FILE} and {csd_document: NAME, …} -> render -> artifacts/.

Rules: every script and every document is written once; a test renders again and compares. Refuses to know: AWS, the command line.
"""
