"""Which version is the older one. A rule for any text that a version may be, since vendors agree on none.

    1.0-rc1 < 1.0 < 1.0.1 < 1.0.9 < 1.0.10

Rules: digit runs count as numbers; letters sort before the end, the end before a number; what is between them does not matter, so 1.0 and
1.00 are equally old. csd_steps.release_floor has a copy of `order`, for it runs in AWS.
"""

import re

Order = list[tuple[int, int, str]]
_LETTERS, _END, _NUMBER = range(3)


def order(version: str) -> Order:
    """The key by which versions are sorted, oldest first."""
    parts = re.findall(r"[0-9]+|[A-Za-z]+", version)
    return [*((_NUMBER, int(part), "") if part.isdigit() else (_LETTERS, 0, part) for part in parts), (_END, 0, "")]


def higher(*versions: str) -> str:
    """The highest of some versions; '' is none."""
    return max(filter(None, versions), key=order, default="")


def lowest(version: str) -> str:
    """A floor that raises nothing: the lowest version that is counted like this one (0; v where it is v1.2)."""
    letters = re.match(r"[^0-9A-Za-z]*([A-Za-z]+)", version)
    floor = letters[1] if letters else "0"
    return floor if order(floor) <= order(version) else version
