"""What an installer is: a file -> its kind, name, version, architecture, and the systems it is for.

Flow: a regular file -> its first bytes (magic, never its name) -> the reader of that kind -> what the file claims, in its own words
-> the agent's words for architecture and platforms. Where a file tells nothing its name is guessed from, and what was guessed is said.

Rules: a file may be hostile: every reader is told by a bound what it may hold, and whatever is wrong ends in one typed refusal.
No program of this machine is asked, because another machine may not have it. Refuses to know: package.yaml, scripts, AWS.
"""
