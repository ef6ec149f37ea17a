"""Pages of Organizations' lists.

AWS: Organizations API reference: MaxResults is 20 at most, and a page may be shorter than asked while there are more.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from localorg.kernel.paging import page
from localorg.organization.refusals import invalid
from localorg.protocol.calls import Output, Request

PAGE = 20
R = TypeVar("R")


def paged(
    request: Request, rows: Sequence[R], key: Callable[[R], str], member: str, shape: Callable[[R], Any], size: int = PAGE
) -> Output:
    """Return the page of `rows` that the request asks for as {member: [...], NextToken}. Raises InvalidInputException."""
    limit = min(request.params.get("MaxResults", size), size)
    refusal = invalid("INVALID_NEXT_TOKEN", "You provided an invalid NextToken: pass the token of the page before, unchanged.")
    chosen, token = page(rows, key, limit, request.params.get("NextToken"), refusal)
    return {member: [shape(row) for row in chosen], **({"NextToken": token} if token else {})}
