"""The organization's file: right ones load, wrong ones get all their problems at once, each with place and remedy."""

from pathlib import Path

import pytest

from localorg.server.spec import SpecError, load_spec, parse_spec

EXAMPLE = Path(__file__).parents[3] / "examples" / "organization.yaml"

GOOD = """
regions: [us-east-1]
organization:
  management: {id: "111111111111", name: hub}
  units:
    - {id: ou-abcd-11111111, name: A, accounts: [{id: "222222222222", name: a}]}
nodes:
  - {account: "222222222222", region: us-east-1, persona: debian-12}
"""


def problems(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        parse_spec(text, "org.yaml")
    return str(caught.value)


def test_the_example_is_what_its_comment_says() -> None:
    """Seven accounts, the units three deep, three Regions, 24 nodes of four personas, one of them offline."""
    spec = load_spec(EXAMPLE)
    assert len(spec.accounts()) == 7
    assert len(spec.regions) == 3
    assert sum(nodes.count for nodes in spec.nodes) == 24
    assert len({nodes.persona for nodes in spec.nodes}) >= 3
    assert sum(nodes.count for nodes in spec.nodes if not nodes.online) == 1
    assert [account.id for account in spec.accounts() if account.state == "SUSPENDED"] == ["555555555555"]


def test_a_small_file_is_enough() -> None:
    """Everything that has a sensible default may be left out."""
    assert parse_spec(GOOD, "org.yaml").organization.root == "r-abcd"


def test_all_shape_problems_come_at_once() -> None:
    """Each sentence says where, what was expected and what was found."""
    text = problems(
        "regions: [mars]\norganization: {management: {id: '1', name: hub}, colour: red}\nnodes: [{persona: debian-12}]"
    )
    assert "org.yaml does not describe an organization" in text
    assert "regions[0]: " in text
    assert "found 'mars'; a Region looks like eu-west-1" in text
    assert "organization.management.id: " in text
    assert "an account id is twelve digits in quotes" in text
    assert "organization.colour: not a known key. Remove it or correct its spelling." in text
    assert "nodes[0].account: missing. Add it." in text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("persona: debian-12", "persona: beos"), "nodes[0].persona: 'beos' is not known; choose one of amazon-2023, debian-12"),
        (
            ('account: "222222222222"', 'account: "999999999999"'),
            "nodes[0].account: 999999999999 is no account of this organization",
        ),
        (("region: us-east-1", "region: eu-west-1"), "nodes[0].region: eu-west-1 is not among regions (us-east-1); add it there"),
        (("ou-abcd-11111111", "ou-zzzz-11111111"), "use ou-abcd-…"),
        (("name: hub}", "name: hub, joined: CREATED}"), "always shows the management account as INVITED"),
        (("  units:", "  trusted_services: [reports.billing.amazonaws.com]\n  units:"), "does not work with AWS Organizations"),
        (
            ("  units:", '  delegated_administrators: [{account: "222222222222", service: ram.amazonaws.com}]\n  units:'),
            "takes no delegated administrator",
        ),
        (("nodes:", 'outside: [{id: "333333333333", name: A}]\nnodes:'), "account name a is used twice"),
        (("nodes:", 'outside: [{id: "333333333333", name: o, joined: INVITED}]\nnodes:'), "outside[0].joined"),
        (('id: "111111111111"', 'id: "222222222222"'), "account 222222222222 is listed twice; an account is in one place only"),
    ],
)
def test_places_that_do_not_exist_are_named(change: tuple[str, str], sentence: str) -> None:
    """Cross-references are checked, with the remedy in the sentence."""
    assert sentence in problems(GOOD.replace(*change))


@pytest.mark.parametrize(
    ("partition", "regions", "sentence"),
    [
        (
            "aws-us-gov",
            "us-east-1",
            "us-east-1 is a Region of the partition aws, this organization is in aws-us-gov; it has us-gov-east-1, us-gov-west-1",
        ),
        (
            "aws",
            "us-gov-west-1",
            "regions[0]: us-gov-west-1 is a Region of the partition aws-us-gov, this organization is in aws",
        ),
        (
            "aws-cn",
            "cn-north-1, xx-nowhere-1",
            "regions[1]: xx-nowhere-1 is no Region of the partition aws-cn; it has cn-north-1",
        ),
        ("aws-mars", "us-east-1", "partition: Input should be 'aws', 'aws-us-gov' or 'aws-cn', found 'aws-mars'"),
    ],
)
def test_regions_are_of_the_partition(partition: str, regions: str, sentence: str) -> None:
    """Documented: IAM user guide, ARNs, Partitions: a Region is in one partition, and an account too."""
    assert sentence in problems(GOOD.replace("regions: [us-east-1]", f"partition: {partition}\nregions: [{regions}]"))


def test_the_example_in_govcloud_is_small_and_right() -> None:
    """Two members at two depths, a node in each Region of GovCloud."""
    spec = load_spec(EXAMPLE.with_name("govcloud.yaml"))
    assert (spec.partition, len(spec.accounts()), len(spec.nodes)) == ("aws-us-gov", 3, 2)
    assert {nodes.region for nodes in spec.nodes} == set(spec.regions)


def test_units_nest_at_most_five_deep() -> None:
    """Documented: Organizations user guide, Quotas, "OU maximum nesting in a root: five levels"."""
    nested = "accounts: []"
    for number in range(6):
        nested = f"units: [{{id: ou-abcd-{number}0000000, name: U, {nested}}}]"
    text = f"regions: [us-east-1]\norganization: {{management: {{id: '111111111111', name: hub}}, {nested}}}"
    assert "organization.units: nested deeper than 5; AWS allows 5 levels below the root" in problems(text)


def test_text_that_is_not_yaml_says_so() -> None:
    """The YAML library's own place is kept in the message."""
    assert "the text is not YAML" in problems("a: [1\nb: 2")


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    """The path is named and the next step said."""
    with pytest.raises(SpecError, match="Give --spec a file that exists"):
        load_spec(tmp_path / "none.yaml")


def test_one_problem_does_not_hide_another() -> None:
    """A file with keys written twice, wrong shapes and wrong places gets all three kinds in one go."""
    text = problems(
        GOOD.replace("persona: debian-12", "persona: beos, count: none, name: off").replace(
            "regions: [us-east-1]", "regions: [x]"
        )
        + "regions: [eu-west-1, eu-west-1]\n"
    )
    for sentence in (
        "(6 problems)",
        "line 9: the key regions is written twice. Keep one.",
        "nodes[0].count: ",
        "nodes[0].name: Input should be a valid string, found False; put it in quotes",
        "regions: eu-west-1 is listed twice; list it once",
        "nodes[0].persona: 'beos' is not known",
        "nodes[0].region: us-east-1 is not among regions (eu-west-1, eu-west-1)",
    ):
        assert sentence in text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("name: a}", "name: hub}"), "account name hub is used twice"),
        (("persona: debian-12", "persona: debian-12, tags: {'aws:x': y}"), "do not begin with aws:, found 'aws:x'"),
        (("persona: debian-12", "persona: debian-12, tags: {'': z}"), "keys have 1 to 128 characters"),
        (("persona: debian-12", f"persona: debian-12, name: {'n' * 59}"), "a node's name becomes its host name"),
        (("persona: debian-12", "persona: debian-12, name: a/b"), "a node's name becomes its host name"),
        (("\nnodes:", "\nbuckets: [{name: a..b, account: '222222222222', region: us-east-1}]\nnodes:"), "two periods"),
        (("\nnodes:", "\n  trusted_services: [no service]\nnodes:"), "organization.trusted_services[0]: "),
        (('id: "111111111111"', "id: 111111111111"), "found 111111111111; put it in quotes"),
    ],
)
def test_what_aws_would_not_take_is_refused(change: tuple[str, str], sentence: str) -> None:
    """Documented: EC2 "Tag restrictions", S3 "Bucket naming rules", Organizations EnableAWSServiceAccess; names become host names."""
    assert sentence in problems(GOOD.replace(*change))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "(1 problem):\n  - the file: expected the keys regions, organization, nodes, buckets; found nothing"),
        ("[1, 2]", "found a list"),
        ("a: " + "[" * 3000, "the text is nested too deeply"),
        ("regions: 2024-99-99", "the text holds a value that YAML cannot read"),
        ("organization: {units: &u [{units: *u}]}", "nested deeper than 5"),
    ],
)
def test_a_file_that_is_no_spec_at_all_is_one_sentence(text: str, sentence: str) -> None:
    """Neither nothing, nor a list, nor an abyss, nor a circle is a traceback."""
    assert sentence in problems(text)


def test_a_file_that_is_no_text_says_so(tmp_path: Path) -> None:
    """The first byte that is no UTF-8 is named."""
    (tmp_path / "org.yaml").write_bytes(b"ab\xff")
    with pytest.raises(SpecError, match=r"byte 2 is not UTF-8 text\. Save the file as UTF-8"):
        load_spec(tmp_path / "org.yaml")
