"""What all tests share: with CSD_SANDBOX_REQUIRED (`make test`) a sandbox test that would be skipped fails instead.

Where the machine refuses sandboxes altogether, such a run ends at once with the one sentence that says so.
"""

import gc
import os
from collections.abc import Generator

import pytest
from hypothesis import settings

from localorg.node import namespaces

# Properties are tried with fifty examples where a test does not say otherwise; HYPOTHESIS_PROFILE=deep make test asks for more.
settings.register_profile("quick", max_examples=50, deadline=None)
settings.register_profile("deep", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
LONGEST_FIRST = (
    "journeys/test_recipes.py",
    "least/",
    "journeys/test_walk.py",
    "conformance/",
    "journeys/",
    "docs/",
    "node/",
    "simulation/",
)


def pytest_sessionstart(session: pytest.Session) -> None:
    """End the run where it cannot be whole, instead of letting hundreds of tests fail for the same reason."""
    is_worker = hasattr(session.config, "workerinput")
    if os.environ.get("CSD_SANDBOX_REQUIRED") and not is_worker and (refusal := namespaces.available()):
        pytest.exit(f"the tests need real nodes: {refusal.reason.removesuffix(', or give --isolation none.')}.", returncode=1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker is left alone with it at the end."""
    items.sort(
        key=lambda item: next((n for n, place in enumerate(LONGEST_FIRST) if f"tests/{place}" in item.nodeid), len(LONGEST_FIRST))
    )


def pytest_collection_finish() -> None:
    """Let the collector of garbage leave alone what lives to the end, thousands of tests among it: a fifth of the time goes there else."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of a test marked `sandbox` or `journey` into a failure where the sandbox is required."""
    report = yield
    marked = item.get_closest_marker("sandbox") or item.get_closest_marker("journey")
    if marked and report.skipped and os.environ.get("CSD_SANDBOX_REQUIRED"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and CSD_SANDBOX_REQUIRED says that it must run: {report.longrepr}"
    return report
