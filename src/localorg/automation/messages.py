"""FailureMessage: how a failure is told, and how the cause inside a told failure is found again.

Rules: the cause itself comes first and is never cut away for its surroundings: a person finds the node's own words at the top of a run
that is three automations away from the node. Long messages lose their end.
Observed: "Step fails when it is ... . <cause>. Please refer to Automation Service Troubleshooting Guide for more diagnosis details."
"""

import re

LENGTH_MAX = 8_000
"""ASSUMED: AWS does not say how long a FailureMessage may become."""
CAUSE_MAX = 6_000
GUIDE = "Please refer to Automation Service Troubleshooting Guide for more diagnosis details."
_BEGINNING = re.compile(r"^Step (fails when it is|timed out while it is) [\w/ ]+\. ")
_TRACE = re.compile(r"\n?Traceback \(most recent call last\):.*", re.DOTALL)


def told(doing: str, cause: str, *, timed_out: bool = False) -> str:
    """Return the FailureMessage for `cause`."""
    how = "timed out while it is" if timed_out else "fails when it is"
    cause = shortened(cause.strip(), CAUSE_MAX)
    stop = "" if cause.endswith((".", "!", "?")) else "."
    return f"Step {how} {doing}. {cause}{stop} {GUIDE}"


def cause_of(message: str) -> str:
    """Return the cause inside a FailureMessage, without the phrases around it and without a traceback."""
    inside = _BEGINNING.sub("", message).removesuffix(GUIDE).strip()
    return _TRACE.sub("", inside).strip() or inside


def shortened(text: str, most: int) -> str:
    """Return `text`, cut to `most` characters with a mark where it was cut."""
    return text if len(text) <= most else text[: most - 15].rstrip() + " ... (shortened)"
