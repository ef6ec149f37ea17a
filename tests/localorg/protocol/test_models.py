"""The models: botocore's, plus what only agents say."""

import pytest

from localorg.kernel.errors import NotSupported
from localorg.protocol import models
from localorg.protocol.patterns import compiled


@pytest.mark.parametrize("service", models.OWN_SERVICES)
def test_every_pattern_of_our_services_has_a_python_form(service: str) -> None:
    """Assumed: a pattern that cannot be translated would be skipped in silence; so none may be left."""
    model = models.service_model(service)
    patterns = {model.shape_for(name).metadata.get("pattern") for name in model.shape_names} - {None}
    for pattern in patterns:
        compiled(str(pattern))


@pytest.mark.parametrize(
    ("pattern", "fits", "fails"),
    [
        (r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$", ["Größe 1", "a/b=c@d", ""], ["a!", "a\n"]),
        (
            r"^arn:aws[a-z0-9-]*:iam::\d{12}:role\/[\w-\/.@+=,]{1,1017}$",
            ["arn:aws:iam::123456789012:role/a-b/c"],
            ["arn:aws:iam::1:role/a"],
        ),
        (
            r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+",
            ["{}", "\U0001f600"],
            ["\x00", ""],
        ),
        (r"\d+", ["1"], ["\u0661", "1\n", "1a"]),
        (r"a|bc", ["a", "bc"], ["abc", "ac"]),
        (r"[a[b]+", ["[ab"], ["c"]),
    ],
)
def test_patterns_mean_what_they_mean_in_java(pattern: str, fits: list[str], fails: list[str]) -> None:
    """Documented: java.util.regex.Pattern, and that AWS matches the whole value."""
    assert [text for text in fits if not compiled(pattern).fullmatch(text)] == []
    assert [text for text in fails if compiled(pattern).fullmatch(text)] == []


def test_a_pattern_without_a_python_form_is_a_defect_with_a_next_step() -> None:
    """A pattern is never skipped."""
    with pytest.raises(ValueError, match=r"has no Python form yet .* teach localorg.protocol.patterns"):
        compiled("(?<=a+)b")


def test_the_agents_own_operations_are_part_of_ssm() -> None:
    """Observed: the stock agent's wire (target AmazonSSM, operations that botocore leaves out)."""
    model = models.service_model("ssm")
    assert {"UpdateInstanceInformation", "GetManifest", "RegisterManagedInstance", "SendCommand"} <= set(model.operation_names)


def test_the_message_service_speaks_under_the_target_of_the_stock_agent() -> None:
    """Observed: X-Amz-Target EC2WindowsMessageDeliveryService.GetMessages."""
    assert models.targets()["EC2WindowsMessageDeliveryService"] == "ec2messages"
    assert models.service_signed_as("ec2messages") == "ec2messages"


def test_an_addition_that_botocore_has_caught_up_with_must_go() -> None:
    """An addition never hides what botocore says."""
    with pytest.raises(ValueError, match="botocore's ssm model has these operations too, remove ours: GetParameter"):
        models._merged(
            "ssm", {"operations": {"GetParameter": {}}, "shapes": {}}, {"operations": {"GetParameter": {}}, "shapes": {}}
        )


def test_scopes_name_services_by_their_signing_name() -> None:
    """Documented: botocore's tagging API signs as `tagging`."""
    assert models.service_signed_as("tagging") == "resourcegroupstaggingapi"
    assert models.service_signed_as("lambda") is None


def test_what_is_not_spoken_is_refused_by_name() -> None:
    """Typed refusals name what is missing."""
    with pytest.raises(NotSupported, match="the service lambda"):
        models.service_model("lambda")
    with pytest.raises(NotSupported, match="the operation ssm:FlyToTheMoon"):
        models.operation_model("ssm", "FlyToTheMoon")
