"""What stands in a policy document that was checked already."""

import json
from typing import Any


def statements(document: str) -> list[dict[str, Any]]:
    """Return the statements of a document: there may be one, or a list of them."""
    found: list[dict[str, Any]] = listed(json.loads(document).get("Statement", []))
    return found


def listed(value: Any) -> list[Any]:
    """Return the values of an element that holds one value or a list of them."""
    return value if isinstance(value, list) else [value]
