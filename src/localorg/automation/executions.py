"""The rows of Automation: executions, their steps, and which are at work in an account and Region.

Rules: how many may run and wait is `quota`'s; a row that is put after a change of its status is counted anew.
"""

from collections.abc import Iterator
from functools import lru_cache

from localorg.automation.checks import check_runbook
from localorg.automation.quota import Quota
from localorg.automation.records import TERMINAL, Execution, ParentLink, StepRecord
from localorg.automation.runbook import Runbook, parse, read
from localorg.automation.terms import Terms
from localorg.kernel.errors import AwsError
from localorg.kernel.store import Store


class Executions:
    """Finds, keeps and counts executions."""

    def __init__(self, store: Store) -> None:
        self.rows = store.table("ssm.automation", Execution)
        self.steps = store.table("ssm.automation-step", StepRecord)
        self._tokens: dict[tuple[str, str, str], str] = {}
        self.quota = Quota()
        for execution in self.rows.values():
            self._count(execution)

    def _count(self, execution: Execution) -> None:
        self.quota.note(execution)
        if execution.client_token:
            self._tokens[execution.account, execution.region, execution.client_token] = execution.execution_id

    def put(self, execution: Execution) -> None:
        """Keep `execution` as it is now."""
        self.rows.put(execution, *execution.key)

    def recount(self, execution: Execution) -> None:
        """Keep `execution` after a change of its status."""
        self.put(execution)
        self._count(execution)

    def get(self, account: str, region: str, execution_id: str) -> Execution:
        """Return an execution. Raises AutomationExecutionNotFoundException."""
        found = self.rows.get(account, region, execution_id)
        if found is None:
            raise AwsError(
                "AutomationExecutionNotFoundException",
                f"There is no automation execution {execution_id} in {account} {region}; executions are seen only where they run.",
            )
        return found

    def of(self, link: ParentLink) -> Execution:
        """Return the execution that `link` names."""
        return self.get(link.account, link.region, link.execution_id)

    def by_token(self, account: str, region: str, token: str) -> Execution | None:
        """Return the execution that was started with this client token, or None."""
        execution_id = self._tokens.get((account, region, token))
        return self.rows.get(account, region, execution_id) if execution_id else None

    def put_step(self, execution: Execution, record: StepRecord) -> None:
        """Keep a step as it is now."""
        self.steps.put(record, *execution.key, record.step_id)

    def step(self, execution: Execution, step_id: str) -> StepRecord | None:
        """Return a step by its id, or None."""
        return self.steps.get(*execution.key, step_id)

    def steps_of(self, execution: Execution) -> list[StepRecord]:
        """Return the steps, as a person reads them."""
        return sorted(self.steps.values(*execution.key), key=lambda record: record.position)

    def running(self, account: str, region: str) -> list[Execution]:
        """Return the executions at work in one account and Region."""
        return [self.get(account, region, execution_id) for execution_id in self.quota.running(account, region)]

    def forget(self, execution: Execution) -> None:
        """Drop an execution that has ended, and its steps."""
        self.rows.delete(*execution.key)
        for key, _ in list(self.steps.items(*execution.key)):
            self.steps.delete(*key)
        self._tokens.pop((execution.account, execution.region, execution.client_token), None)

    def alive(self) -> Iterator[Execution]:
        """Yield every execution that has not ended."""
        for execution in self.rows.values():
            if execution.status not in TERMINAL:
                yield execution


@lru_cache(maxsize=256)
def runbook_of(content: str) -> Runbook:
    """Return the runbook that the content of an execution describes; it was checked at the start."""
    return parse(read(content))


@lru_cache(maxsize=256)
def checked(content: str, terms: Terms) -> Runbook:
    """Return the runbook, if it may be run under `terms`. Raises ValueError with every problem."""
    problems = check_runbook(read(content), terms)
    if problems:
        raise ValueError("; ".join(problems))
    return runbook_of(content)
