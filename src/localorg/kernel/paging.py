"""Pages of a list: a token names the last row that was given, so rows that appear meanwhile do not shift the next page.

Rules: a token that this list never gave is refused with the service's own error.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import TypeVar

from localorg.kernel.errors import AwsError

R = TypeVar("R")


def page(
    rows: Sequence[R], key: Callable[[R], str], limit: int, token: str | None, refusal: AwsError
) -> tuple[list[R], str | None]:
    """Return at most `limit` rows after the one that `token` names, and the token of the next page (None: that was all)."""
    start = _after(rows, key, token, refusal) if token else 0
    chosen = list(rows[start : start + limit])
    more = start + limit < len(rows)
    return chosen, urlsafe_b64encode(key(chosen[-1]).encode()).decode() if more else None


def _after(rows: Sequence[R], key: Callable[[R], str], token: str, refusal: AwsError) -> int:
    try:
        wanted = urlsafe_b64decode(token.encode()).decode()
    except ValueError:
        raise refusal from None
    for position, row in enumerate(rows):
        if key(row) == wanted:
            return position + 1
    raise refusal
