"""Regular expressions that strangers write (AllowedPattern, allowedPattern), tried in bounded time and memory.

Flow: pattern -> `check` (what cannot be read raises Unreadable) -> `matches` a value.
Rules: one call must not hold up all others, so an attempt ends after `SECONDS_MAX`, and a pattern that would unfold to too much is
never compiled; both are refused by name. The models' own patterns are in `patterns`: AWS wrote those.

# DEVIATES: AWS does not say how long it tries a pattern; here a pattern that needs more than half a second for one value is refused.
"""

import re
import warnings
from functools import lru_cache
from typing import Any

import regex

from localorg.kernel.errors import NotSupported
from localorg.protocol.patterns import translated

SECONDS_MAX = 0.5
UNFOLDED_MAX = 20_000
"""How many pieces a pattern may come to once its repetitions are written out, as the compiler does: 270 bytes each."""
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(?P<least>\d+)(?P<comma>,(?P<most>\d*))?\}|.", re.DOTALL)
_DIGITS_MAX = 6


class Unreadable(ValueError):
    """A pattern that is no regular expression; the message says why."""


def check(pattern: str) -> None:
    """Raise Unreadable for what is no regular expression, NotSupported for one that unfolds to too much."""
    _compiled(pattern)


def matches(pattern: str, value: str, *, whole: bool = True) -> bool:
    """Say whether `value` (or, not `whole`, a part of it) matches. Raises Unreadable, NotSupported."""
    compiled = _compiled(pattern)
    attempt = compiled.fullmatch if whole else compiled.search
    try:
        return attempt(value, timeout=SECONDS_MAX) is not None
    except TimeoutError:
        raise NotSupported(f"the pattern {_short(pattern)}, which takes more than half a second for a value") from None


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> Any:
    try:
        text = translated(pattern)
        with warnings.catch_warnings(category=FutureWarning, action="ignore"):
            re.compile(text)  # It unfolds nothing, and knows neither the recursion nor the approximate matching of `regex`.
    except (re.error, ValueError, OverflowError) as problem:
        raise Unreadable(str(problem)) from None
    except RecursionError:
        raise Unreadable("it is nested too deeply") from None
    if _unfolded(text) > UNFOLDED_MAX:
        raise NotSupported(f"the pattern {_short(pattern)}, whose repetitions unfold to more than {UNFOLDED_MAX} pieces")
    try:
        return regex.compile(_literal_braces(text), regex.ASCII, cache_pattern=False)
    except (regex.error, RecursionError) as problem:
        raise Unreadable(str(problem)) from None


def _unfolded(pattern: str) -> int:
    """Return an upper bound of the pieces that the compiler makes of a pattern."""
    groups, last = [0], 0
    for found in _TOKEN.finditer(pattern):
        match found[0]:
            case "(":
                groups.append(0)
                last = 0
                continue
            case ")" if len(groups) > 1:
                last = groups.pop() + 1
            case "+":
                groups[-1] += last
                continue
            case _ if found["least"]:
                last *= _most(found)
                groups[-1] += last
                continue
            case _:
                last = 1
        groups[-1] += last
    return sum(groups)


def _most(found: re.Match[str]) -> int:
    return max(int(text[:_DIGITS_MAX]) for text in (found["least"], found["most"] or "1"))


def _literal_braces(pattern: str) -> str:
    """Return `pattern` with every brace that repeats nothing as itself: `regex` would read it as approximate matching."""
    return _TOKEN.sub(lambda found: r"\{" if found[0] == "{" else found[0], pattern)


def _short(pattern: str) -> str:
    return repr(pattern if len(pattern) <= 80 else f"{pattern[:77]}...")
