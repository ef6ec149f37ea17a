"""IAM's way of paging: Marker, MaxItems, IsTruncated.

Flow: all rows of a list -> `listed` -> one page as the operation's output.
Rules: 100 items unless the caller says otherwise; a marker that no page gave is refused.
Refuses to know: what the rows are.

AWS: IAM API reference, ListRoles and every other List operation.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from localorg.kernel.errors import AwsError
from localorg.kernel.paging import page
from localorg.protocol.calls import Output, Request

R = TypeVar("R")
MAX_ITEMS = 100


def listed(request: Request, member: str, rows: list[R], key: Callable[[R], str]) -> Output:
    """Return one page of `rows` as the output member `member`. Raises ValidationError for a marker that was never given."""
    refusal = AwsError(
        "ValidationError", f"Invalid Marker. Found {request.params.get('Marker')!r}; use the Marker of the page before."
    )
    chosen, marker = page(rows, key, request.params.get("MaxItems", MAX_ITEMS), request.params.get("Marker"), refusal)
    output: dict[str, Any] = {member: chosen, "IsTruncated": marker is not None}
    if marker is not None:
        output["Marker"] = marker
    return output
