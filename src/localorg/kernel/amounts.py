"""Limits that are a number or a percentage ("10", "10%"), as MaxConcurrency and MaxErrors are everywhere in Systems Manager. Pure."""


def amount(limit: str, total: int, rounding: str) -> int:
    """Return `limit` of `total` as a number. `rounding` is the reading of the question percent-rounding: down or up."""
    if not limit.endswith("%"):
        return int(limit)
    exact = total * int(limit[:-1])
    return -(-exact // 100) if rounding == "up" else exact // 100
