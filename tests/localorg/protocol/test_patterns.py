"""Unicode categories in patterns: what Python's own tables say, for a seventeenth of all characters."""

import sys
import unicodedata

from localorg.protocol.patterns import compiled


def test_a_category_has_exactly_its_characters() -> None:
    """Documented: java.util.regex.Pattern, Unicode support: general categories, by their first letter."""
    everything = "".join(map(chr, [*range(0x3000), *range(0x3000, sys.maxunicode + 1, 17)]))
    expected: dict[str, set[str]] = {}
    for character in everything:
        expected.setdefault(unicodedata.category(character)[0], set()).add(character)
    for letter in "LMNPSZ":
        assert set(compiled(rf"\p{{{letter}}}").findall(everything)) == expected[letter]
