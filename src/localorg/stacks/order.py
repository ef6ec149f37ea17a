"""Which resource waits for which: explicit DependsOn, and what Ref, GetAtt and Sub name.

Rules: deterministic, in the order of the template where nothing else decides. Deletion goes the other way round.
"""

from collections.abc import Mapping, Sequence


def waves(needs: Mapping[str, Sequence[str]]) -> list[str]:
    """Return every key after all that it needs (needs that are no keys do not count). Raises ValueError naming a cycle's members."""
    left = {name: {need for need in wanted if need in needs} for name, wanted in needs.items()}
    done: list[str] = []
    placed: set[str] = set()
    while left:
        ready = [name for name, wanted in left.items() if wanted <= placed]
        if not ready:
            raise ValueError(", ".join(sorted(_in_cycle(left))))
        done += ready
        placed.update(ready)
        for name in ready:
            del left[name]
    return done


def _in_cycle(left: Mapping[str, set[str]]) -> set[str]:
    """Return those that can reach themselves."""

    def reaches_itself(start: str) -> bool:
        seen: set[str] = set()
        front = set(left[start])
        while front:
            if start in front:
                return True
            seen |= front
            front = {need for name in front for need in left.get(name, ())} - seen
        return False

    return {name for name in left if reaches_itself(name)}
