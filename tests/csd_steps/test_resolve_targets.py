"""resolve_targets: inputs checked all at once; accounts of nested OUs; Automation's target keys in Run Command's words."""

from typing import Any

import pytest

from csd_fakes.steps import World
from csd_steps import resolve_targets

ROOT, CHILD, GRANDCHILD = "ou-abcd-11111111", "ou-abcd-22222222", "ou-abcd-33333333"


def world() -> World:
    return World(
        units={ROOT: [CHILD], CHILD: [GRANDCHILD]},
        accounts={
            "222222222222": (ROOT, "ACTIVE"),
            "333333333333": (CHILD, "ACTIVE"),
            "444444444444": (GRANDCHILD, "ACTIVE"),
            "555555555555": (GRANDCHILD, "SUSPENDED"),
            "666666666666": ("ou-abcd-99999999", "ACTIVE"),
        },
    )


def events(**changes: Any) -> dict[str, Any]:
    return {
        "hub": "111111111111",
        "home": "us-east-1",
        "action": "Install",
        "name": "csd-hello",
        "version": "1.0.0",
        "additionalArguments": {},
        "bucketName": "packages",
        "InstanceId": "*",
        "targetKey": "InstanceIds",
        "targetValues": "*",
        "targetAccounts": [ROOT],
        "targetRegions": ["us-east-1", "eu-west-1"],
        "includeManagementAccount": "false",
        **changes,
    }


def resolve(world_: World | None = None, **changes: Any) -> Any:
    return resolve_targets.handler(events(**changes), None, (world_ or world()).client)


def test_d13_accounts_at_any_depth_are_found() -> None:
    """D13: children of children of a targeted OU are targeted. Documented: automation OU targets are not recursive by default."""
    assert resolve()["accounts"] == "222222222222,333333333333,444444444444"


def test_d13_an_account_named_twice_is_one_account() -> None:
    """D13: an account id and the OU above it, and an OU and the OU above it, make one location."""
    found = resolve(targetAccounts=[ROOT, CHILD, "333333333333", ROOT])
    assert found["locations"] == [ROOT]
    assert found["accounts"] == "222222222222,333333333333,444444444444"


def test_d13_each_unit_is_listed_once() -> None:
    """Naming an OU and its child asks Organizations once for each."""
    asked = world()
    resolve(asked, targetAccounts=[GRANDCHILD, CHILD, ROOT])
    assert asked.count("ListAccountsForParent") == 3


def test_d14_only_active_accounts() -> None:
    """D14: a suspended account is neither shared with nor sent to, and the run's summary says so."""
    found = resolve()
    assert "555555555555" in found["excludeAccounts"]
    assert "555555555555 (SUSPENDED)" in found["summary"]


def in_the_unit() -> World:
    """The management account in an OU that is targeted."""
    found = world()
    found.accounts["111111111111"] = (CHILD, "ACTIVE")
    return found


def test_d14_the_management_account_is_left_out_with_a_word() -> None:
    """D14: a service-managed StackSet never reaches it. Documented: CloudFormation guide, DeploymentTargets."""
    found = resolve(in_the_unit(), hub="222222222222")
    assert "111111111111" in found["excludeAccounts"]
    assert "111111111111 (MANAGEMENT)" in found["summary"]
    assert "111111111111" not in found["accounts"]


def test_what_is_no_target_is_not_said_to_be_left_out() -> None:
    """The management account outside the targets is excluded all the same, and not worth a word."""
    assert "111111111111" in resolve()["excludeAccounts"]
    assert resolve(targetAccounts=["222222222222"])["summary"] == "1 accounts, 2 Regions; left out: none"


def test_the_management_account_can_be_a_target() -> None:
    """With the member roles in it, it is an account like any other; as the hub it needs no share of its own document."""
    found = resolve(in_the_unit(), includeManagementAccount="true", hub="222222222222")
    assert "111111111111" in found["accounts"]
    assert found["excludeAccounts"] == ["000000000000", "555555555555"]
    alone = resolve(in_the_unit(), includeManagementAccount="true", targetAccounts=["111111111111"])
    assert (alone["locations"], alone["accounts"]) == (["111111111111"], "")


@pytest.mark.parametrize("state", ["SUSPENDED", "PENDING_CLOSURE", "PENDING_ACTIVATION", "CLOSED"])
def test_d14_every_other_state_is_left_out_with_a_word(state: str) -> None:
    """Documented: Organizations API, Account, State."""
    other = world()
    other.accounts["444444444444"] = (GRANDCHILD, state)
    found = resolve(other)
    assert "444444444444" in found["excludeAccounts"]
    assert f"444444444444 ({state})" in found["summary"]


def test_d14_status_is_read_where_state_is_not_there_yet() -> None:
    """Documented: Organizations API, Account: State replaces Status in September 2026."""
    older = world()
    older.state_key = "Status"
    assert resolve(older)["accounts"] == "222222222222,333333333333,444444444444"


def test_an_account_of_unknown_state_is_tried() -> None:
    """Assumed: Automation's boto3 may know neither word once Status is gone; leaving everybody out would stop every roll-out."""
    oldest = world()
    oldest.state_key = "JoinedMethod"
    assert resolve(oldest)["accounts"].startswith("222222222222,333333333333")


def test_accounts_can_be_named() -> None:
    """An account outside the named OUs is a location of its own."""
    found = resolve(targetAccounts=[CHILD, "666666666666"])
    assert found["locations"] == [CHILD, "666666666666"]
    assert found["accounts"] == "333333333333,444444444444,666666666666"


def test_the_hub_is_not_shared_with_itself() -> None:
    """A delegated administrator may be a target, but needs no share of its own document."""
    assert "222222222222" not in resolve(hub="222222222222")["accounts"]


def test_d12_arguments_travel_as_json_text() -> None:
    """D12: an object and its text give the same text. Documented: agent takes a JSON string, drops a map."""
    assert resolve(additionalArguments={"SSM_B": "2", "SSM_A": "1"})["additionalArguments"] == '{"SSM_A": "1", "SSM_B": "2"}'
    assert resolve(additionalArguments='{"SSM_A": "1"}')["additionalArguments"] == '{"SSM_A": "1"}'
    assert resolve(additionalArguments="{}")["additionalArguments"] == "{}"


KEYS = [
    ("InstanceIds", "*", "InstanceIds", ["*"]),
    ("instanceids", "*", "InstanceIds", ["*"]),
    ("AWS::EC2::Instance", "*", "InstanceIds", ["*"]),
    ("InstanceIds", "i-0123456789abcdef0, i-12345678", "InstanceIds", ["i-0123456789abcdef0", "i-12345678"]),
    ("ParameterValues", "mi-0123456789abcdef0", "InstanceIds", ["mi-0123456789abcdef0"]),
    ("tag:Role", "web,db,web", "tag:Role", ["web", "db"]),
    ("tag:Role", "*", "tag-key", ["Role"]),
    ("ResourceGroup", "fleet", "resource-groups:Name", ["fleet"]),
]


@pytest.mark.parametrize(("key", "values", "to_key", "to_values"), KEYS)
def test_target_keys(key: str, values: str, to_key: str, to_values: list[str]) -> None:
    """The table of the decision record. Documented: SendCommand API, Target; user guide, running-automations-map-targets."""
    found = resolve(targetKey=key, targetValues=values)
    assert (found["targetKey"], found["targetValues"]) == (to_key, to_values)


def test_instance_id_names_nodes() -> None:
    """The seed's InstanceId parameter still chooses nodes."""
    assert resolve(InstanceId="i-12345678")["targetValues"] == ["i-12345678"]


WRONG = [
    ({"name": "arn:aws:ssm:us-east-1:111111111111:document/x-y"}, "cannot be published"),
    ({"version": ""}, "version: Install needs"),
    ({"bucketName": ""}, "bucketName: Install needs"),
    ({"additionalArguments": {"GREETING": "x"}}, "'GREETING' must begin with SSM_"),
    ({"additionalArguments": "["}, "give a JSON object of strings"),
    ({"additionalArguments": {"SSM_A": "x" * 600}}, "Automation carries 512"),
    ({"targetKey": "Color"}, "targetKey: 'Color' is none of"),
    ({"targetKey": "ResourceGroup"}, "name exactly one resource group"),
    ({"targetValues": "*,i-12345678"}, "give '*' alone"),
    ({"targetValues": "web-1"}, "'web-1' is no node id"),
    ({"InstanceId": "i-12345678", "targetKey": "tag:A"}, "either InstanceId or"),
    ({"targetAccounts": ["12345"]}, "'12345' is no OU id or account id"),
    ({"targetAccounts": []}, "name at least one"),
    ({"targetRegions": ["europe"]}, "'europe' is no Region"),
    ({"targetAccounts": ["111111111111"]}, "is the management account"),
    ({"targetAccounts": ["777777777777"]}, "777777777777 is not in this organization"),
    ({"targetAccounts": ["ou-abcd-77777777"]}, "ou-abcd-77777777 is not in this organization"),
    (
        {"targetAccounts": ["555555555555"]},
        "0 ACTIVE (1 to 1000), 1 (fewer than 100) left out: 555555555555 (SUSPENDED)",
    ),
]


@pytest.mark.parametrize(("changes", "said"), WRONG)
def test_wrong_inputs_are_named(changes: dict[str, Any], said: str) -> None:
    """Each wrong input is refused with its name and what was expected."""
    with pytest.raises(ValueError, match="wrong input") as wrong:
        resolve(**changes)
    assert said in str(wrong.value)


def test_all_problems_at_once() -> None:
    """Three wrong inputs, one message."""
    with pytest.raises(ValueError, match="wrong input") as wrong:
        resolve(version="", targetRegions=["x"], additionalArguments={"A": "b"})
    assert str(wrong.value).count(";") == 2


def test_all_targets_that_are_not_there_at_once() -> None:
    """A missing OU hides neither a missing account nor the management account. Documented: ListAccountsForParent API."""
    with pytest.raises(ValueError, match="wrong input") as wrong:
        resolve(targetAccounts=["ou-abcd-77777777", "777777777777", "111111111111", ROOT])
    assert str(wrong.value).count("targetAccounts: ") == 3


def test_d9_uninstall_takes_an_arn_and_needs_no_version() -> None:
    """D9: Uninstall publishes nothing, so it needs no bucket; 'latest' is what is installed (Documented: agent, uninstall)."""
    arn = "arn:aws-cn:ssm:cn-north-1:888888888888:document/csd-hello"
    found = resolve(action="Uninstall", name=arn, version="", bucketName="")
    assert (found["name"], found["owner"], found["version"]) == ("csd-hello", "888888888888", "latest")


def test_lists_stay_within_automations_bounds() -> None:
    """1,000 accounts make a text, not a list of 1,000 items. Documented: executeScript returns lists of at most 100 items."""
    many = world()
    many.accounts = {f"{n:012d}": (ROOT, "ACTIVE") for n in range(1, 1001)}
    found = resolve(many)
    assert len(found["accounts"].split(",")) == 1000
    assert all(len(value) <= 100 for value in found.values() if isinstance(value, list))
