"""Which zip fits a node."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localorg.node.matching import NoMatchError, match_file, match_version


def packages(*keys: tuple[str, str, str]) -> dict:
    """A manifest's packages with one file per (platform, version, architecture), named after them."""
    tree: dict = {}
    for platform, version, architecture in keys:
        tree.setdefault(platform, {}).setdefault(version, {})[architecture] = {"file": f"{platform}-{version}-{architecture}"}
    return tree


@pytest.mark.parametrize(
    ("keys", "node", "file"),
    [
        ([("debian", "12", "x86_64"), ("debian", "_any", "x86_64")], ("debian", "12", "x86_64"), "debian-12-x86_64"),
        ([("redhat", "7.*", "_any")], ("redhat", "7.4.1", "arm64"), "redhat-7.*-_any"),
        ([("redhat", "7.*", "_any"), ("redhat", "7.4.*", "_any")], ("redhat", "7.4", "x86_64"), "redhat-7.4.*-_any"),
        ([("redhat", "_any", "_any"), ("redhat", "*", "_any")], ("redhat", "70", "x86_64"), "redhat-_any-_any"),
        ([("redhat", "*", "_any")], ("redhat", "9", "x86_64"), "redhat-*-_any"),
        ([("_any", "_any", "_any")], ("rocky", "9.4", "x86_64"), "_any-_any-_any"),
        (
            [("windows", "10.0.*nano", "_any"), ("windows", "10.*", "_any")],
            ("windows", "10.0.17763nano", "x86_64"),
            "windows-10.0.*nano-_any",
        ),
        (
            [("windows", "10.0.*nano", "_any"), ("windows", "10.*", "_any")],
            ("windows", "10.0.20348", "x86_64"),
            "windows-10.*-_any",
        ),
    ],
)
def test_the_best_key_wins(keys: list, node: tuple, file: str) -> None:
    """Documented: Distributor user guide, "Step 3: Create the JSON manifest"; observed: the agent's source."""
    assert match_file(packages(*keys), *node) == file


@pytest.mark.parametrize(
    ("keys", "node"),
    [
        ([("redhat", "7.*", "_any")], ("redhat", "70", "x86_64")),
        ([("debian", "11", "_any"), ("_any", "_any", "_any")], ("debian", "12", "x86_64")),
        ([("debian", "12", "arm64"), ("debian", "_any", "_any")], ("debian", "12", "x86_64")),
        ([], ("debian", "12", "x86_64")),
    ],
)
def test_no_way_back_once_a_key_is_taken(keys: list, node: tuple) -> None:
    """Observed: matchPackageSelector* in the agent's source; the text is the agent's."""
    with pytest.raises(NoMatchError) as refused:
        match_file(packages(*keys), *node)
    platform, version, architecture = node
    expected = f"no manifest found for platform: {platform}, version {version}, architecture {architecture}"
    assert str(refused.value) == f"failed to find platform: {expected}"


part = st.integers(0, 30).map(str)
versions = st.lists(part, min_size=1, max_size=4).map(".".join)


@given(version=versions, keys=st.sets(st.one_of(versions, versions.map(lambda text: text + ".*"), st.just("_any"))))
def test_a_chosen_key_always_fits_and_none_that_fits_is_longer(version: str, keys: set[str]) -> None:
    """An exact key wins; else the longest wildcard whose parts are the version's first parts; else _any; else nothing."""
    chosen = match_version(version, dict.fromkeys(keys))
    fitting = [key for key in keys if key.endswith(".*") and (version + ".").startswith(key.removesuffix("*"))]
    if version in keys:
        assert chosen == version
    elif fitting:
        assert chosen in fitting
        assert len(chosen.split(".")) == max(len(key.split(".")) for key in fitting)
    else:
        assert chosen == ("_any" if "_any" in keys else None)
