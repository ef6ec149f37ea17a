"""One build: package.yaml and its folders -> a sealed folder that is whole or not there.

Flow: plan (everything is read but the contents, every limit checked, all problems at once) -> digests of every file (one reading)
-> zips (one writing, hashed on the way) -> manifest, bill of materials, provenance, release -> into place, the manifest last.

Rules: nothing is written before the plan is known to be good; no clock, no dice, no locale: the same input is the same bytes.
Refuses to know: AWS, the command line, signatures.
"""
