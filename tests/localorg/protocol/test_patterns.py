"""Unicode categories in patterns: what Python's own tables say, for every character that there is."""

import sys
import unicodedata

import pytest

from localorg.protocol.patterns import compiled


@pytest.mark.parametrize("letter", list("LMNPSZ"))
def test_a_category_has_exactly_its_characters(letter: str) -> None:
    """Documented: java.util.regex.Pattern, Unicode support: general categories, by their first letter."""
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    found = {match[0] for match in compiled(rf"\p{{{letter}}}").finditer(everything)}
    assert found == {character for character in everything if unicodedata.category(character)[0] == letter}
