"""Where the statements of a policy stand in its text, as IAM's simulator tells it: lines and columns, counted from one.

AWS: IAM API reference, Statement, Position; the AWS CLI's examples of simulate-custom-policy and simulate-principal-policy, by which
a statement begins behind what comes before it (the bracket of the list, the statement before), and one without a list behind its brace.
"""

import json
from collections.abc import Iterator

from localorg.protocol.calls import Output

_BLANK = " \t\r\n"


def statement_positions(text: str) -> list[tuple[Output, Output]]:
    """Return (start, end) of each statement of a policy that was parsed before."""
    return [(_position(text, start), _position(text, end)) for start, end in _spans(text)]


def _position(text: str, offset: int) -> Output:
    before = text[:offset]
    return {"Line": before.count("\n") + 1, "Column": offset - (before.rfind("\n") + 1) + 1}


def _spans(text: str) -> Iterator[tuple[int, int]]:
    decoder = json.JSONDecoder()
    at = _past(text, 0) + 1
    while True:
        name, at = decoder.raw_decode(text, _past(text, at))
        at = _past(text, _past(text, at) + 1)
        if name == "Statement":
            yield from _listed(text, at, decoder) if text[at] == "[" else [(at + 1, decoder.raw_decode(text, at)[1])]
            return
        _, at = decoder.raw_decode(text, at)
        at = _past(text, at) + 1


def _listed(text: str, at: int, decoder: json.JSONDecoder) -> Iterator[tuple[int, int]]:
    start = at + 1
    while text[at] != "]":
        _, end = decoder.raw_decode(text, _past(text, at + 1))
        yield start, end
        # ASSUMED: a statement that follows another begins where that one ended, before the comma.
        start, at = end, _past(text, end)


def _past(text: str, at: int) -> int:
    while text[at] in _BLANK:
        at += 1
    return at
