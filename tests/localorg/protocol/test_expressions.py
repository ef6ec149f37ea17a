"""Patterns that strangers write: Java's syntax, and never more than a moment or a few megabytes for one of them."""

import pytest

from localorg.kernel.errors import NotSupported
from localorg.protocol.expressions import UNFOLDED_MAX, Unreadable, check, matches

LONG = "a" * 4096 + "!"


@pytest.mark.parametrize(
    ("pattern", "value", "whole", "part"),
    [
        ("[a-z]+", "abc", True, True),
        ("[a-z]+", "abc1", False, True),
        (r"^(?!aws)(?=.*\d)[\w-]{3,9}$", "web-1", True, True),
        (r"^(?!aws)(?=.*\d)[\w-]{3,9}$", "aws-1", False, False),
        (r"\p{L}+", "Grüße", True, True),
        (r"\w+", "ü", False, False),
        ("(a|b)(?:c){2}+", "acc", True, True),
        ("a{e<=3}", "b", False, False),
        ("a--b", "a--b", True, True),
        ("", "", True, True),
    ],
)
def test_patterns_are_javas(pattern: str, value: str, *, whole: bool, part: bool) -> None:
    """Documented: java.util.regex.Pattern: lookahead, categories, possessive repetition; letters of \\w are ASCII's."""
    assert (matches(pattern, value), matches(pattern, value, whole=False)) == (whole, part)


@pytest.mark.parametrize("pattern", ["(", "(?R)", "(?1)a", "(?e)a", "a{99999999999}", "(" * 3000 + ")" * 3000, "x{2}{3}", "*"])
def test_what_is_no_pattern_says_so(pattern: str) -> None:
    """Recursion and approximate matching are no Java; nor is what cannot be read at all."""
    with pytest.raises(Unreadable, match=r"\w"):
        check(pattern)


@pytest.mark.parametrize("pattern", ["(a|aa)+b", "(.*a){25}", "((a{0,100}){0,10}){0,10}"])
def test_a_pattern_that_never_ends_is_given_up(pattern: str) -> None:
    """Assumed: one account's pattern must not hold up all others; with a plain backtracking matcher each of these takes years."""
    with pytest.raises(NotSupported, match=r"the pattern .*, which takes more than half a second"):
        matches(pattern, LONG)


@pytest.mark.parametrize("pattern", ["((a{1000}){1000}){1000}", "(?:(?:a?){100}){150}", "(" * 60 + "ab" + ")+" * 60])
def test_a_pattern_that_unfolds_to_much_is_never_compiled(pattern: str) -> None:
    """Assumed: 25 characters would come to gigabytes."""
    with pytest.raises(NotSupported, match=f"whose repetitions unfold to more than {UNFOLDED_MAX} pieces"):
        check(pattern)


def test_usual_patterns_are_far_from_the_bound() -> None:
    """Long host names, ARNs and lists of them are what people check."""
    check(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.){1,10}[a-z]{2,63}")
    check(
        r"^$|^arn:(aws[a-zA-Z-]*):iam::\d{12}:role/[\w+=,.@/-]{1,512}(,arn:(aws[a-zA-Z-]*):iam::\d{12}:role/[\w+=,.@/-]{1,512}){0,9}$"
    )
