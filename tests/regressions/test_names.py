"""Each defect that is known of the sample has its test here, named after it.

D1 to D23 and S1 to S17 are two lists of what the public sample gets wrong; where both speak of the same, one test has both names.
"""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

NAMES = [*(f"d{number:02}" for number in range(1, 24)), *(f"s{number:02}" for number in range(1, 18))]
TWICE = {"s03", "s09", "s14"}
"""They speak of two things each (waiting and starting again; depth and state; rights of two kinds of roles), so two tests have them."""


@cache
def named() -> Counter[str]:
    """Return how many tests of this folder have each name."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in Path(__file__).parent.glob("test_*.py")]
    tests = [node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)]
    prefixes = [found[1] for name in tests if (found := re.match(r"test_((?:[ds][0-9]{2}_)+)", name))]
    return Counter(name for prefix in prefixes for name in prefix.strip("_").split("_"))


@pytest.mark.parametrize("name", NAMES)
def test_each_defect_has_its_test(name: str) -> None:
    """One test, or two where the finding has two sides; and no name that is in neither list."""
    assert named()[name] == (2 if name in TWICE else 1)
    assert set(named()) == set(NAMES)
