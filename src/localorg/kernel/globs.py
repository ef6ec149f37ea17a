"""Wildcard patterns matched in time that grows with the text, whatever the pattern: policies are written by strangers.

Flow: pieces (a character, or a wildcard with the characters it may not take) -> `matcher` -> function of a text.
Rules: few stars become a regular expression; more would let it try every way to share the text among them, so then all ways are
followed at once, as bits of a number.
Refuses to know: what is matched, and which characters a wildcard stops at.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Literal

Match = Callable[[str], bool]
STARS_MAX = 2
"""A regular expression with this many stars takes at most time in the square of the text."""


@dataclass(frozen=True, slots=True)
class Piece:
    """`text` is one character to be found as it is; empty for a wildcard, which takes any but the characters of `but`."""

    text: str = ""
    kind: Literal["is", "one", "many"] = "is"
    but: str = ""


def matcher(pieces: Sequence[Piece], *, any_case: bool = False) -> Match:
    """Return a function that says whether a whole text matches."""
    if any_case:
        pieces = [Piece(piece.text.lower(), piece.kind, piece.but) for piece in pieces]
    match = _plain(pieces) or (_by_expression(pieces) if _stars(pieces) <= STARS_MAX else partial(_follow, *_machine(pieces)))
    return (lambda text: match(text.lower())) if any_case else match


def _stars(pieces: Sequence[Piece]) -> int:
    return sum(piece.kind == "many" for piece in pieces)


def _plain(pieces: Sequence[Piece]) -> Match | None:
    """Return what compares a text without a wildcard, or with nothing but a star at its end; most patterns of policies are such."""
    ends_open = bool(pieces) and pieces[-1].kind == "many" and not pieces[-1].but
    fixed = pieces[:-1] if ends_open else pieces
    if any(piece.kind != "is" for piece in fixed):
        return None
    start = "".join(piece.text for piece in fixed)
    return (lambda text: text.startswith(start)) if ends_open else (lambda text: text == start)


def _by_expression(pieces: Sequence[Piece]) -> Match:
    parts = []
    for piece in pieces:
        taken = f"[^{re.escape(piece.but)}]" if piece.but else "."
        parts.append(re.escape(piece.text) if piece.kind == "is" else taken + ("*" if piece.kind == "many" else ""))
    expression = re.compile("".join(parts), re.DOTALL)
    return lambda text: expression.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class _Rules:
    """Bits by place in the pattern, for one character: where it leads on to the next place, and where it may stay."""

    on: int
    stay: int


def _machine(pieces: Sequence[Piece]) -> tuple[dict[str, _Rules], _Rules, int]:
    """Return the rules of every character that the pattern names, those of all others, and the last place."""
    named = {character for piece in pieces for character in piece.text + piece.but}
    last = len(pieces) - _stars(pieces)

    def rules(character: str) -> _Rules:
        on = stay = place = 0
        for piece in pieces:
            takes = piece.text == character if piece.kind == "is" else character == "" or character not in piece.but
            if piece.kind == "many":
                stay |= takes << place
            else:
                on |= takes << place
                place += 1
        return _Rules(on, stay)

    return {character: rules(character) for character in named}, rules(""), last


def _follow(named: dict[str, _Rules], others: _Rules, last: int, text: str) -> bool:
    places = 1
    for character in text:
        rules = named.get(character, others)
        places = ((places & rules.on) << 1) | (places & rules.stay)
        if not places:
            return False
    return bool(places >> last & 1)


@lru_cache(maxsize=1024)
def plain(pattern: str) -> Match:
    """Return the function for a pattern in which * stands for any text and ? for one character."""
    kinds: dict[str, Piece] = {"*": Piece(kind="many"), "?": Piece(kind="one")}
    return matcher([kinds.get(character) or Piece(character) for character in pattern])
