"""The same walk as an ordinary user: user namespaces instead of root, and nothing written outside the user's own folder."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest

from demo.__main__ import free_port
from journeys.conftest import SMALL

REPOSITORY = Path(__file__).parents[2]
NOBODY = "65534"

STORY = """
import sys
from pathlib import Path
from demo.association import AssociationCall
from demo.walk import BUCKET, HUB, Walk
from demo.watch import association_run

folder, port = Path(sys.argv[1]), int(sys.argv[2])
spec = folder / "organization.yaml"
walk = Walk(port, folder, spec)
walk.up()
try:
    walk.shell.run("csd", "deploy", "--targets", "ou-abcd-11111111")
    walk.shell.run("csd", "publish", str(walk.build("1.0.0")), "--bucket", BUCKET, "--prefix", "")
    role = f"arn:aws:iam::{HUB}:role/CSD-SystemsManager-AutomationAdministrationRole"
    call = AssociationCall(("ou-abcd-11111111",), ("us-east-1",), "csd-hello", "1.0.0", role, BUCKET)
    run = association_run(walk, walk.associate(call), 0)
    node = walk.nodes()[0]["instance_id"]
    version = walk.inside(node, "cat", "/usr/share/csd-hello/VERSION").out.strip()
    print(run["Status"], version, walk.inside(node, "dpkg", "-s", "csd-hello").code)
finally:
    walk.down()
"""


def as_nobody(folder: Path) -> tuple[list[str], dict[str, str]]:
    """Return the command prefix and environment by which root runs Python as an ordinary user with this test's packages.

    The interpreter may be out of that user's reach (a version manager below /root): then the system's own of the same version is used.
    """
    packages, sources = Path(sysconfig.get_path("purelib")), folder / "sources"
    for name in ("src", "demo", "examples", "artifacts"):
        shutil.copytree(REPOSITORY / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
    prefix = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]

    def usable(command: list[str]) -> bool:
        # Through a shell: setpriv itself still has root's capabilities at the moment in which it starts its command.
        through_shell = ["sh", "-c", 'exec "$0" "$@"', *command]
        return subprocess.run([*prefix, *through_shell], capture_output=True, check=False, cwd="/").returncode == 0

    if not usable(["test", "-r", str(packages / "botocore/__init__.py")]):
        packages = Path(shutil.copytree(packages, folder / "packages"))
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    version = f"import sys; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
    python = next(p for p in (os.path.realpath(sys.executable), "/usr/bin/python3") if usable([p, "-c", version]))
    (bin_folder / "python3").symlink_to(python)
    for name, module in (("localorg", "localorg.server.cli"), ("csd", "csd.cli.main"), ("aws", "awscli.clidriver")):
        script = bin_folder / name
        script.write_text(
            f"#!/bin/sh\nexec {bin_folder}/python3 -c 'import sys; from {module} import main; sys.exit(main())' \"$@\"\n"
        )
        script.chmod(0o755)
    shutil.copy(Path(sys.executable).with_name("shellcheck"), bin_folder)
    environment = {
        "PATH": f"{bin_folder}:/usr/bin:/bin:/usr/sbin:/sbin",
        "PYTHONPATH": f"{sources}:{sources / 'src'}:{packages}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(folder / "home"),
        "CSD_DEMO_BIN": str(bin_folder),
    }
    return [*prefix, str(bin_folder / "python3")], environment


@pytest.mark.journey
@pytest.mark.xdist_group("user")
def test_an_ordinary_user_gets_the_package_onto_a_node() -> None:
    """Without any privilege: a real .deb is installed by dpkg on a node, and the host has no trace of it."""
    folder = Path(tempfile.mkdtemp(prefix="csd-user-"))  # outside pytest's folders, which only root may enter
    folder.chmod(0o755)
    try:
        (folder / "home").mkdir(parents=True)
        (folder / "walk").mkdir()
        (folder / "walk" / "organization.yaml").write_text(SMALL)
        command, environment = [sys.executable], {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        if os.geteuid() == 0:
            command, environment = as_nobody(folder)
            for path in (folder / "home", folder / "walk", folder / "walk" / "organization.yaml"):
                os.chown(path, int(NOBODY), int(NOBODY))
        story = [*command, "-c", STORY, str(folder / "walk"), str(free_port())]
        done = subprocess.run(story, env=environment, cwd="/", capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout.split()) == (0, ["Success", "1.0.0", "0"]), done.stdout + done.stderr
        assert not Path("/usr/share/csd-hello").exists()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
