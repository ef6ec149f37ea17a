"""Parameters of stack operations that localorg does not act on: refused by name."""

from typing import Any

from localorg.stacks.template import invalid

UNSUPPORTED = ("DeploymentConfig", "DisableValidation", "NotificationARNs")


def refuse_unsupported(params: dict[str, Any]) -> None:
    """Raise ValidationError naming every parameter of the request that localorg does not act on."""
    named = [name for name in UNSUPPORTED if params.get(name)]
    if any((params.get("RollbackConfiguration") or {}).values()):
        # What watches a stack are alarms of CloudWatch; a configuration without any is none.
        named.append("RollbackConfiguration")
    if named:
        raise invalid("\n".join(f"localorg does not support the parameter {name} of stack operations" for name in named))
