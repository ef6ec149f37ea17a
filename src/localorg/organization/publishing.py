"""How the organization tells every other engine what has changed."""

from localorg.kernel.events import Kernel

TOPIC = "organization.changed"


def publish(kernel: Kernel, kind: str, **data: str) -> None:
    """Publish a change. Kinds: account-created, account-joined, account-moved, account-removed, account-state, ou-created, ou-deleted."""
    kernel.publish(TOPIC, {"kind": kind, **data})
