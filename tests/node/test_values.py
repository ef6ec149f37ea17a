"""Plans, personas, names, configuration, results: the pure rest of the node."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localorg.node.calls import CallRefusedError, Unreachable
from localorg.node.config import BadConfigError, read_config
from localorg.node.configure_package import parse_inputs
from localorg.node.document import DocumentStep
from localorg.node.persona import UnknownPlatformError, detect, os_release_text
from localorg.node.repository import PackageError, Repository, folder_name
from localorg.node.results import (
    OUTPUT_CHARACTERS_MAX,
    STDOUT_CHARACTERS_MAX,
    Status,
    StepResult,
    combined,
    document_reply,
    truncated,
)
from localorg.node.rootplan import (
    Bind,
    HostFacts,
    Link,
    NodeDirectories,
    Overlay,
    ReadOnly,
    layered_plan,
    overlay_plan,
    read_only_root_plan,
)
from localorg.node.scripts import timeout_s
from localorg.node.storing import Destination, OutputStore, step_folder
from node.running import node_entry

NODE = NodeDirectories("/s/i-1/root", "/s/i-1/upper", "/s/i-1/work")
FACTS = HostFacts(
    mounts=(("/", "ext4"), ("/proc", "proc"), ("/usr", "ext4"), ("/var/lib/data", "xfs"), ("/data", "xfs"), ("/etc/x", "tmpfs")),
    directories=("etc", "home", "root", "usr", "var", "work", "proc"),
    links=(("bin", "usr/bin"), ("lib", "usr/lib")),
)


def test_a_root_node_has_an_overlay_for_each_disk_of_the_system() -> None:
    """A separately mounted /usr is not under lowerdir=/: it gets an overlay of its own; disks that are not the system's stay out."""
    overlays = [step.target for step in overlay_plan(FACTS, NODE).steps if isinstance(step, Overlay)]
    assert overlays == ["/", "/usr", "/var/lib/data"]


def test_an_ordinary_users_node_lies_over_the_skeleton() -> None:
    """Every top-level tree: host below, skeleton between, the node's own layer on top; private trees are the node's alone."""
    steps = layered_plan(FACTS, NODE, "/s/skeleton").steps
    usr = next(step for step in steps if isinstance(step, Overlay) and step.target == "/usr")
    assert usr.data() == "lowerdir=/s/skeleton/usr:/usr,upperdir=/s/i-1/upper/usr,workdir=/s/i-1/work/usr,index=off,userxattr"
    assert Link("/bin", "usr/bin") in steps
    assert Bind("/s/i-1/upper/root", "/root") in steps
    assert not any(step.target == "/work" for step in steps)


def test_paths_with_special_characters_are_escaped() -> None:
    """Overlay options are parted by commas and colons."""
    overlay = Overlay("/", ("/a:b",), "/c,d", "/e\\f")
    assert overlay.data() == "lowerdir=/a\\:b,upperdir=/c\\,d,workdir=/e\\\\f,index=off"


def test_a_read_only_root_shows_nothing_but_its_pieces() -> None:
    """For workers: read-only binds, links of the host, and at the end the root itself is closed."""
    steps = read_only_root_plan("/r", ("/usr", "/etc/ssl"), FACTS).steps
    assert [step for step in steps if isinstance(step, Bind) and step.source in {"/usr", "/etc/ssl"}] == [
        Bind("/etc/ssl", "/etc/ssl", read_only=True),
        Bind("/usr", "/usr", read_only=True),
    ]
    assert steps[-1] == ReadOnly("/", own_mount=True)


@pytest.mark.parametrize(
    ("release", "found"),
    [
        ({"ID": "rhel", "VERSION_ID": "9.4", "NAME": "Red Hat"}, ("redhat", "9.4", "rhel", "yum")),
        ({"ID": "amzn", "VERSION_ID": "2023", "NAME": "Amazon Linux"}, ("amazon", "2023", "rhel", "yum")),
        ({"ID": "ol", "VERSION_ID": "8.9", "NAME": "Oracle"}, ("oracle", "8.9", "rhel", "yum")),
        ({"ID": "sles", "VERSION_ID": "15.5", "NAME": "SLES"}, ("suse", "15.5", "suse", "zypper")),
        ({"ID": "opensuse-leap", "VERSION_ID": "15.5", "NAME": "openSUSE Leap"}, ("opensuseleap", "15.5", "suse", "zypper")),
        ({"ID": "debian", "VERSION_ID": "12", "NAME": 'De"bian'}, ("debian", "12", "debian", "apt")),
    ],
)
def test_the_agent_detects_what_the_persona_says(release: dict[str, str], found: tuple) -> None:
    """Observed: parseOSreleaseFile and platformFamilyForPlatform in the agent's source."""
    platform = detect(os_release_text(release))
    assert (platform.name, platform.version, platform.family, platform.package_manager) == found


@pytest.mark.parametrize(
    ("os_id", "text"), [("bottlerocket", "configure package is not supported on"), ("plan9", "unknown platform: plan9")]
)
def test_platforms_that_cannot_have_packages(os_id: str, text: str) -> None:
    """Observed: the agent's texts."""
    with pytest.raises(UnknownPlatformError, match=text):
        detect(os_release_text({"ID": os_id, "VERSION_ID": "1"}))


def test_folder_names() -> None:
    """Observed: localpackages_normalize: plain names as they are, ARNs become a readable name, length and hash."""
    assert folder_name("My.Agent-1") == "My.Agent-1"
    arn = "arn:aws:ssm:eu-west-1:111122223333:document/Falcon"
    assert folder_name(arn).startswith("_arnawsssmeu-west-1111122223333documentfalcon_32_")
    assert folder_name(arn).endswith("====")


@given(st.text(min_size=1, max_size=400))
def test_any_name_is_one_safe_folder(name: str) -> None:
    """No name climbs out of the package root or is too long for a file system."""
    folder = folder_name(name)
    assert "/" not in folder
    assert folder not in {".", ".."}
    assert len(folder.encode()) <= 255


def test_a_busy_package_is_refused(tmp_path: Path) -> None:
    """Observed: the agent's text."""
    repository = Repository(tmp_path)
    with repository.locked("P", "Install"), pytest.raises(PackageError) as refused, repository.locked("P", "Uninstall"):
        pass
    assert str(refused.value) == 'Package "P" is already in the process of action "Install"'
    with repository.locked("P", "Install"):
        pass


@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        ({"action": "Install"}, "invalid input: empty name field"),
        ({"name": "P", "source": "x"}, "invalid input: source parameter is not supported in this version"),
        (
            {"name": "P", "additionalArguments": '{"KEY":"v"}'},
            'invalid input: keys need to start with "SSM_" prefix in additional arguments',
        ),
        (
            {"name": "P", "additionalArguments": '{"":"v"}'},
            "invalid input: empty key is not allowed in additional arguments from input",
        ),
        ({"name": "P", "additionalArguments": "{"}, "invalid input: unable to unmarshal additional arguments from input; error"),
        (
            {"name": "P", "additionalArguments": '{"SSM_A":1}'},
            "invalid input: unable to unmarshal additional arguments from input; error",
        ),
    ],
)
def test_bad_inputs_of_a_package_step(inputs: dict, text: str) -> None:
    """Observed: validateInput in the agent's source."""
    with pytest.raises(PackageError) as refused:
        parse_inputs(inputs)
    assert str(refused.value).startswith(text)


def test_additional_arguments_come_as_text_and_a_real_map_is_dropped() -> None:
    """Observed: Run Command sends a StringMap as text; the agent drops a map without a word."""
    assert parse_inputs({"name": "P", "additionalArguments": '{"SSM_A":"v"}'}).arguments == {"SSM_A": "v"}
    assert parse_inputs({"name": "P", "additionalArguments": {"SSM_A": "v"}}).arguments == {}


@pytest.mark.parametrize(("value", "seconds"), [("4", 3600), ("5", 5), (7.9, 7), ("x", 3600), (None, 3600), ("172801", 3600)])
def test_time_limits(value: Any, seconds: int) -> None:
    """Observed: below 5 s counts as 3600."""
    assert timeout_s(value) == seconds


def test_long_output_is_cut_and_says_so() -> None:
    """Documented: GetCommandInvocation: 24,000 characters; observed: how the text ends."""
    text = truncated("x" * 30_000, STDOUT_CHARACTERS_MAX)
    assert len(text) == STDOUT_CHARACTERS_MAX
    assert text.endswith("x--output truncated--")


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_the_short_output_fits(out: int, err: int) -> None:
    """Documented: ListCommandInvocations: 2,500 characters for both streams together."""
    assert len(combined("o" * out, "e" * err)) <= OUTPUT_CHARACTERS_MAX


@pytest.mark.parametrize(
    ("out", "err", "ends"),
    [
        ("o" * 3000, "", "o\n---Output truncated---"),
        ("o", "e" * 3000, "e\n---Error truncated----"),
        ("o" * 3000, "e" * 3000, "e\n---Error truncated----"),
        ("o" * 3000, "e", "o\n---Output truncated---\n----------ERROR-------\ne"),
    ],
)
def test_the_short_output_says_which_stream_was_cut(out: str, err: str, ends: str) -> None:
    """Observed: the agent's source, iohandler TruncateOutput."""
    assert combined(out, err).endswith(ends)


def test_a_stream_of_exactly_the_limit_is_cut_too() -> None:
    """Observed: the agent's source, pluginutil StringPrefix."""
    assert truncated("x" * 10 + "y" * 20, 30).endswith("x--output truncated--")


@pytest.mark.parametrize(
    ("name", "plugin", "inputs", "folder"),
    [
        ("Install it", "aws:runShellScript", {"id": "x"}, "Install it"),
        ("a:b", "aws:runShellScript", {}, "ab"),
        ("aws:runShellScript", "aws:runShellScript", {"id": "0.aws:runShellScript"}, "0.awsrunShellScript"),
        ("aws:runShellScript", "aws:runShellScript", {"ID": "one"}, "one"),
        ("aws:runShellScript", "aws:runShellScript", {}, ""),
    ],
)
def test_where_the_output_of_a_step_goes(name: str, plugin: str, inputs: dict, folder: str) -> None:
    """Observed: the agent's source, runpluginutil getStepName: the step's name, or the id of the properties in schema 1.2."""
    assert step_folder(DocumentStep(name, plugin, (inputs,)), inputs) == folder


@pytest.mark.parametrize(("prefix", "key"), [("", "c/i-1"), ("logs", "logs/c/i-1"), ("a//b/", "a/b/c/i-1")])
def test_the_prefix_of_a_command(prefix: str, key: str) -> None:
    """Observed: the agent's source, runcommand/utils: PREFIX/COMMAND/NODE."""
    payload = {"OutputS3BucketName": "b", "OutputS3KeyPrefix": prefix}
    assert Destination.of(payload, "c", "i-1") == Destination("b", key)


class Shelf:
    """S3 that refuses or fails as often as told."""

    def __init__(self, *problems: Exception) -> None:
        self.problems = list(problems)
        self.stored: dict[str, bytes] = {}
        self.asked = 0

    def put_object(self, bucket: str, key: str, path: Path) -> None:
        self.asked += 1
        if self.problems:
            raise self.problems.pop(0)
        self.stored[f"{bucket}/{key}"] = path.read_bytes()


@pytest.mark.parametrize(
    ("problems", "asked", "kept"),
    [
        ([], 1, ["b/p/c/i-1/awsrunShellScript/s/stdout"]),
        ([CallRefusedError("AccessDenied", "no")], 1, []),
        ([Unreachable("down")], 2, ["b/p/c/i-1/awsrunShellScript/s/stdout"]),
        ([Unreachable("down")] * 3, 3, []),
    ],
)
def test_storing_never_spoils_the_step(tmp_path: Path, problems: list[Exception], asked: int, kept: list[str]) -> None:
    """Observed: the agent's source, fileS3: an empty stream is not stored, a failure is only logged."""
    (tmp_path / "stdout").write_text("said\n")
    (tmp_path / "stderr").write_text("")
    shelf, log = Shelf(*problems), []
    store = OutputStore(shelf, log.append, pause_s=0)
    result = store.store(Destination("b", "p/c/i-1"), "aws:runShellScript", "s", tmp_path, StepResult("p", Status.SUCCESS))
    assert (shelf.asked, list(shelf.stored)) == (asked, kept)
    assert len(log) == len(problems)
    assert (result.status, result.bucket, result.prefix, result.folder) == ("Success", "b", "p/c/i-1/awsrunShellScript", "s")


def test_only_a_document_of_one_step_repeats_it_at_the_end() -> None:
    """Observed: the final reply of a document with several steps has an empty runtimeStatus."""
    done = {"a": StepResult("p", "Success"), "b": StepResult("p", "Failed", 1)}
    reply = document_reply(done, 0.0)
    assert (reply["documentStatus"], reply["runtimeStatus"]) == ("Failed", {})
    assert reply["additionalInfo"]["runtimeStatusCounts"] == {"Success": 1, "Failed": 1}
    assert list(document_reply({"a": done["a"]}, 0.0)["runtimeStatus"]) == ["a"]


def test_a_wrong_configuration_tells_every_problem_at_once(tmp_path: Path) -> None:
    """Each problem has its place, what was expected and what was found."""
    node = node_entry("i-0aaa1111")
    node["instance_id"] = "x"
    node["persona"]["platform_type"] = "Windows"
    node["channel"] = "pigeons"
    del node["region"]
    second = {**node_entry("i-0bbb1111"), "channel": "control-channel"}
    path = tmp_path / "host.json"
    content = {"endpoint": "ftp://x", "state_dir": "relative", "isolation": "chroot", "nodes": [node, second]}
    path.write_text(json.dumps({**content, "message_gateway": {"endpoint": "http://x", "authority": "/nowhere/ca.pem"}}))
    with pytest.raises(BadConfigError) as refused:
        read_config(path)
    for problem in (
        "10 problems",
        "endpoint: expected http://HOST:PORT, found 'ftp://x'",
        "state_dir: expected an absolute path, found 'relative'",
        "isolation: expected one of namespaces, none, found 'chroot'",
        "message_gateway.endpoint: expected https://HOST:PORT, found 'http://x'",
        "message_gateway.authority: expected a file with certificates, found '/nowhere/ca.pem'",
        "nodes[0].channel: expected one of polls, control-channel, found 'pigeons'",
        "nodes[1].channel: a control-channel needs the host's message_gateway",
        "nodes[0].region: expected text, found None",
        "nodes[0].instance_id: expected i-... or mi-..., found 'x'",
        "nodes[0].persona.platform_type: a Windows node cannot run on a Linux kernel; use a Linux persona",
    ):
        assert problem in str(refused.value)
