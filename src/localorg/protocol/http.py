"""One HTTP request and one HTTP response as values, free of any server or client library."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class WireRequest:
    """What came in. `path` and `query` are as sent (percent-encoded); header names are lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""
    peer: str = ""
    """The address that the request came from; empty when nobody knows."""
    is_encrypted: bool = False

    def query_pairs(self) -> list[tuple[str, str]]:
        """Return the decoded query parameters in order; a bare `?policy` is ("policy", "")."""
        return parse_qsl(self.query, keep_blank_values=True)


@dataclass(frozen=True)
class WireResponse:
    """What goes out. `body` may be large and is never copied."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
