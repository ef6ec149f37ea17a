"""The lowest version of a package that may still be published, in Parameter Store: looked at before, raised once all files are compared.

The floor is the highest value that the parameter ever had: Parameter Store cannot compare and swap, so of two runs at once either may
write last, and neither lowers it.
"""

import re
from typing import Any

import boto3


def handler(events: Any, _context: Any, client: Any = boto3.client) -> Any:
    """Raises ValueError below the floor. `write` is 'true' where the release's own floor is to be remembered."""
    version, signed = events["version"], events["floor"]
    if not signed:  # nothing is verified
        return {"floor": ""}
    parameter = f"/csd/trust/{events['name']}"
    ssm = client("ssm", region_name=events["home"])
    held = _history(ssm, parameter)
    floor = max([*held, signed], key=_order)
    if _order(version) < _order(floor):
        whose = f"remembered in {parameter}" if floor in held else "of its own signed release"
        raise ValueError(f"{events['name']} {version} is older than {floor}, the lowest version that may be published ({whose})")
    if events["write"] == "true" and held[-1:] != [floor]:
        described = f"The lowest version of {events['name']} that may be published. The highest value in its history counts."
        ssm.put_parameter(Name=parameter, Value=floor, Type="String", Overwrite=True, Description=described)
    return {"floor": floor}


def _history(ssm: Any, parameter: str) -> list[str]:
    """The values that the parameter had, oldest first."""
    pages = ssm.get_paginator("get_parameter_history").paginate(Name=parameter)
    try:
        return [held["Value"] for page in pages for held in page["Parameters"]]
    except ssm.exceptions.ParameterNotFound:
        return []


def _order(version: str) -> list[tuple[int, int, str]]:
    """Digits by their number; letters come before the end, and the end before digits: 1.0-rc1 < 1.0 < 1.0.1."""
    parts = re.findall(r"[0-9]+|[A-Za-z]+", version)
    return [(2, int(part), "") if part.isdigit() else (0, 0, part) for part in parts] + [(1, 0, "")]
