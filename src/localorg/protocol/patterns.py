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
import sys
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import groupby

_PROPERTY = re.compile(r"\\p\{(?:Is)?([A-Z][a-z]?)\}")
_LONG_ESCAPE = re.compile(r"\\u(10000|10FFFF)")
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
    """One pass over all characters (about 0.2 s), the first time that a pattern needs it."""
    found: dict[str, list[str]] = {}
    letters = (unicodedata.category(chr(code))[0] for code in range(sys.maxunicode + 1))
    code = 0
    for letter, run in groupby(letters):
        length = sum(1 for _ in run)
        found.setdefault(letter, []).append(rf"\U{code:08x}-\U{code + length - 1:08x}")
        code += length
    return {letter: "".join(ranges) for letter, ranges in found.items()}
