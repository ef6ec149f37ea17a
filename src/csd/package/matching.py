"""Which targets of a package can a node ever reach? The agent's matcher, read backwards.

The agent walks platform -> version -> architecture without going back (exact, then longest '7.*', then '_any', then '*';
'_any' for platform and architecture), so some declared targets are dead and some nodes fall into a hole.

Rules: pure; a target is a (platform, version, architecture) triple with the place it was written at.
Refuses to know: files and zips.
"""

from collections.abc import Sequence

from csd.errors import Problem

Triple = tuple[str, str, str]


def matching_problems(targets: Sequence[tuple[str, Triple]]) -> list[Problem]:
    """Targets listed twice, and targets that no node reaches."""
    problems = []
    first: dict[Triple, str] = {}
    for where, triple in targets:
        if triple in first:
            problems.append(
                Problem(where, f"{'/'.join(triple)} is also listed at {first[triple]}.", "Keep one: a node gets exactly one zip.")
            )
        first.setdefault(triple, where)
    for where, (platform, version, architecture) in targets:
        if version == "*" and any(p == platform and v == "_any" for p, v, _ in first):
            # AWS: amazon-ssm-agent birdwatcherservice: '_any' is taken before '*', and there is no way back.
            what = f"{platform}/*/{architecture} can never be chosen: {platform}/_any is tried first."
            problems.append(Problem(where, what, "Use '_any' in both, or remove this one."))
    return problems


def matching_holes(targets: Sequence[Triple]) -> list[str]:
    """Warnings: nodes that match a more exact key first and then find no zip, although a wider target would fit them."""
    holes = []
    for platform, version in sorted({(p, v) for p, v, _ in targets}):
        mine = {a for p, v, a in targets if (p, v) == (platform, version)}
        wider = {
            a for p, v, a in targets if p in (platform, "_any") and v in ("_any", "*", version) and (p, v) != (platform, version)
        }
        missing = set() if "_any" in mine else wider - mine
        if missing and (platform != "_any" or version not in ("_any", "*")):
            named = ", ".join(sorted("any other" if a == "_any" else a for a in missing))
            holes.append(
                f"{platform} {version} has no zip for {named} architecture: the agent does not fall back "
                "to a wider target once this one was chosen."
            )
    return holes
