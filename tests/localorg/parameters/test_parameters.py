"""Parameter Store: what may be kept under which name, how it is found again, and what is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parameters.harness import AWAY, HOME, HUB, MEMBER, Harness

from localorg.kernel.errors import AccessDenied, AwsError
from localorg.parameters.filters import lies_under
from localorg.protocol.calls import Access, Principal


def refused(house: Harness, operation: str, **params: Any) -> AwsError:
    with pytest.raises(AwsError) as caught:
        house.call(operation, **params)
    return caught.value


def test_a_value_is_kept_in_versions_over_a_restart() -> None:
    """Documented: API PutParameter: each overwrite is a new version, which `name:version` still finds."""
    house = Harness()
    assert house.put("/app/url", "one", Description="where it is") == 1
    assert house.put("/app/url", "two", Overwrite=True) == 2
    later = Harness(house.store)
    assert (later.value("/app/url"), later.value("/app/url:1")) == ("two", "one")
    shown = later.call("GetParameter", Name="/app/url:1")["Parameter"]
    assert (shown["Selector"], shown["ARN"], shown["Version"]) == (":1", f"arn:aws:ssm:{HOME}:{HUB}:parameter/app/url", 1)
    assert later.value(shown["ARN"]) == "two"
    history = later.call("GetParameterHistory", Name="/app/url", MaxResults=1)
    assert [one["Value"] for one in history["Parameters"]] == ["one"]
    rest = later.call("GetParameterHistory", Name="/app/url", NextToken=history["NextToken"])
    assert [(one["Value"], one["Description"]) for one in rest["Parameters"]] == [("two", "where it is")]
    assert house.heard == []  # published, and delivered with the next turn
    house.kernel.step()
    assert house.heard == [{"account": HUB, "region": HOME, "name": "/app/url", "exists": True}] * 2


def test_parameters_belong_to_one_account_and_region() -> None:
    """Documented: API PutParameter: a name is unique within a Region; another account or Region has its own."""
    house = Harness()
    house.put("stage", "hub")
    for place in ({"account": MEMBER}, {"region": AWAY}):
        with pytest.raises(AwsError, match=r"Parameter stage not found\.") as caught:
            house.call("GetParameter", Name="stage", **place)
        assert caught.value.code == "ParameterNotFound"
    assert (
        "parameters that another account shares"
        in refused(house, "GetParameter", Name=f"arn:aws:ssm:{HOME}:{MEMBER}:parameter/stage").message
    )


@pytest.mark.parametrize(
    ("params", "code", "words"),
    [
        ({"Name": "a b"}, "ValidationException", "letters, digits and the symbols"),
        ({"Name": "a/b"}, "ValidationException", "must be a fully qualified name"),
        ({"Name": "ssm-x"}, "ValidationException", 'can\'t be prefixed with "aws" or "ssm"'),
        ({"Name": "/AWS/service/x"}, "AccessDeniedException", "No access to reserved parameter name"),
        ({"Name": "/l" * 16}, "HierarchyLevelLimitExceededException", "has 16 levels; at most 15"),
        ({"Name": "n" * 1000}, "ValidationException", "at most 1011"),
        ({"Value": "{{ssm:other}}"}, "ValidationException", "can't nest another parameter"),
        ({"Value": ""}, "ValidationException", "greater than or equal to 1"),
        ({"Value": "x" * 4097}, "ValidationException", "Standard tier parameters support a maximum parameter value of 4096"),
        ({"Value": "x" * 8193, "Tier": "Intelligent-Tiering"}, "ValidationException", "Advanced tier parameters support"),
        ({"AllowedPattern": r"^\d+$"}, "ParameterPatternMismatchException", "cannot be validated against allowedPattern"),
        ({"AllowedPattern": "("}, "InvalidAllowedPatternException", "cannot be used"),
        ({"Type": "SecureString"}, "NotImplemented", "the parameter type SecureString"),
        ({"KeyId": "alias/mine"}, "ValidationException", "SecureString type parameter only"),
        ({"DataType": "aws:ec2:image"}, "NotImplemented", "the data type aws:ec2:image"),
        ({"Policies": "[]"}, "NotImplemented", "the parameter Policies"),
    ],
)
def test_what_cannot_be_kept_is_refused(params: dict[str, Any], code: str, words: str) -> None:
    """Documented: API PutParameter and its errors; SecureString, policies and AMI types are localorg's own refusals."""
    error = refused(Harness(), "PutParameter", **{"Name": "n", "Value": "x", "Type": "String", **params})
    assert (error.code, words in error.message) == (code, True), error.message


def test_a_parameter_is_not_overwritten_by_chance() -> None:
    """Documented: API PutParameter: Overwrite defaults to false, the type stays, tags and Overwrite exclude each other."""
    house = Harness()
    assert refused(house, "PutParameter", Name="n", Value="x").message.startswith("A parameter type is required")
    house.put(" n ", "1", Tags=[{"Key": "team", "Value": "a"}], AllowedPattern=r"^\d+$")
    assert refused(house, "PutParameter", Name="n", Value="2").code == "ParameterAlreadyExists"
    assert refused(house, "PutParameter", Name="n", Value="b", Overwrite=True).code == "ParameterPatternMismatchException"
    mismatch = refused(house, "PutParameter", Name="n", Value="2", Type="StringList", Overwrite=True)
    assert mismatch.code == "HierarchyTypeMismatchException"
    tagged = refused(house, "PutParameter", Name="n", Value="2", Overwrite=True, Tags=[{"Key": "k", "Value": "v"}])
    assert "tags and overwrite can't be used together" in tagged.message
    assert house.call("PutParameter", Name="n", Value="2", Overwrite=True) == {"Version": 2, "Tier": "Standard"}


def test_a_tier_only_grows() -> None:
    """Documented: API PutParameterRequest.Tier: Advanced never becomes Standard again."""
    house = Harness()
    house.put("n", "x" * 5000, Tier="Intelligent-Tiering")
    assert house.call("DescribeParameters")["Parameters"][0]["Tier"] == "Advanced"
    error = refused(house, "PutParameter", Name="n", Value="x", Tier="Standard", Overwrite=True)
    assert "can't downgrade" in error.message


def test_the_oldest_of_more_than_a_hundred_versions_falls_away() -> None:
    """Documented: API ParameterMaxVersionLimitExceeded: the 100 newest versions are kept."""
    house = Harness()
    for number in range(101):
        house.put("n", str(number), Overwrite=True)
    error = refused(house, "GetParameter", Name="n:1")
    assert (error.code, house.value("n:2"), house.value("n")) == ("ParameterVersionNotFound", "1", "100")


def test_several_are_read_at_once_and_the_absent_are_named() -> None:
    """Documented: API GetParameters: alphabetical; what is not there is in InvalidParameters."""
    house = Harness()
    house.put("b", "2")
    house.put("a", "1,2", Type="StringList")
    answer = house.call("GetParameters", Names=["b", "c", "a", "b:7"])
    assert [(one["Name"], one["Type"], one["Value"]) for one in answer["Parameters"]] == [
        ("a", "StringList", "1,2"),
        ("b", "String", "2"),
    ]
    assert answer["InvalidParameters"] == ["b:7", "c"]
    assert refused(house, "GetParameters", Names=[f"n{i}" for i in range(11)]).code == "ValidationException"
    assert refused(house, "GetParameters", Names=["a", "a"]).code == "ValidationException"


def test_a_path_is_read_level_by_level() -> None:
    """Documented: API GetParametersByPath: one level, or all with Recursive; ten at a time."""
    house = Harness()
    for name in ("/a/x", "/a/b/y", "/ab/z", "plain"):
        house.put(name)
    names = lambda **params: [one["Name"] for one in house.call("GetParametersByPath", **params)["Parameters"]]  # noqa: E731
    assert names(Path="/a") == ["/a/x"]
    assert names(Path="/a/", Recursive=True) == ["/a/b/y", "/a/x"]
    assert names(Path="/") == ["plain"]
    assert len(names(Path="/", Recursive=True)) == 4
    first = house.call("GetParametersByPath", Path="/", Recursive=True, MaxResults=3)
    rest = house.call("GetParametersByPath", Path="/", Recursive=True, NextToken=first["NextToken"])
    assert (len(first["Parameters"]), len(rest["Parameters"])) == (3, 1)
    assert refused(house, "GetParametersByPath", Path="a").code == "ValidationException"
    key = [{"Key": "Name", "Values": ["x"]}]
    assert refused(house, "GetParametersByPath", Path="/a", ParameterFilters=key).code == "InvalidFilterKey"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([{"Key": "Name", "Values": ["a/x"]}], ["/a/x"]),
        ([{"Key": "Name", "Option": "BeginsWith", "Values": ["/a"]}], ["/a/b/y", "/a/x"]),
        ([{"Key": "Name", "Option": "Contains", "Values": ["b"]}, {"Key": "Type", "Values": ["String"]}], ["/a/b/y"]),
        ([{"Key": "Path", "Values": ["/a"]}], ["/a/x"]),
        ([{"Key": "Path", "Option": "Recursive", "Values": ["/a"]}], ["/a/b/y", "/a/x"]),
        ([{"Key": "tag:team", "Values": ["red"]}], ["list"]),
        ([{"Key": "tag:team"}], ["list"]),
        ([{"Key": "Type", "Values": ["StringList"]}], ["list"]),
        ([{"Key": "Tier", "Values": ["Advanced"]}], []),
    ],
)
def test_parameters_are_described_by_filter(filters: list[dict[str, Any]], found: list[str]) -> None:
    """Documented: API ParameterStringFilter."""
    house = Harness()
    house.put("/a/x")
    house.put("/a/b/y")
    house.put("list", Type="StringList", Tags=[{"Key": "team", "Value": "red"}])
    described = house.call("DescribeParameters", ParameterFilters=filters)["Parameters"]
    assert [one["Name"] for one in described] == found


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"ParameterFilters": [{"Key": "Label", "Values": ["x"]}]}, "NotImplemented"),
        ({"ParameterFilters": [{"Key": "Type", "Values": ["Foo"]}]}, "InvalidFilterOption"),
        ({"ParameterFilters": [{"Key": "Tier", "Values": ["Gold"]}]}, "InvalidFilterOption"),
        ({"ParameterFilters": [{"Key": "Path", "Values": ["a"]}]}, "ValidationException"),
        ({"ParameterFilters": [{"Key": "Name", "Option": "Recursive", "Values": ["x"]}]}, "InvalidFilterOption"),
        ({"ParameterFilters": [{"Key": "Path", "Option": "Equals", "Values": ["/x"]}]}, "InvalidFilterOption"),
        ({"ParameterFilters": [{"Key": "Name"}]}, "InvalidFilterValue"),
        ({"ParameterFilters": [{"Key": "Name", "Values": ["x"]}] * 2}, "ValidationException"),
        ({"NextToken": "elsewhere"}, "InvalidNextToken"),
        ({"Shared": True}, "NotImplemented"),
    ],
)
def test_filters_that_mean_nothing_are_refused(params: dict[str, Any], code: str) -> None:
    """Documented: API DescribeParameters and its errors."""
    assert refused(Harness(), "DescribeParameters", **params).code == code


def test_deleting_names_what_was_there() -> None:
    """Documented: API DeleteParameter and DeleteParameters."""
    house = Harness()
    house.put("a")
    house.put("b")
    house.call("DeleteParameter", Name="a")
    assert refused(house, "DeleteParameter", Name="a").code == "ParameterNotFound"
    answer = house.call("DeleteParameters", Names=["a", "b"])
    assert answer == {"DeletedParameters": ["b"], "InvalidParameters": ["a"]}
    assert house.put("a") == 1


def test_tags_of_a_parameter() -> None:
    """Documented: API AddTagsToResource, ResourceType Parameter; at most 50."""
    house = Harness()
    house.put("n")
    of_n = {"ResourceType": "Parameter", "ResourceId": "n"}
    house.call("AddTagsToResource", **of_n, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    house.call("RemoveTagsFromResource", **of_n, TagKeys=["a"])
    assert house.call("ListTagsForResource", **of_n)["TagList"] == [{"Key": "b", "Value": "2"}]
    many = [{"Key": f"k{i}", "Value": ""} for i in range(50)]
    assert refused(house, "AddTagsToResource", **of_n, Tags=many).code == "TooManyTagsError"
    assert refused(house, "ListTagsForResource", ResourceType="Parameter", ResourceId="m").code == "InvalidResourceId"
    assert "tags of PatchBaseline" in refused(house, "ListTagsForResource", ResourceType="PatchBaseline", ResourceId="p").message


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ([{"Key": "aws:mine", "Value": ""}], "ValidationException"),
        ([{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}], "ValidationException"),
        ([{"Key": f"k{number}", "Value": ""} for number in range(51)], "TooManyTagsError"),
    ],
)
def test_a_parameter_is_made_with_fit_tags(tags: list[dict[str, str]], said: str) -> None:
    """Documented: API PutParameter, Tags; AWS's rules of tags. What is refused later is refused at the beginning, and makes nothing."""
    house = Harness()
    assert refused(house, "PutParameter", Name="n", Value="v", Type="String", Tags=tags).code == said
    assert house.call("DescribeParameters")["Parameters"] == []


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("GetParameter", {"Name": "/aws/service/global-infrastructure/current-region"}),
        ("GetParameter", {"Name": "/aws/reference/secretsmanager/mine", "WithDecryption": True}),
        ("GetParameters", {"Names": ["/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"]}),
        ("GetParametersByPath", {"Path": "/aws/service/global-infrastructure/regions"}),
    ],
)
def test_what_aws_offers_is_refused_by_name(operation: str, params: dict[str, Any]) -> None:
    """Documented: user guide, public parameters and Secrets Manager: they exist in AWS, so they are not called absent here."""
    assert "public parameters, secrets" in refused(Harness(), operation, **params).message


def label(house: Harness, *labels: str, **params: Any) -> dict[str, Any]:
    return house.call("LabelParameterVersion", Name="n", Labels=list(labels), **params)


def test_a_label_stands_for_a_version_and_can_be_moved() -> None:
    """Documented: API LabelParameterVersion: on one version at most; without a number, on the newest. It outlives a restart."""
    house = Harness()
    house.put("n", "one")
    house.put("n", "two", Overwrite=True)
    assert label(house, "live", ParameterVersion=1) == {"InvalidLabels": [], "ParameterVersion": 1}
    later = Harness(house.store)
    assert later.value("n:live") == "one"
    assert later.call("GetParameter", Name="n:live")["Parameter"]["Selector"] == ":live"
    assert label(later, "live", "next")["ParameterVersion"] == 2
    assert (later.value("n:live"), later.value("n:next")) == ("two", "two")
    shown = later.call("GetParameterHistory", Name="n")["Parameters"]
    assert [version["Labels"] for version in shown] == [[], ["live", "next"]]
    gone = later.call("UnlabelParameterVersion", Name="n", ParameterVersion=2, Labels=["live", "other"])
    assert gone == {"RemovedLabels": ["live"], "InvalidLabels": ["other"]}
    assert refused(later, "GetParameter", Name="n:live").code == "ParameterVersionNotFound"


@pytest.mark.parametrize("unfit", ["1st", "awsOne", "SSM-one", "a b", "a/b"])
def test_what_cannot_be_a_label_is_told_and_stops_no_other(unfit: str) -> None:
    """Documented: API LabelParameterVersion, the requirements of labels; case-sensitive otherwise."""
    house = Harness()
    house.put("n")
    assert label(house, unfit, "Live", "live")["InvalidLabels"] == [unfit]
    assert house.value("n:Live") == house.value("n:live") == "x"


def test_labels_are_refused_where_there_is_no_room_and_nothing_to_label() -> None:
    """Documented: API ParameterVersionLabelLimitExceeded, ParameterNotFound, ParameterVersionNotFound."""
    house = Harness()
    assert refused(house, "LabelParameterVersion", Name="n", Labels=["a"]).code == "ParameterNotFound"
    house.put("n")
    assert refused(house, "LabelParameterVersion", Name="n", ParameterVersion=2, Labels=["a"]).code == "ParameterVersionNotFound"
    label(house, *(f"l{number}" for number in range(10)))
    assert refused(house, "LabelParameterVersion", Name="n", Labels=["a"]).code == "ParameterVersionLabelLimitExceeded"


def test_the_oldest_version_stays_while_it_has_a_label() -> None:
    """Documented: API ParameterMaxVersionLimitExceeded."""
    house = Harness()
    house.put("n")
    label(house, "first")
    for _ in range(99):
        house.put("n", Overwrite=True)
    error = refused(house, "PutParameter", Name="n", Value="x", Overwrite=True)
    assert error.code == "ParameterMaxVersionLimitExceeded"
    assert "Version 1, the oldest version, can't be deleted" in error.message
    label(house, "first")
    assert house.put("n", Overwrite=True) == 101
    assert refused(house, "GetParameter", Name="n:1").code == "ParameterVersionNotFound"


class Asked:
    """An authoriser that writes down what it was asked, and denies one resource."""

    def __init__(self, denied: str = "") -> None:
        self.denied = denied
        self.asked: list[tuple[str, str]] = []

    def check(self, principal: Principal, region: str, access: Access) -> None:
        """Refuse the denied resource."""
        self.asked.append((access.action, access.resource))
        if self.denied and access.resource.endswith(self.denied):
            raise AccessDenied(f"{principal.arn} may not {access.action} on {access.resource}")


def test_policies_are_asked_about_the_parameters_own_arn() -> None:
    """Documented: Service Authorization Reference: parameter/NAME, without a second slash; each of several names counts."""
    house = Harness()
    house.authoriser = house.gateway.authoriser = Asked("parameter/secret")
    house.put("/a/x", Tags=[{"Key": "k", "Value": "v"}])
    house.call("GetParameters", Names=["/a/x:1", "plain"])
    house.call("GetParametersByPath", Path="/a/")
    with pytest.raises(AccessDenied):
        house.call("GetParameters", Names=["/a/x", "secret"])
    arn = f"arn:aws:ssm:{HOME}:{HUB}:parameter"
    assert house.authoriser.asked == [
        ("ssm:PutParameter", f"{arn}/a/x"),
        ("ssm:AddTagsToResource", f"{arn}/a/x"),
        ("ssm:GetParameters", f"{arn}/a/x"),
        ("ssm:GetParameters", f"{arn}/plain"),
        ("ssm:GetParametersByPath", f"{arn}/a"),
        ("ssm:GetParameters", f"{arn}/a/x"),
        ("ssm:GetParameters", f"{arn}/secret"),
    ]


LEVEL = st.text("ab", min_size=1, max_size=2)
PATHS = st.lists(LEVEL, min_size=1, max_size=4).map(lambda levels: "/" + "/".join(levels))


@given(PATHS, PATHS)
def test_one_level_is_part_of_all_levels(name: str, path: str) -> None:
    """Assumed: what lies on the level below a path also lies anywhere below it, and a path is not below itself."""
    direct, below = (lies_under(name, path, is_recursive=recursive) for recursive in (False, True))
    assert below or not direct
    assert not lies_under(path, path, is_recursive=True)
    assert direct == (name.rpartition("/")[0] == path)
