"""Generated manifests and nodes, with keys that nearly fit one another."""

from hypothesis import strategies as st

from csd.package.matching.systems import ARCHITECTURES
from csd.package.matching.walk import Node

part = st.sampled_from(["7", "70", "4", "10", "0", "14393"])
versions = st.lists(part, min_size=1, max_size=4).map(".".join)
version_keys = st.one_of(
    versions,
    versions.map(lambda text: text + ".*"),
    versions.map(lambda text: text + ".*nano"),
    versions.map(lambda text: text + "nano"),
    st.sampled_from(["_any", "*", "", ".*", "*nano", "7*"]),
)
platform_keys = st.sampled_from(["windows", "ubuntu", "debian", "_any", "rhel"])
architecture_keys = st.sampled_from([*ARCHITECTURES, "_any", "amd64"])
levels = st.dictionaries(architecture_keys, st.just("zip"), min_size=1, max_size=3)
manifests = st.dictionaries(platform_keys, st.dictionaries(version_keys, levels, max_size=5), max_size=4).map(
    lambda tree: {p: {v: {a: f"{p}|{v}|{a}" for a in archs} for v, archs in vs.items()} for p, vs in tree.items()}
)
nodes = st.builds(
    lambda platform, version, nano, architecture: Node(platform, version + nano * (platform == "windows"), architecture),
    st.sampled_from(["windows", "ubuntu", "debian", "suse"]),
    st.one_of(versions, st.just("")),
    st.sampled_from(["", "nano"]),
    st.sampled_from(ARCHITECTURES),
)
