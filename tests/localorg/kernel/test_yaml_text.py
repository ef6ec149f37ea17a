"""YAML by libyaml: the values of PyYAML's own reader, and no text that ends the process."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from localorg.kernel.yaml_text import DEPTH_MAX, load_yaml

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.booleans())
def test_the_same_values_as_from_pyyaml(value: object, flow: bool) -> None:
    """Two readers of one text, however it is written."""
    text = yaml.safe_dump(value, default_flow_style=flow, allow_unicode=True)
    assert load_yaml(text, yaml.CSafeLoader) == yaml.safe_load(text)


@pytest.mark.parametrize(
    "text", ["[" * 60_000, "[" * 60_000 + "]" * 60_000, "{a: " * 20_000, "- " * 30_000], ids=["open", "closed", "maps", "block"]
)
def test_a_text_that_is_too_deep_is_an_error(text: str) -> None:
    """libyaml's composer would overflow the process's stack."""
    with pytest.raises(RecursionError, match=f"more than {DEPTH_MAX} levels"):
        load_yaml(text, yaml.CSafeLoader)


def test_what_is_just_deep_enough() -> None:
    """Callers have bounds of their own below this one."""
    assert load_yaml("[" * DEPTH_MAX + "]" * DEPTH_MAX, yaml.CSafeLoader)
