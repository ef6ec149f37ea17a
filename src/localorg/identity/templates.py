"""Strings in a policy that may hold wildcards and policy variables, compiled once into something that matches.

Flow: "arn:...:user/${aws:username}/*" -> `Template` (pieces) -> a matcher, at once when there is no variable, else with the
request's context.
Rules: what a variable brings in is literal text, never a wildcard; a variable without value and without default matches nothing.
Refuses to know: which keys exist (conditions.py) and what the strings are compared with.

AWS: IAM user guide, "IAM policy elements: Variables and tags" and "IAM JSON policy elements: Resource".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from localorg.kernel import globs
from localorg.kernel.globs import Match

Lookup = Callable[[str], tuple[str, ...] | None]
"""Condition key, in any case -> its values in this request (several only of a multivalued key), or None. Raises NotSupported for a key
that AWS fills and nobody here can."""
Grammar = Literal["text", "arn", "arn-parts"]
"""`text`: wildcards match anything. `arn`: as the Resource element, a wildcard keeps to its part of the ARN unless it ends it.
`arn-parts`: as ArnLike, each of the six parts by itself."""

_SPECIAL = {"*", "?", "$"}
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DEFAULTED = re.compile(r"\s*([^,\s]+)\s*,\s*'([^']*)'\s*")
ARN_COLONS = 5


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text (`wild`: its * and ? are wildcards) or, when `key` is set, a variable with an optional default."""

    text: str = ""
    wild: bool = False
    key: str = ""
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """One policy string. `source` is as the policy has it."""

    source: str
    pieces: tuple[Piece, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The condition keys that its variables name, as they are written."""
        return tuple(piece.key for piece in self.pieces if piece.key)

    def text(self, lookup: Lookup) -> str | None:
        """Return the string with variables replaced and no wildcards, or None when a variable has no value."""
        filled = self._filled(lookup)
        return None if filled is None else "".join(text for text, _ in filled)

    def pattern(self, lookup: Lookup, grammar: Grammar = "text") -> Match | None:
        """Return what the string matches, or None when a variable has no value."""
        filled = self._filled(lookup)
        return None if filled is None else _compiled(filled, grammar)

    def _filled(self, lookup: Lookup) -> tuple[tuple[str, bool], ...] | None:
        filled = []
        for piece in self.pieces:
            if not piece.key:
                filled.append((piece.text, piece.wild))
                continue
            values = lookup(piece.key)
            # AWS: IAM user guide, policy variables: a multivalued key is no variable.
            value = values[0] if values and len(values) == 1 else piece.default
            if value is None:
                return None
            filled.append((value, False))
        return tuple(filled)


def template(source: str, *, variables: bool = True) -> Template:
    """Take `source` apart. Policies older than version 2012-10-17 have no variables: `variables=False`."""
    if not variables or "${" not in source:
        return Template(source, (Piece(source, wild=True),))
    pieces, end = [], 0
    for found in _VARIABLE.finditer(source):
        if found.start() > end:
            pieces.append(Piece(source[end : found.start()], wild=True))
        pieces.append(_variable(found.group(1)))
        end = found.end()
    if end < len(source):
        pieces.append(Piece(source[end:], wild=True))
    return Template(source, tuple(pieces))


def _variable(inside: str) -> Piece:
    if inside in _SPECIAL:
        return Piece(inside)
    defaulted = _DEFAULTED.fullmatch(inside)
    if defaulted:
        return Piece(key=defaulted.group(1), default=defaulted.group(2))
    return Piece(key=inside.strip() or "(empty)")


@lru_cache(maxsize=8192)
def _compiled(pieces: tuple[tuple[str, bool], ...], grammar: Grammar) -> Match:
    marks = [(char, wild) for text, wild in pieces for char in text]
    colons, found = ARN_COLONS if grammar == "text" else 0, []
    for position, (char, wild) in enumerate(marks):
        if not wild or char not in "*?":
            colons += char == ":"
            found.append(globs.Piece(char))
        elif colons >= ARN_COLONS:
            found.append(globs.Piece(kind="many" if char == "*" else "one"))
        else:
            following = marks[position + 1][0] if position + 1 < len(marks) else ":"
            # AWS: "If a * wildcard is the last character of a resource ARN segment, it can expand to match beyond the
            # colon boundaries."
            beyond = grammar == "arn" and char == "*" and following == ":"
            found.append(globs.Piece(kind="many" if char == "*" else "one", but="" if beyond else ":"))
    return globs.matcher(found)
