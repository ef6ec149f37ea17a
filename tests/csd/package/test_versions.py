"""Which version is older: the table of the docstring, and what makes it an order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csd.package.versions import higher, lowest, order
from csd_steps import release_floor

VERSIONS = st.text("0123456789abzAZ._-", min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.0-rc1", "1.0"),
        ("1.0", "1.0.1"),
        ("1.0.9", "1.0.10"),
        ("1.0-alpha", "1.0-beta"),
        ("1.0-rc2", "1.0-rc10"),
        ("1.9", "1.10"),
        ("1.2", "2"),
        ("v1.2", "v1.10"),
        ("1.0", "1.0-1"),
        ("7.11.0-15405", "7.11.0-15406"),
    ],
)
def test_the_older_is_less(older: str, newer: str) -> None:
    """Rows that people expect."""
    assert order(older) < order(newer)
    assert higher(older, "", newer) == newer


@given(VERSIONS, VERSIONS, VERSIONS)
def test_it_is_an_order(a: str, b: str, c: str) -> None:
    """Of any two versions one is not newer, and what is older than the older is older."""
    assert (order(a) < order(b)) + (order(b) < order(a)) + (order(a) == order(b)) == 1
    if order(a) <= order(b) <= order(c):
        assert order(a) <= order(c)


@given(VERSIONS)
def test_a_further_part_is_newer_a_letter_is_older(version: str) -> None:
    """A number behind it makes a version newer, a word makes it older."""
    assert order(f"{version}.rc") < order(version) < order(f"{version}.0")


@given(VERSIONS)
def test_the_lowest_floor_shuts_nothing_out(version: str) -> None:
    """The floor that is taken when none is given is not above the version."""
    assert order(lowest(version)) <= order(version)


@given(VERSIONS, VERSIONS)
def test_the_step_in_aws_has_the_same_order(a: str, b: str) -> None:
    """csd_steps carries a copy, for it runs in AWS: the two never disagree."""
    assert (release_floor._order(a) < release_floor._order(b)) == (order(a) < order(b))
    assert release_floor._order(a) == order(a)


def test_no_version_is_higher_than_none() -> None:
    """No floors, no floor."""
    assert higher("", "") == ""
