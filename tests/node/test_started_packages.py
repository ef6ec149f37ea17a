"""What csd package init writes, on real nodes: installed, believed, installed again when an argument changed, updated, removed.

A .deb that dpkg installs, a tarball, a program, and an .rpm: for that `rpm` and `dnf` are STAND-INS that answer to the words that the
scripts say, so only the scripts are proven, not rpm.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from csd.package.archive import Entry, deb_pieces, tar_pieces
from csd.package.detection.installer import Installer, Kind, Platforms
from csd.package.sealed import build_package
from csd.package.starting.planning import plan_start
from csd.package.starting.writing import write_start
from node.conftest import ONE, TWO, Fleet
from node.control_plane import Outcome, package_document

pytestmark = [pytest.mark.sandbox, pytest.mark.proof]
SECRET = "s3cret-value"
FIELDS = "Maintainer: a <a@example.com>\nDescription: an agent\n"
DEBIAN: Platforms = (("debian", "_any"),)
ROCKY: Platforms = (("rocky", "9.*"),)
RPM = """#!/bin/sh
# A STAND-IN for rpm: an .rpm is two lines, its name and its version-release.
held=/var/lib/standin-rpm
mkdir -p $held
for last; do :; done
case "$*" in
  "-qp --nosignature --qf %{NAME} "*) sed -n 1p "$last" ;;
  "-qp --nosignature --qf %{VERSION}-%{RELEASE} "*) sed -n 2p "$last" ;;
  "--upgrade --replacepkgs --oldpackage "*)
    [ ! -e /root/lacking ] || { echo "error: Failed dependencies: libexample is needed" >&2; exit 1; }
    sed -n 2p "$last" >"$held/$(sed -n 1p "$last")" ;;
  "--erase "*) rm "$held/$last" ;;
  "-q --quiet "*) [ -e "$held/$last" ] ;;
  "-q --qf %{VERSION}-%{RELEASE}"*) [ -e "$held/$last" ] || { echo "package $last is not installed"; exit 1; }; cat "$held/$last" ;;
  *) echo "the stand-in does not know: $*" >&2; exit 9 ;;
esac
"""
DNF = """#!/bin/sh
# A STAND-IN for dnf: it is busy once, then it brings what is lacking.
[ -e /root/asked ] || { : >/root/asked; echo "Failed to obtain the transaction lock (logged in as: root)." >&2; exit 200; }
[ "$*" = "-y --setopt=exit_on_lock=1 install ./installer.rpm" ] || exit 9
rm /root/lacking
exec rpm --upgrade --replacepkgs --oldpackage ./installer.rpm
"""


def content(kind: Kind, version: str) -> bytes:
    """A small installer."""
    program = Entry("opt/started-agent/agent", f"#!/bin/sh\necho agent {version}\n".encode(), executable=True)
    match kind:
        case "deb":
            fields = f"Package: started-agent\nVersion: 1:{version}-2\nArchitecture: all\n{FIELDS}"
            return b"".join(deb_pieces([Entry("control", fields.encode(), executable=False)], [program]).chunks())
        case "tar":
            entry = Entry(f"agent-{version}/bin/agent", f"#!/bin/sh\necho agent {version}\n".encode(), executable=True)
            return b"".join(tar_pieces([entry]).chunks())
        case "rpm":
            return f"started-agent\n{version}-1.el9\n".encode()
        case _:
            return f"#!/bin/sh\necho agent {version}\n".encode()


def publish(fleet: Fleet, kind: Kind, platforms: Platforms, version: str, folder: Path) -> None:
    """Start a package from an installer, build it, publish it."""
    folder.mkdir(exist_ok=True)
    installer = folder / f"agent.{kind}"
    installer.write_bytes(content(kind, version))
    start, problems = plan_start(
        f"started-{kind}", version, [Installer(installer, kind, "agent", version, "_any", platforms)], str(folder)
    )
    assert problems == []
    write_start(start, folder / f"source-{version}")
    built = build_package(folder / f"source-{version}", folder / f"sealed-{version}")
    manifest = json.loads((built.folder / "manifest.json").read_text())
    zips = {file.name: (built.folder / file.name).read_bytes() for file in built.files}
    fleet.plane.publish(built.name, built.version, zips, manifest["packages"])


@pytest.mark.parametrize(
    ("kind", "node", "platforms", "told", "left"),
    [
        ("deb", ONE, DEBIAN, "/opt/started-agent/agent", "/opt/started-agent"),
        ("tar", ONE, DEBIAN, "/opt/started-tar/bin/agent", "/opt/started-tar"),
        ("script", TWO, ROCKY, "/opt/started-script/agent.script", "/opt/started-script"),
        (
            "rpm",
            TWO,
            ROCKY,
            "sed 's/^/agent /; s/-1.el9//' /var/lib/standin-rpm/started-agent",
            "/var/lib/standin-rpm/started-agent",
        ),
    ],
)
def test_the_life_of_a_started_package(
    kind: Kind, node: str, platforms: Platforms, told: str, left: str, fleet: Fleet, tmp_path: Path
) -> None:
    """Nothing has to be written by hand for a package that installs, knows its arguments, and leaves nothing."""
    if kind == "rpm":
        for name, text in (("rpm", RPM), ("dnf", DNF)):
            fleet.plane.shell(
                node, f"cat >/usr/local/bin/{name} <<'E'\n{text}E", f"chmod +x /usr/local/bin/{name}", "touch /root/lacking"
            )

    def ask(action: str, arguments: dict[str, str] | None = None, **inputs: Any) -> Outcome:
        if arguments is not None:
            inputs["additionalArguments"] = json.dumps(arguments)
        found = fleet.plane.outcome(fleet.plane.send(node, package_document(f"started-{kind}", action, **inputs)))
        assert found.status == "Success", found.err + found.out
        assert SECRET not in found.out + found.err
        return found

    def is_true(command: str) -> bool:
        return fleet.plane.shell(node, command).status == "Success"

    publish(fleet, kind, platforms, "7.1.0", tmp_path)
    assert f"started-{kind}: installed 7.1.0" in ask("Install", {"SSM_TOKEN": SECRET}).out
    assert is_true(f"{told} | grep -qx 'agent 7.1.0'")
    record = f"/var/lib/csd-packages/started-{kind}"
    assert is_true(f"test $(stat -c %a {record}) = 600 && ! grep -q {SECRET} {record}")
    assert "already installed" in ask("Install", {"SSM_TOKEN": SECRET}).out, "the same arguments, in another command"
    changed = ask("Install", {"SSM_TOKEN": "another\nof two lines"})
    assert "the SSM_ variables are not those that it was installed with" in changed.out + changed.err
    assert f"started-{kind}: installed 7.1.0" in changed.out, "a validate that fails has the agent install again"
    assert "uninstalling" not in changed.out
    assert "already installed" in ask("Install", {"SSM_TOKEN": "another\nof two lines"}).out
    publish(fleet, kind, platforms, "7.2.0", tmp_path)
    assert "updated to 7.2.0" in ask("Install", {}, installationType="In-place update").out
    assert is_true(f"{told} | grep -qx 'agent 7.2.0'")
    removed = [ask("Uninstall"), ask("Uninstall")]
    assert f"started-{kind}: uninstalled" in removed[0].out
    assert is_true(f"test ! -e {left} && test ! -e /var/lib/csd-packages && test ! -e /opt/.started-{kind}.new")
