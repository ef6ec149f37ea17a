"""How the twenty broken packages end without csd: refused by the API, document Failed, failed on the node, or a false success.

What each stands on is its row's source: the API reference, the Distributor guide, the agent's source, or threads of people it has hit.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from broken.forcing import BUCKET, Force
from broken.making import INSTALLED, TOOL, scripts, source
from broken.packages import DASH, ROWS, Broken, DocumentFailed, FailsOnNode, FalseSuccess, RefusedByApi

WHOLE = Broken(
    "whole", "Nothing is wrong with it", "", lambda: source(scripts()), "", "", FalseSuccess("", INSTALLED, TOOL)
)  # fmt: skip


def as_row(row: Broken) -> object:
    return pytest.param(row, id=row.id)


@pytest.mark.parametrize("row", [as_row(row) for row in ROWS])
@pytest.mark.xdist_group("broken")
def test_a_broken_package_that_is_forced_through_ends_as_its_row_says(force: Force, row: Broken) -> None:
    """Observed: on a node whose scripts really run, from documents that localorg's Systems Manager made."""
    if row.source == DASH and Path("/bin/sh").resolve().name != "dash":
        pytest.skip("sh is another shell here, which understands the script or says it in other words")
    match force.push(row), row.forced:
        case RefusedByApi(code, said), RefusedByApi(expected, words):
            assert (code, words in said) == (expected, True), said
        case DocumentFailed(said), DocumentFailed(words):
            assert said == words.format(bucket=BUCKET, prefix=row.id)
        case FailsOnNode(said), FailsOnNode(words):
            assert words in said, said
        case FalseSuccess() as ended, FalseSuccess() as expected:
            assert ended == expected
        case ended, expected:
            pytest.fail(f"{row.id} ended as {ended}, and was said to end as {expected}")


@pytest.mark.xdist_group("broken")
def test_the_same_package_unbroken_is_installed_and_taken_away(force: Force) -> None:
    """What is broken above is broken by what its row says, and by nothing else."""
    gone = replace(WHOLE, forced=FalseSuccess("", INSTALLED, None, ("Install", "Uninstall")))
    assert (force.push(WHOLE), force.push(gone)) == (WHOLE.forced, gone.forced)
