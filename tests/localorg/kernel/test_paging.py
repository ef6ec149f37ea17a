"""Pages of a list that may grow between them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localorg.kernel.errors import AwsError
from localorg.kernel.paging import page, page_of

REFUSAL = AwsError("InvalidNextToken", "not a token of this list")


@given(st.lists(st.text(min_size=1), unique=True), st.integers(1, 7))
def test_all_pages_together_are_the_list(rows, limit):
    """Assumed: localorg's own promise: nothing twice, nothing missing, no empty last page."""
    seen, token = [], None
    while True:
        shown, token = page(rows, str, limit, token, REFUSAL)
        seen += shown
        if token is None:
            break
        assert len(shown) == limit
    assert seen == rows


def test_new_rows_in_front_do_not_shift_the_next_page():
    """Assumed: localorg's own promise."""
    first, token = page(["c", "b", "a"], str, 2, None, REFUSAL)
    assert first == ["c", "b"]
    assert page(["d", "c", "b", "a"], str, 2, token, REFUSAL) == (["a"], None)


def test_a_page_is_found_by_its_first_row_or_by_the_last_of_the_page_before():
    """Assumed: localorg's own promise; scripts that clean up delete page by page."""
    _, token = page(["c", "a", "d", "b"], str, 2, None, REFUSAL)
    assert page(["d", "b"], str, 2, token, REFUSAL) == (["d", "b"], None)
    assert page(["c", "a", "b"], str, 2, token, REFUSAL) == (["b"], None)
    with pytest.raises(AwsError, match="InvalidNextToken"):
        page(["c", "b"], str, 2, token, REFUSAL)


@pytest.mark.parametrize("token", ["made up", "Z29uZQ==", "WzEsMl0=", "W1tdLDJd", "NQ==", "\N{SNOWMAN}"])
def test_a_token_of_nothing_is_refused(token):
    """Documented: InvalidNextToken in the APIs that page."""
    with pytest.raises(AwsError, match="InvalidNextToken: not a token of this list"):
        page(["a"], str, 1, token, REFUSAL)


@given(st.sets(st.text(st.characters(codec="utf-8", exclude_characters="\x1f"), min_size=1), max_size=30), st.integers(1, 7))
def test_a_reader_who_deletes_what_it_sees_misses_nothing(rows, limit):
    """Assumed: localorg's own promise; scripts that clean up delete page by page."""
    left, seen, token = sorted(rows), [], None
    while True:
        shown, token = page_of("List", left, str, limit, token, REFUSAL)
        seen += shown
        left = [row for row in left if row not in shown]
        if token is None:
            break
    assert seen == sorted(rows)


def test_the_token_of_another_list_is_refused():
    """Documented: InvalidNextToken in the APIs that page."""
    _, token = page_of("List", ["a", "b"], str, 1, None, REFUSAL)
    assert page_of("List", [], str, 1, token, REFUSAL) == ([], None)
    for foreign in (token, page(["a", "b"], str, 1, None, REFUSAL)[1], "made up"):
        with pytest.raises(AwsError, match="InvalidNextToken: not a token of this list"):
            page_of("Another", ["a", "b"], str, 1, foreign, REFUSAL)
