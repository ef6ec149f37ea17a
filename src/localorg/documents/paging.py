"""The pages of documents' lists: MaxResults and NextToken of a request over `kernel.paging`."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from localorg.kernel.errors import AwsError
from localorg.kernel.paging import page, page_of
from localorg.protocol.calls import Request

R = TypeVar("R")


def cut(rows: Sequence[R], key: Callable[[R], str], params: dict[str, Any], size: int) -> tuple[list[R], dict[str, str]]:
    """Return one page of `rows`, and {"NextToken": ...} when there is more. Raises InvalidNextToken."""
    chosen, token = page(rows, key, params.get("MaxResults") or size, params.get("NextToken"), _refusal())
    return chosen, {"NextToken": token} if token else {}


def cut_sorted(rows: Sequence[R], key: Callable[[R], str], request: Request, size: int) -> tuple[list[R], dict[str, str]]:
    """Do the same for rows in the order of their keys, which may be deleted between two pages."""
    limit, given = request.params.get("MaxResults") or size, request.params.get("NextToken")
    chosen, token = page_of(request.operation, rows, key, limit, given, _refusal())
    return chosen, {"NextToken": token} if token else {}


def _refusal() -> AwsError:
    return AwsError("InvalidNextToken", "The NextToken is not one that an earlier page gave. Begin again without it.")
