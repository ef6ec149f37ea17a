r"""Patterns of the models are Java's; here they become Python's, matched against the whole string.

What differs, and what is done about it:
    \p{L} \p{M} \p{N} \p{P} \p{S} \p{Z}     spelt out as ranges from Python's own Unicode tables
    [\w-\/]                               after a class, Java reads `-` as itself: escaped
    \u10000-\u10FFFF                      Java reads five or six digits here, Python four: rewritten with \U
    [a[b]                                 Python warns of a bare `[` in a set: escaped
    \w \d \s                              ASCII only, as in Java without UNICODE_CHARACTER_CLASS
Refuses to guess: a pattern that still does not compile is a defect of this module and raises ValueError.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

_PROPERTY = re.compile(r"\\p\{(?:Is)?([A-Z][a-z]?)\}")
_LONG_ESCAPE = re.compile(r"\\u(10000|10FFFF)")
_RUN = re.compile(r"(.)\1*")
_CLASS_THEN_DASH = re.compile(r"(\\[wdsWDS])-(?=[^\]])")


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Return the Python pattern for `pattern`; use its `fullmatch`. Raises ValueError when it cannot be translated."""
    try:
        return re.compile(translated(pattern), re.ASCII)
    except re.error as error:
        raise ValueError(
            f"the model's pattern {pattern!r} has no Python form yet ({error}); teach localorg.protocol.patterns"
        ) from error


def translated(pattern: str) -> str:
    """Return `pattern` in Python's syntax."""
    text = _LONG_ESCAPE.sub(lambda found: rf"\U{int(found[1], 16):08x}", pattern)
    return "".join(_pieces(_CLASS_THEN_DASH.sub(r"\1\-", text)))


def _pieces(text: str) -> Iterator[str]:
    inside, position = False, 0
    while position < len(text):
        character = text[position]
        if found := _PROPERTY.match(text, position):
            ranges = _ranges(found[1])
            yield ranges if inside else f"[{ranges}]"
            position = found.end()
            continue
        if character == "\\":
            yield text[position : position + 2]
            position += 2
            continue
        if inside and character in "[&|~":
            yield "\\"
        elif character in "[]":
            inside = character == "["
        yield character
        position += 1


def _ranges(category: str) -> str:
    """Return the members of a Unicode category (one letter) as ranges for a set."""
    if len(category) > 1:
        raise ValueError(
            f"the model uses the Unicode category {category}; teach localorg.protocol.patterns to tell it from {category[0]}"
        )
    return _all_ranges()[category]


@cache
def _all_ranges() -> dict[str, str]:
    """One pass over the assigned characters (about 0.05 s), the first time that a pattern needs it."""
    found: dict[str, list[str]] = {}
    for begin, letters in _letters():
        for run in _RUN.finditer(letters):
            found.setdefault(run[1], []).append(rf"\U{begin + run.start():08x}-\U{begin + run.end() - 1:08x}")
    return {letter: "".join(ranges) for letter, ranges in found.items()}


def _letters() -> Iterator[tuple[int, str]]:
    """Yield (first code point, the first letters of the categories from there on), without gaps.

    Planes 4 to 13 hold no character and planes 15 and 16 private ones: all are C, as is the rest of plane 14.
    """
    for begin, end, assigned in (
        (0, 0x40000, True),
        (0x40000, 0xE0000, False),
        (0xE0000, 0xF0000, True),
        (0xF0000, 0x110000, False),
    ):
        if assigned:
            yield begin, "".join([category[0] for category in map(unicodedata.category, map(chr, range(begin, end)))])
        else:
            yield begin, "C" * (end - begin)
