"""The pages of documents' lists: MaxResults and NextToken of a request over `kernel.paging`."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from localorg.kernel.errors import AwsError
from localorg.kernel.paging import page

R = TypeVar("R")


def cut(rows: Sequence[R], key: Callable[[R], str], params: dict[str, Any], size: int) -> tuple[list[R], dict[str, str]]:
    """Return one page of `rows`, and {"NextToken": ...} when there is more. Raises InvalidNextToken."""
    refusal = AwsError("InvalidNextToken", "The NextToken is not one that an earlier page gave. Begin again without it.")
    chosen, token = page(rows, key, params.get("MaxResults") or size, params.get("NextToken"), refusal)
    return chosen, {"NextToken": token} if token else {}
