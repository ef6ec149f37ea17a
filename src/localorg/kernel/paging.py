"""Pages of a list: a token names the last row that was given and the next, so rows that come or go meanwhile do not shift the next page.

`page_of` is for rows that come in the order of their keys: the row that a token names may be gone, because whoever reads deletes.
Rules: a token that this list never gave is refused with the service's own error. `walk` is for long lists: it begins where the last
page ended and looks no further than the page needs, so that all pages together look at every row once, or twice at most.
"""

import json
from base64 import b64decode, b64encode
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import TypeVar

from localorg.kernel.errors import AwsError

R = TypeVar("R")
_SEPARATOR = "\x1f"


def page(
    rows: Sequence[R], key: Callable[[R], str], limit: int, token: str | None, refusal: AwsError
) -> tuple[list[R], str | None]:
    """Return at most `limit` rows from where `token` says, and the token of the next page (None: that was all).

    Whoever deletes the rows of a page before it asks for the next one finds that by its first row.
    """
    start = _after(rows, key, token, refusal) if token else 0
    chosen = list(rows[start : start + limit])
    if start + limit >= len(rows):
        return chosen, None
    return chosen, b64encode(json.dumps([key(chosen[-1]), key(rows[start + limit])]).encode()).decode()


def page_of(
    name: str, rows: Sequence[R], key: Callable[[R], str], limit: int, token: str | None, refusal: AwsError
) -> tuple[list[R], str | None]:
    """Return at most `limit` rows after `token`, and the token of the next page; `name` tells this list's tokens from another's."""
    start = 0
    if token:
        keys = [(name, key(row)) for row in rows]
        last = _key(keys or [(name, "")], token, refusal)
        if last[0] != name:
            raise refusal
        start = bisect_right(keys, last)
    chosen = list(rows[start : start + limit])
    return chosen, _token((name, key(chosen[-1]))) if start + limit < len(rows) else None


def walk(
    keys: Sequence[tuple[str, ...]], look: Callable[[tuple[str, ...]], R | None], limit: int, token: str | None, refusal: AwsError
) -> tuple[list[R], str | None]:
    """Return up to `limit` of what `look` makes of sorted `keys` (None: not in the list), and the token of the next page.

    A row whose key is gone by the next page loses nothing but itself; rows that come meanwhile are met at most once.
    """
    found: list[R] = []
    last: tuple[str, ...] = ()
    for position in range(bisect_right(keys, _key(keys, token, refusal)) if token else 0, len(keys)):
        row = look(keys[position])
        if row is None:
            continue
        if len(found) == limit:
            return found, _token(last)
        found.append(row)
        last = keys[position]
    return found, None


def _token(key: tuple[str, ...]) -> str:
    return b64encode(_SEPARATOR.join(key).encode()).decode()


def _key(keys: Sequence[tuple[str, ...]], token: str, refusal: AwsError) -> tuple[str, ...]:
    try:
        key = tuple(b64decode(token.encode()).decode().split(_SEPARATOR))
    except ValueError:
        raise refusal from None
    if _token(key) != token or (keys and len(keys[0]) != len(key)):
        raise refusal
    return key


def _after(rows: Sequence[R], key: Callable[[R], str], token: str, refusal: AwsError) -> int:
    try:
        last, following = map(str, json.loads(b64decode(token.encode())))
    except (ValueError, TypeError):
        raise refusal from None
    positions = {key(row): position for position, row in enumerate(rows)}
    if following in positions:
        return positions[following]
    if last not in positions:
        raise refusal
    return positions[last] + 1
