"""Sets that wait for other sets when accounts come and go: AutoDeployment's DependsOn.

Flow: ARNs of a request -> `of` -> ids kept on the set -> `hold` tells whether an automatic operation waits, may begin, or cannot.
Rules: at most ten for a set and a hundred in an account; no circles. A set that is deleted is waited for by nobody.

AWS: CloudFormation user guide, "Enable or disable automatic deployments for StackSets in AWS Organizations", considerations.
"""

from collections.abc import Sequence
from typing import Literal

from localorg.stacks.stacksets.records import SetOperationRecord, StackSetRecord
from localorg.stacks.stacksets.shelf import Shelf
from localorg.stacks.template import invalid

PER_SET_MAX, PER_ACCOUNT_MAX = 10, 100

Hold = Literal["begin", "wait", "fail"]


class Dependencies:
    """Knows which set goes before which."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def of(self, stack_set: StackSetRecord, arns: Sequence[str]) -> list[str]:
        """Return the ids of the sets that these ARNs name. Raises ValidationError."""
        found = [self._named(stack_set, arn) for arn in dict.fromkeys(arns)]
        if len(found) > PER_SET_MAX:
            raise invalid(f"A stack set can depend on at most {PER_SET_MAX} stack sets; {len(found)} were given")
        others = [one for one in self._shelf.every() if one.account == stack_set.account and one is not stack_set]
        total = len(found) + sum(len(one.depends_on) for one in others if one.stack_set_id != stack_set.stack_set_id)
        if total > PER_ACCOUNT_MAX:
            raise invalid(f"An account can have at most {PER_ACCOUNT_MAX} dependencies of stack sets; this makes {total}")
        if any(stack_set.stack_set_id in self._everything_before(name) for name in found):
            raise invalid(f"The dependencies of stack set {stack_set.name} form a circle")
        return found

    def _named(self, stack_set: StackSetRecord, arn: str) -> str:
        one = self._shelf.by_id(arn.rsplit("stackset/", 1)[-1])
        if one is None or one.status != "ACTIVE" or one.account != stack_set.account or not arn.startswith("arn:"):
            raise invalid(f"DependsOn: {arn} is no ARN of a stack set in this account")
        if one.permission_model != stack_set.permission_model:
            raise invalid(f"DependsOn: {arn} is not a stack set with the {stack_set.permission_model} permission model")
        return one.stack_set_id

    def _everything_before(self, name: str) -> set[str]:
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            current = waiting.pop()
            one = self._shelf.by_id(current)
            if current not in seen and one is not None:
                waiting += one.depends_on
            seen.add(current)
        return seen

    def drop(self, stack_set: StackSetRecord) -> None:
        """Forget a set that is deleted. AWS: dependencies are removed with it."""
        for one in self.dependents(stack_set):
            one.depends_on.remove(stack_set.stack_set_id)
            self._shelf.put(one)

    def dependents(self, stack_set: StackSetRecord) -> list[StackSetRecord]:
        """Return the sets that wait for this one."""
        return [one for one in self._shelf.every() if stack_set.stack_set_id in one.depends_on]

    def hold(self, stack_set: StackSetRecord, operation: SetOperationRecord) -> Hold:
        """Say whether an operation waits for those that go first."""
        if not operation.automatic:
            return "begin"
        verdicts = [self._verdict(name, operation) for name in stack_set.depends_on]
        # ASSUMED: what comes after an automatic operation that failed fails too, and says so.
        return "fail" if "fail" in verdicts else "wait" if "wait" in verdicts else "begin"

    def _verdict(self, name: str, operation: SetOperationRecord) -> Hold:
        first = self._shelf.by_id(name)
        accounts = {item.account for item in operation.items}
        if first is not None and accounts & set(first.waiting):
            return "wait"
        concerned = [one for one in self._shelf.operations(name) if any(one.touches(account) for account in accounts)]
        if any(one.ended is None for one in concerned):
            return "wait"
        while_it_waited = [one for one in concerned if one.automatic and (one.ended or 0) >= operation.created]
        failed = any(one.status != "SUCCEEDED" for one in while_it_waited)
        return "fail" if failed else "begin"
