"""A package, in whatever state a user has it -> findings of rules, all at once.

Flow: what was named (subject.py: sources, a folder with a manifest, a manifest, a zip) -> parts and manifest -> checks -> findings,
each of a rule of the registry (registry.py). A check names the rule and what it found; sentence, remedy and severity are the rule's.
Refuses to know: AWS's API, the command line.
"""
