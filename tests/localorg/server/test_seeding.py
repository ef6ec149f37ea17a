"""What a second `up` takes over from a changed spec: new nodes, and what a person switches; never another machine in a node's place."""

import pytest

from localorg.kernel.store import Store
from localorg.server.seeding import NodeChange, NodeRecord, node_records
from localorg.server.spec import parse_spec

SPEC = """
regions: [us-east-1]
organization:
  management: {id: "111111111111", name: hub}
nodes:
  - {account: "111111111111", region: us-east-1, persona: debian-12, name: web, tags: {Role: web, Old: x}}
  - {account: "111111111111", region: us-east-1, persona: rocky-9, name: lab, online: false}
"""


def again(store: Store, *changes: tuple[str, str]) -> tuple[list[NodeRecord], list[NodeChange]]:
    """Come up with the spec, changed so."""
    text = SPEC
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return node_records(parse_spec(text, "org.yaml"), store)


def test_the_same_spec_changes_nothing() -> None:
    """Ids, secrets and addresses stay over any number of times."""
    store = Store()
    first, none = again(store)
    assert none == []
    second, changes = again(store)
    assert second == first
    assert [(change.tags, change.is_silenced) for change in changes] == [({}, False), ({}, False)]


def test_nodes_follow_what_the_spec_switches() -> None:
    """Online both ways, and of the tags exactly what the spec has changed since the last time."""
    store = Store()
    again(store)
    records, changes = again(store, ("online: false", "online: true"), ("Old: x}", "New: y}, online: false"))
    assert [record.online for record in records] == [False, True]
    assert [(change.tags, change.is_silenced) for change in changes] == [({"Old": None, "New": "y"}, True), ({}, False)]


def test_a_raised_count_adds_nodes_and_disturbs_none() -> None:
    """The old ones keep ids and addresses and are numbered; the new one has an id and address of its own."""
    store = Store()
    before, _ = again(store)
    after, changes = again(store, ("name: web,", "name: web, count: 2,"))
    assert [record.instance_id for record in after[:2]] == [record.instance_id for record in before]
    assert [record.ip_address for record in after] == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    assert [record.name for record in after] == ["web-1", "lab", "web-2"]
    assert changes[0].tags == {"Name": "web-1"}


def test_another_persona_is_refused_and_nothing_is_changed() -> None:
    """Every node that would become another machine is named with both personas and the way out."""
    store = Store()
    again(store)
    with pytest.raises(ValueError, match="was made as debian-12, and the spec has suse-15 in its place") as refused:
        again(store, ("debian-12", "suse-15"), ("rocky-9", "debian-12"), ("Old: x", "Old: y"))
    assert str(refused.value).count("was made as") == 2
    assert "add new nodes at the end of the list" in str(refused.value)
    records, _ = again(store)
    assert records[0].tags == {"Name": "web", "Role": "web", "Old": "x"}


def test_how_messages_come_follows_the_spec() -> None:
    """An agent polls unless the spec says otherwise, and may be told otherwise at every start."""
    store = Store()
    (first, _), _ = again(store)
    assert first.as_host_config()["channel"] == "polls"
    (first, other), _ = again(store, ("name: web,", "name: web, channel: control-channel,"))
    assert (first.as_host_config()["channel"], other.channel) == ("control-channel", "polls")
    (first, _), _ = again(store)
    assert first.channel == "polls"


def test_a_hybrid_node_is_another_machine_than_an_instance() -> None:
    """Its id begins with mi-, stays the same over any number of times, and it has no part in EC2."""
    store = Store()
    hybrid = ("name: web,", "name: web, hybrid: true,")
    (first, other), _ = again(store, hybrid)
    assert first.instance_id.startswith("mi-")
    assert len(first.instance_id) == 20
    assert other.instance_id.startswith("i-")
    (second, _), _ = again(store, hybrid)
    assert second == first
    assert {"activation_id", "activation_code"} <= first.as_host_config().keys()
    assert "activation_code" not in other.as_host_config()
