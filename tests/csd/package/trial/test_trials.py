"""The pure parts of a trial: the plan, what nodes said judged, the failing version, a node's way through it."""

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from csd.package.sealed import build_package, read_sealed
from csd.package.trial import plan as steps
from csd.package.trial.broken import REAL, make_broken
from csd.package.trial.contents import scripts_of
from csd.package.trial.course import Course, follow
from csd.package.trial.judging import Said, Verdict, judge
from csd.package.trial.plan import Compare, Goal, Look, Step, Version, plan
from csd.report.trial import NodeVerdict, verdict_of
from csd_fakes.trials import ROLLED_BACK, packed

EXAMPLE = Path(__file__).parents[4] / "examples/packages/csd-hello"
ALL = frozenset({"validate", "update", "uninstall"})
DONE, ALREADY = Said("Success", "Successfully installed x 1"), Said("Success", "x 1 is already installed")

ROWS = {
    "installed": (Goal.INSTALLED, DONE, Verdict.PASSED, ""),
    "install failed": (Goal.INSTALLED, Said("Failed", err="no"), Verdict.FAILED, "the install failed"),
    "no install was run": (Goal.INSTALLED, ALREADY, Verdict.FAILED, "ran no script"),
    "valid": (Goal.VALID, ALREADY, Verdict.PASSED, ""),
    "installed once more": (Goal.VALID, DONE, Verdict.FAILED, "installed it once more"),
    "rolled back": (Goal.ROLLED_BACK, ROLLED_BACK, Verdict.PASSED, ""),
    "rollback failed": (Goal.ROLLED_BACK, Said("Failed", err="exit status 17"), Verdict.FAILED, "the rollback failed"),
    "never installed": (Goal.ROLLED_BACK, Said("Failed", err="no zip"), Verdict.FAILED, "was not installed at all"),
    "failure is success": (Goal.ROLLED_BACK, DONE, Verdict.FAILED, "ended in Success"),
    "removed": (Goal.REMOVED, Said("Success", "Successfully uninstalled x 1"), Verdict.PASSED, ""),
    "was not there": (Goal.REMOVED, Said("Success", "version: 1 is not installed"), Verdict.FAILED, "ran no uninstall"),
    "known": (Goal.KNOWN, Said("Success", "version: 2 is not installed"), Verdict.PASSED, ""),
    "late": (Goal.REMOVED, Said("TimedOut", detail="Delivery Timed Out"), Verdict.FAILED, "Delivery Timed Out"),
}


@pytest.mark.parametrize("row", ROWS)
def test_success_alone_is_not_believed(row: str) -> None:
    """Each goal has words of the agent that make it true; the agent says Success of what it did not do as well."""
    goal, said, verdict, why = ROWS[row]
    judged = judge(goal, said)
    assert judged.verdict is verdict
    assert why in judged.why


def test_a_package_without_validate_passes_with_a_remark() -> None:
    """The agent then believes its own record, and people should know."""
    judged = judge(Goal.VALID, ALREADY, validates=False)
    assert judged.verdict is Verdict.PASSED
    assert judged.why == "the package has no validate script: the agent believes its own record"


@pytest.mark.parametrize("with_older", [False, True])
def test_the_plan_hangs_together(with_older: bool) -> None:
    """Every need and every look is of something before it; ids are unique; the failing version is known before it is installed."""
    seen: list[str] = []
    looks: set[str] = set()
    for item in plan(with_older=with_older):
        match item:
            case Look():
                assert not item.after or item.after in seen
                looks.add(item.id)
            case Compare():
                assert {item.first, item.second} <= looks
                assert set(item.needs) <= set(seen)
                seen.append(item.id)
            case Step():
                assert set(item.needs) <= set(seen)
                seen.append(item.id)
    assert len(seen) == len(set(seen))
    assert seen.index(steps.ANNOUNCE) < seen.index(steps.ROLLBACK)
    assert (steps.UPGRADE in seen) is with_older


def test_an_upgrade_meets_a_version_that_the_node_has_never_seen() -> None:
    """As in a fleet; after a clean install of it, the agent would go another way (question upgrade-refetch)."""
    versions = [item.version for item in plan(with_older=True) if isinstance(item, Step)]
    assert versions[:2] == [Version.OLDER, Version.NEW]


def test_the_failing_version_runs_the_real_install_and_keeps_all_else(tmp_path: Path) -> None:
    """Its zips hold the package's files byte by byte, its install script under another name, and one that exits 17."""
    real = build_package(EXAMPLE, tmp_path / "real")
    (tmp_path / "broken").mkdir()
    broken = make_broken(read_sealed(tmp_path / "real"), tmp_path / "broken")
    assert broken.version == "1.0.0.csdfails"
    for file in real.files:
        with zipfile.ZipFile(real.folder / file.name) as old, zipfile.ZipFile(broken.folder / file.name) as new:
            (install,) = (name for name in old.namelist() if name.startswith("install."))
            kind = install.rpartition(".")[2]
            assert new.read(f"{REAL}.{kind}") == old.read(install)
            assert b"exit 17" in new.read(install)
            assert {name: old.read(name) for name in old.namelist() if name != install} == {
                name: new.read(name) for name in new.namelist() if name not in (install, f"{REAL}.{kind}")
            }


def test_what_a_package_accepts_is_accepted_of_its_failing_version(tmp_path: Path) -> None:
    """Else a package whose nodes all have bash as sh could be published, and not be tried."""
    folder = tmp_path / "source"
    shutil.copytree(EXAMPLE, folder)
    described = (folder / "package.yaml").read_text() + "\naccept: {CSD304: bash is sh on all our nodes}\n"
    (folder / "package.yaml").write_text(described)
    with (folder / "debian/uninstall.sh").open("a") as script:
        script.write("if [[ -d /opt/none ]]; then rm -r /opt/none; fi\n")
    (tmp_path / "broken").mkdir()
    broken = make_broken(build_package(folder, tmp_path / "real"), tmp_path / "broken")
    assert any("CSD304" in warning for warning in broken.warnings)


def test_scripts_are_told_by_the_zip(tmp_path: Path) -> None:
    """Those that every zip has which the node may get."""
    sealed = build_package(EXAMPLE, tmp_path)
    assert scripts_of(sealed, {"csd-hello-1.0.0-linux.zip", ""}) == ALL


def answers(
    wrong: dict[str, Said], files: dict[str, tuple[str, ...]]
) -> Callable[[Step | Look, dict[str, Course]], dict[str, Said]]:
    right = {
        Goal.INSTALLED: DONE, Goal.VALID: ALREADY, Goal.ROLLED_BACK: ROLLED_BACK, Goal.UPDATED: DONE, Goal.KNOWN: Said("Success"),
        Goal.REMOVED: Said("Success", "Successfully uninstalled x 1"),
    }  # fmt: skip

    def send(item: Step | Look, taking: dict[str, Course]) -> dict[str, Said]:
        if isinstance(item, Look):
            said = wrong.get(f"look {item.id}") or Said("Success", packed(*files.get(item.id, ())))
        else:
            said = wrong.get(item.id) or right[item.goal]
        return dict.fromkeys(taking, said)

    return send


def course(
    wrong: dict[str, Said] | None = None, files: dict[str, tuple[str, ...]] | None = None, *, scripts: frozenset[str] = ALL,
    with_older: bool = False, may_leave: tuple[str, ...] = (),
) -> Course:  # fmt: skip
    made = Course(scripts, may_leave)
    follow(plan(with_older=with_older), {"i-1": made}, answers(wrong or {}, files or {}), lambda _: None)
    return made


def test_all_is_well() -> None:
    """Then every step and every comparison has passed, and the node holds nothing."""
    done = course(with_older=True)
    assert {one.verdict for one in done.outcomes.values()} == {Verdict.PASSED}
    assert verdict_of(tuple(done.outcomes.values())) is NodeVerdict.PASSED
    assert not done.holds


def test_after_a_failed_install_nothing_is_asked_of_the_package_but_its_leavings_are_told() -> None:
    """The agent cannot uninstall what it never installed; what the install script left is there all the same."""
    done = course({"install": Said("Failed", err="exit status 5")}, {steps.REMOVED: ("/opt/x",)})
    assert done.outcomes[steps.UNINSTALL].verdict is Verdict.NOT_RUN
    assert done.outcomes[steps.UNINSTALL].why == "'install' has not passed"
    assert done.outcomes[steps.LEFT].why == "1 more: /opt/x"
    assert done.holds


def test_what_the_uninstall_leaves_is_told_with_its_path() -> None:
    """Unless the caller allows it."""
    files = {steps.INSTALLED: ("/opt/x", "/opt/y"), steps.ROLLED_BACK: ("/opt/x", "/opt/y"), steps.REMOVED: ("/opt/x",)}
    left = course(files=files).outcomes[steps.LEFT]
    assert (left.verdict, left.why) == (Verdict.FAILED, "1 more: /opt/x")
    assert course(files=files, may_leave=("/opt/*",)).outcomes[steps.LEFT].verdict is Verdict.PASSED


def test_a_failed_rollback_does_not_keep_the_package_on_the_node() -> None:
    """It is uninstalled even so."""
    done = course({steps.ROLLBACK: Said("Failed", err="exit status 17")})
    assert done.outcomes[steps.ROLLBACK].verdict is Verdict.FAILED
    assert done.outcomes[steps.STILL_VALID].verdict is Verdict.NOT_RUN
    assert done.outcomes[steps.UNINSTALL].verdict is Verdict.PASSED


def test_without_an_update_script_nothing_is_updated_in_place() -> None:
    """That is said, and is no failure."""
    done = course(scripts=frozenset({"validate"}), with_older=True)
    assert done.outcomes[steps.OLDER_AGAIN].why == "the package has no update script"
    assert verdict_of(tuple(done.outcomes.values())) is NodeVerdict.PASSED


def test_a_look_that_is_cut_fails_with_the_right_that_is_missing() -> None:
    """Output that did not reach S3 is cut by Run Command: half a look would tell of files that were removed."""
    done = course({"look removed": Said("Success", packed()[:40], whole=False)})
    assert "needs s3:PutObject" in done.outcomes["look 'removed'"].why
    assert done.outcomes[steps.LEFT].verdict is Verdict.NOT_RUN
    assert verdict_of(tuple(done.outcomes.values())) is NodeVerdict.FAILED
