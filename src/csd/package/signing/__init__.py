"""Who vouches for a sealed package, until when, and since which version: signatures made and verified on the desk.

Flow: sealed folder -> `statement` (its release, when issued, when it expires, the floor) -> `envelope` (DSSE, a signature for each key) ->
release.dsse.json. Verified the other way round: envelope -> keys of the `trust` root, as many as it asks for -> statement -> the folder's
files by their digests. Keys are PEM files (`keyfiles`) or in KMS (csd.aws.keys).

Rules: cryptography is that of securesystemslib and cryptography, the trust root is that of TUF; nothing here computes a signature. What
is read may be hostile: it is measured before it is parsed, and each way to be wrong has its own sentence.
Refuses to know: AWS, the clock (given as `now`), the command line. ADR 0029.
"""
