"""How KMS gives lists in pages. AWS: API ListKeys, Limit, Marker, Truncated, NextMarker."""

from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Output

PAGE = 100
"""AWS: API ListKeys, Limit: "between 1 and 1000 ... defaults to 100"."""


def paged(marker: str | None) -> Output:
    """Return the members by which KMS says whether a list goes on."""
    return {"Truncated": True, "NextMarker": marker} if marker else {"Truncated": False}


def invalid_marker() -> AwsError:
    """Return the refusal of a marker that no list gave."""
    return AwsError("InvalidMarkerException", "The marker is not valid.")
