"""Cutting a list into the pages of the API. A token is the place where the next page begins."""

import base64
from collections.abc import Sequence
from typing import Any, TypeVar

from localorg.kernel.errors import AwsError

T = TypeVar("T")
MARK = "page:"


def page(items: Sequence[T], params: dict[str, Any], size: int) -> tuple[list[T], dict[str, str]]:
    """Return one page of `items`, and {"NextToken": ...} when there is more. Raises InvalidNextToken."""
    start = _read(params.get("NextToken"))
    end = start + int(params.get("MaxResults") or size)
    more = {"NextToken": base64.urlsafe_b64encode(f"{MARK}{end}".encode()).decode()} if end < len(items) else {}
    return list(items[start:end]), more


def _read(token: str | None) -> int:
    if not token:
        return 0
    try:
        mark, _, place = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        if f"{mark}:" == MARK and place.isdecimal():
            return int(place)
    except ValueError:
        pass
    raise AwsError("InvalidNextToken", "The NextToken is not one that an earlier page gave. Begin again without it.")
