"""aws:configurePackage on real nodes: install, upgrade, in-place update, uninstall, roll back, and packages that are broken."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from node.conftest import Fleet
from node.control_plane import package_document
from node.packaging import SSM, configure, folders, forget_packages, history, state
from node.zips import build_deb, package, publish, zipped

pytestmark = pytest.mark.sandbox


@pytest.fixture(autouse=True)
def clean(fleet: Fleet) -> None:
    """Each test begins with no package on ONE and nothing published."""
    forget_packages(fleet)


def test_a_real_deb_is_installed_on_one_node_only(fleet: Fleet, tmp_path: Path) -> None:
    """dpkg really runs, in the node; the host's package database and disk do not change, nor does another node."""
    before = hashlib.sha256(Path("/var/lib/dpkg/status").read_bytes()).hexdigest()
    content = zipped(
        install_sh="dpkg -i node-test.deb\n",
        uninstall_sh="dpkg --purge node-test\n",
        **{"node-test_deb": build_deb(tmp_path, "node-test", "1.2")},
    )
    publish(fleet.plane, "P", "1.2", content)
    said = configure(fleet)
    assert said.status == "Success", said.err
    assert fleet.plane.shell(fleet.one, "node-test; dpkg-query -W node-test").out.split() == [
        "node-test",
        "1.2",
        "node-test",
        "1.2",
    ]
    assert fleet.plane.shell(fleet.two, "node-test").status == "Failed"
    assert shutil.which("node-test") is None
    assert hashlib.sha256(Path("/var/lib/dpkg/status").read_bytes()).hexdigest() == before
    assert configure(fleet, "Uninstall").status == "Success"
    assert fleet.plane.shell(fleet.one, "node-test").status == "Failed"


def test_the_text_of_an_install(fleet: Fleet) -> None:
    """Observed: the run shown in the Distributor user guide, and the agent's source."""
    publish(fleet.plane, "P", "1.0")
    said = configure(fleet)
    assert (said.status, said.step["code"], said.err) == ("Success", 0, "")
    assert said.out == (
        "Initiating P 1.0 install\n"
        "Plugin aws:runShellScript ResultStatus Success\n"
        "install output: Running sh install.sh\ninstalling 1.0\n\n"
        "Successfully installed P 1.0\n"
    )
    known = state(fleet)
    assert {key: known[key] for key in ("name", "version", "state", "lastinstalledversion", "retrycount")} == {
        "name": "P",
        "version": "1.0",
        "state": 8,
        "lastinstalledversion": "1.0",
        "retrycount": 0,
    }


def test_the_calls_of_an_install(fleet: Fleet) -> None:
    """Observed on the wire: description, document, download, and the report with its steps."""
    publish(fleet.plane, "P", "1.0")
    configure(fleet)
    names = [name for name, call in fleet.plane.calls if name in {"GetDocument", "PutConfigurePackageResult"}]
    assert names == ["GetDocument", "GetDocument", "PutConfigurePackageResult"]
    report = next(call for name, call in fleet.plane.calls if name == "PutConfigurePackageResult")
    assert (report["PackageName"], report["PackageVersion"], report["Operation"], report["Result"]) == ("P", "1.0", "Install", 0)
    assert report["Attributes"]["platformName"] == "debian"
    assert {"> download manifest", "< execute action: install"} <= {step["Action"] for step in report["Steps"]}


def test_scripts_get_the_documented_environment(fleet: Fleet) -> None:
    """Observed: getEnvVars and prepareEnvironment in the agent's source; additional arguments verbatim; no keys of anybody."""
    publish(fleet.plane, "P", "1.0", package("1.0", install_sh="env | sort; pwd\n"))
    said = configure(fleet, additionalArguments=json.dumps({"SSM_GREETING": "it's $HOME `x`"}))
    lines = said.out.splitlines()
    for line in (
        *("BWS_ACTION_NAME=install", "BWS_PLATFORM_NAME=debian", "BWS_PLATFORM_VERSION=12", "BWS_PLATFORM_FAMILY=debian"),
        *(
            "BWS_ARCHITECTURE=x86_64",
            "BWS_PACKAGE_MANAGER=apt",
            "BWS_REGION=eu-west-1",
            f"BWS_INSTANCE_ID={fleet.one}",
            "BWS_ACCOUNT_ID=",
        ),
        *(f"AWS_SSM_INSTANCE_ID={fleet.one}", "AWS_SSM_REGION_NAME=eu-west-1", "AWS_SSM_PLATFORM_NAME=Test Linux"),
        *("SSM_GREETING=it's $HOME `x`", f"{SSM}/packages/P/1.0"),
    ):
        assert line in lines, said.out
    assert any(line.startswith("SSM_COMMAND_ID=") for line in lines)
    assert "SECRET" not in said.out


def test_installed_already(fleet: Fleet) -> None:
    """Observed: nothing is downloaded or run again; the validate script decides."""
    publish(fleet.plane, "P", "1.0", package("1.0", validate_sh="test ! -e /etc/broken\n"))
    configure(fleet)
    fleet.plane.downloads.clear()
    said = configure(fleet)
    assert (said.status, said.out.splitlines()[-1], history(fleet)) == ("Success", "P 1.0 is already installed", ["1.0"])
    assert fleet.plane.downloads == []
    fleet.plane.shell(fleet.one, "touch /etc/broken")
    said = configure(fleet)
    assert (said.status, history(fleet)) == ("Failed", ["1.0", "1.0"])
    assert "Failed to install package; install status Failed" in said.err


def test_an_upgrade_to_a_version_never_seen_runs_the_new_uninstall_script(fleet: Fleet) -> None:
    """Observed: the order of the text; the new zip is downloaded twice, for it also fills the old version's folder."""
    publish(fleet.plane, "P", "1.0")
    configure(fleet)
    publish(fleet.plane, "P", "2.0")
    said = configure(fleet)
    assert (said.status, history(fleet), folders(fleet)) == ("Success", ["1.0", "-2.0", "2.0"], ["2.0", "installstate"])
    assert [line for line in said.out.splitlines() if line.startswith(("Initiating", "Successfully"))] == [
        "Initiating P 1.0 uninstall",
        "Initiating P 2.0 install",
        "Successfully installed P 2.0",
        "Successfully uninstalled P 1.0",
    ]
    assert fleet.plane.downloads == ["/attach/P/1.0/P.zip", "/attach/P/2.0/P.zip", "/attach/P/2.0/P.zip"]
    report = [call for name, call in fleet.plane.calls if name == "PutConfigurePackageResult"][-1]
    assert report["PreviousPackageVersion"] == "1.0"


def test_an_older_version_can_be_asked_for(fleet: Fleet) -> None:
    """Documented: version selects. Observed: to a version that the node has seen before, each version's own scripts run."""
    publish(fleet.plane, "P", "1.0")
    publish(fleet.plane, "P", "2.0")
    configure(fleet)
    assert configure(fleet, version="1.0").status == "Success"
    assert configure(fleet, version="2.0").status == "Success"
    assert history(fleet) == ["2.0", "-1.0", "1.0", "-1.0", "2.0"]


BAD = "echo token-42 >&2; exit 3\n"


def test_a_failed_upgrade_to_a_version_never_seen_leaves_nothing_installed(fleet: Fleet) -> None:
    """Observed: the roll-back runs the scripts that have just failed; the old version is lost, and the next install begins from there."""
    publish(fleet.plane, "P", "1.0")
    configure(fleet)
    publish(fleet.plane, "P", "2.0", package("2.0", install_sh=BAD))
    said = configure(fleet)
    assert (said.status, said.step["code"], history(fleet)) == ("Failed", 1, ["1.0", "-2.0", "-2.0"])
    assert "successfully rolled back" not in said.out
    assert said.err.count("token-42") == 2
    assert (state(fleet)["state"], state(fleet)["version"]) == (2, "1.0")


def test_a_failed_upgrade_to_a_version_seen_before_rolls_back(fleet: Fleet) -> None:
    """Observed: the plugin is Failed although the roll-back worked; the new version's folder is gone, state is the old one's."""
    publish(fleet.plane, "P", "1.0")
    publish(fleet.plane, "P", "2.0", package("2.0", install_sh="test ! -e /etc/broken || { echo token-42 >&2; exit 3; }\n"))
    configure(fleet)
    configure(fleet, version="1.0")
    fleet.plane.shell(fleet.one, "touch /etc/broken; rm -f /opt/p/history")
    said = configure(fleet)
    assert (said.status, said.step["code"], history(fleet)) == ("Failed", 1, ["-1.0", "-2.0", "1.0"])
    assert "Failed to install P 2.0, successfully rolled back to P 1.0\n" in said.out
    assert (
        "install errors: token-42\nfailed to run commands: exit status 3\nFailed to install package; install status Failed\n"
        in said.err
    )
    assert (state(fleet)["state"], state(fleet)["version"], folders(fleet)) == (8, "1.0", ["1.0", "installstate"])


def test_a_roll_back_that_fails_too(fleet: Fleet) -> None:
    """Observed: state Failed, and the next install takes the failed version away first."""
    publish(fleet.plane, "P", "1.0", package("1.0", install_sh="echo 1.0 >> /opt/p/history; test ! -e /etc/broken\n"))
    fleet.plane.shell(fleet.one, "mkdir -p /opt/p")
    configure(fleet)
    publish(fleet.plane, "P", "2.0", package("2.0", install_sh="touch /etc/broken; exit 1\n"))
    assert configure(fleet).status == "Failed"
    assert state(fleet)["state"] == 2
    fleet.plane.shell(fleet.one, "rm /etc/broken /opt/p/history")
    publish(fleet.plane, "P", "3.0")
    assert configure(fleet).status == "Success"
    assert history(fleet) == ["-3.0", "3.0"]


def test_a_failed_first_install(fleet: Fleet) -> None:
    """Observed: no clean-up script runs; it cannot be uninstalled; the next install of the version downloads and tries again."""
    publish(fleet.plane, "P", "1.0", package("1.0", install_sh="echo why >&2; exit 9\n"))
    said = configure(fleet)
    assert (
        said.err
        == "install errors: why\nfailed to run commands: exit status 9\nFailed to install package; install status Failed\n"
    )
    assert (state(fleet)["state"], state(fleet)["lastinstalledversion"]) == (2, "")
    gone = configure(fleet, "Uninstall")
    assert (gone.status, gone.out) == ("Success", "version:  is not installed\n")
    publish(fleet.plane, "P", "1.0")
    assert configure(fleet).status == "Success"
    assert state(fleet)["state"] == 8


def test_an_update_in_place(fleet: Fleet) -> None:
    """Documented: In-place update runs the new version's update script; without anything installed it is an install."""
    update = "echo 'u2.0' >> /opt/p/history\n"
    publish(fleet.plane, "P", "1.0")
    assert configure(fleet, installationType="In-place update").status == "Success"
    publish(fleet.plane, "P", "2.0", package("2.0", update_sh=update))
    said = configure(fleet, installationType="In-place update")
    assert (said.status, history(fleet), state(fleet)["version"], folders(fleet)) == (
        "Success",
        ["1.0", "u2.0"],
        "2.0",
        ["2.0", "installstate"],
    )
    assert "Initiating P 2.0 update\n" in said.out


def test_an_update_in_place_without_a_script(fleet: Fleet) -> None:
    """Observed: the text, state Failed, and no roll-back."""
    publish(fleet.plane, "P", "1.0")
    configure(fleet)
    publish(fleet.plane, "P", "2.0")
    said = configure(fleet, installationType="In-place update")
    assert (said.status, state(fleet)["state"], history(fleet)) == ("Failed", 2, ["1.0"])
    assert said.err.startswith(
        "missing update script required for in-place update\nPlease create a Distributor package with update script"
    )


def test_a_failed_update_in_place_rolls_back(fleet: Fleet) -> None:
    """Observed: the failed version is uninstalled, and what the old version's folder holds by then installed: the new files."""
    publish(fleet.plane, "P", "1.0")
    configure(fleet)
    publish(fleet.plane, "P", "2.0", package("2.0", update_sh="exit 1\n"))
    said = configure(fleet, installationType="In-place update")
    assert (said.status, history(fleet), state(fleet)["version"]) == ("Failed", ["1.0", "-2.0", "2.0"], "1.0")


def test_uninstall(fleet: Fleet) -> None:
    """Observed: the folder goes, the state is None, the last version stays in the file; twice is a success."""
    publish(fleet.plane, "P", "1.0")
    configure(fleet)
    said = configure(fleet, "Uninstall")
    assert (said.status, history(fleet), folders(fleet)) == ("Success", ["1.0", "-1.0"], ["installstate"])
    assert said.out.endswith("uninstall output: Running sh uninstall.sh\nuninstalling 1.0\n\nSuccessfully uninstalled P 1.0\n")
    assert (state(fleet)["state"], state(fleet)["lastinstalledversion"]) == (0, "1.0")
    again = configure(fleet, "Uninstall")
    assert (again.status, again.out) == ("Success", "version: 1.0 is not installed\n")


def test_uninstalling_another_version_changes_nothing(fleet: Fleet) -> None:
    """Observed: Success, although the document's own text promises an error."""
    publish(fleet.plane, "P", "1.0")
    publish(fleet.plane, "P", "2.0")
    configure(fleet)
    said = configure(fleet, "Uninstall", version="1.0")
    assert (said.status, said.out, history(fleet)) == ("Success", "version: 1.0 is not installed\n", ["2.0"])


def test_an_uninstall_that_fails(fleet: Fleet) -> None:
    """Observed: state Failed and the agent's words."""
    publish(fleet.plane, "P", "1.0", package("1.0", uninstall_sh="exit 4\n"))
    configure(fleet)
    said = configure(fleet, "Uninstall")
    assert (said.status, state(fleet)["state"]) == ("Failed", 2)
    assert "Failed to uninstall version 1.0 of package; uninstall status Failed\n" in said.err


def test_a_shared_package_is_known_by_its_arn(fleet: Fleet) -> None:
    """Documented: a shared document's Name is its ARN; observed: the agent does not ask GetManifest then."""
    arn = "arn:aws:ssm:eu-west-1:444455556666:document/P"
    publish(fleet.plane, arn, "1.0")
    said = configure(fleet, name=arn)
    assert said.out.endswith(f"Successfully installed {arn} 1.0\n"), said.err
    assert fleet.plane.shell(fleet.one, f"ls {SSM}/packages").out.startswith("_arnawsssmeu-west-1444455556666documentp_2D_")


def test_two_commands_for_one_package(fleet: Fleet) -> None:
    """Observed: the second fails at once in the agent's words."""
    gate = "mkdir -p /opt/p; touch /opt/p/begun; while [ ! -e /opt/p/go ]; do sleep 0.05; done\n"
    publish(fleet.plane, "P", "1.0", package("1.0", install_sh=gate))
    first = fleet.plane.send(fleet.one, package_document("P"))
    fleet.plane.shell(fleet.one, "while [ ! -e /opt/p/begun ]; do sleep 0.05; done")
    assert configure(fleet, "Uninstall").err == 'Package "P" is already in the process of action "Install"\n'
    fleet.plane.shell(fleet.one, "touch /opt/p/go")
    assert fleet.plane.outcome(first).status == "Success"


def test_a_cancel_comes_too_late_for_a_package(fleet: Fleet) -> None:
    """Observed: package scripts run under a cancel flag of their own, so the action ends as it would have, and says so."""
    gate = "touch /opt/p/begun; while [ ! -e /opt/p/go ]; do sleep 0.05; done\n"
    publish(fleet.plane, "P", "1.0", package("1.0", install_sh=gate))
    fleet.plane.shell(fleet.one, "mkdir -p /opt/p")
    message = fleet.plane.send(fleet.one, package_document("P"))
    fleet.plane.shell(fleet.one, "while [ ! -e /opt/p/begun ]; do sleep 0.05; done")
    cancel = fleet.plane.cancel(fleet.one, message)
    fleet.plane.wait_for(lambda: fleet.plane.replies[cancel], "the answer to the cancel")
    fleet.plane.shell(fleet.one, "touch /opt/p/go")
    assert fleet.plane.outcome(message).status == "Success"
    assert (state(fleet)["state"], state(fleet)["version"]) == (8, "1.0")


def test_the_same_version_published_anew_is_installed_again(fleet: Fleet) -> None:
    """Observed: a changed manifest makes the agent uninstall and install, and then remove the folder that it installed from."""
    publish(fleet.plane, "P", "1.0")
    configure(fleet)
    publish(fleet.plane, "P", "1.0", package("1.0", install_sh="echo again >> /opt/p/history\n"))
    assert configure(fleet).status == "Success"
    assert (history(fleet), folders(fleet)) == (["1.0", "-1.0", "again"], ["installstate"])
    assert configure(fleet, "Uninstall").status == "Success"
    assert history(fleet) == ["1.0", "-1.0", "again", "-1.0"]


def test_each_platform_gets_its_own_file(fleet: Fleet) -> None:
    """Documented: the manifest maps platforms to files; the nodes detect their own."""
    zips = {name: package(name, install_sh=f"echo I am for {name}\n") for name in ("debian", "rocky")}
    tree = {name: {"_any": {"x86_64": {"file": f"{name}.zip"}}} for name in zips}
    fleet.plane.publish("P", "1.0", {f"{name}.zip": data for name, data in zips.items()}, tree)
    two = fleet.plane.send(fleet.two, package_document("P"))
    assert "I am for debian" in configure(fleet).out
    assert "I am for rocky" in fleet.plane.outcome(two).out
