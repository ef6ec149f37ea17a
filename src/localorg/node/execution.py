"""Install, upgrade, in-place update, uninstall and roll back: which action follows which, and what is said and noted.

Flow: (wanted version, version to take away, installed state) -> actions of `Installer`s, moves in the `Repository`, lines in the
trace -> `Outcome`. AWS: amazon-ssm-agent, configurepackage_execute.go; the nesting of sections is kept because it decides the order
of the text.
Refuses to know: where versions come from (`configure_package` brings them) and how actions run.
"""

from dataclasses import dataclass, replace

from localorg.node.installer import Installer
from localorg.node.installstate import State
from localorg.node.processes import Cancel
from localorg.node.repository import Repository
from localorg.node.results import Status
from localorg.node.trace import Tracer


@dataclass(frozen=True)
class Work:
    """What is to be done. Either may be missing: nothing to install, or nothing to take away."""

    wanted: Installer | None
    old: Installer | None
    state: State
    installed_version: str
    in_place: bool = False


@dataclass
class Execution:
    """One action on one package, already prepared."""

    repository: Repository
    tracer: Tracer

    def perform(self, work: Work) -> Status:
        """Carry `work` out, from wherever an earlier attempt was cut off."""
        with self.tracer.section(f"execute configure - state: {work.state.name}"):
            wanted, old = work.wanted, work.old
            rolling_back = wanted is not None and old is not None
            match work.state:
                case State.ROLLBACK_INSTALL if rolling_back and old:
                    return self._install(old, wanted, work, rollback=True)
                case State.ROLLBACK_UNINSTALL if rolling_back and wanted:
                    return self._uninstall(old, wanted, work, rollback=True)
                case State.INSTALLING | State.UPDATING if wanted:
                    return self._install(wanted, old, work, rollback=False)
            if old is not None and not work.in_place:
                return self._uninstall(wanted, old, work, rollback=False)
            if wanted is None:
                raise AssertionError("there is neither a version to install nor one to take away")
            return self._install(wanted, old, work, rollback=False)

    def _install(self, new: Installer, old: Installer | None, work: Work, *, rollback: bool) -> Status:
        label = f"install {new.name}/{new.version}. rollback: {_word(rollback)}; in-place update: {_word(work.in_place)}"
        with self.tracer.section(label) as section:
            begin, action = State.INSTALLING, "install"
            if rollback:
                begin = State.ROLLBACK_INSTALL
            elif work.in_place:
                begin, action = State.UPDATING, "update"
            self._note(new, begin)
            result = new.act(action, self.tracer)
            if result.ok:
                with self.tracer.section(f"validate {new.name}/{new.version} - rollback: {_word(rollback)}"):
                    result = new.act("validate", self.tracer)
            section.exit_code = result.code
            if not result.ok:
                if result.no_update_script:
                    self._note(new, State.FAILED)
                    return Status.FAILED
                section.complain(f"Failed to install package; install status {result.status}")
                return self._after_failure(new, old, work, rollback=rollback)
            self._clean_up(old, kept=new)
            self._note(new, State.INSTALLED)
            if rollback and old is not None:
                section.info(f"Failed to install {old.name} {old.version}, successfully rolled back to {new.name} {new.version}")
                return Status.FAILED
            section.info(f"Successfully installed {new.name} {new.version}")
            return Status.SUCCESS

    def _after_failure(self, new: Installer, old: Installer | None, work: Work, *, rollback: bool) -> Status:
        if rollback or old is None:
            self._note(new, State.FAILED)
            return Status.FAILED
        # DEVIATES: in the stock agent a cancelled command also cancels its roll-back, which leaves neither version installed.
        return self._uninstall(_uncancelled(old), _uncancelled(new), work, rollback=True)

    def _uninstall(self, then: Installer | None, gone: Installer, work: Work, *, rollback: bool) -> Status:
        """Take `gone` away and, where there is one, install `then`."""
        with self.tracer.section(f"uninstall {gone.name}/{gone.version} - rollback: {_word(rollback)}") as section:
            begin = State.ROLLBACK_UNINSTALL if rollback else State.UPGRADING if then else State.UNINSTALLING
            self._note(gone, begin)
            result = gone.act("uninstall", self.tracer)
            section.exit_code = result.code
            if result.ok:
                section.info(f"Successfully uninstalled {gone.name} {gone.version}")
            else:
                section.complain(f"Failed to uninstall version {gone.version} of package; uninstall status {result.status}")
            if then is not None:
                return self._install(then, gone, replace(work, in_place=work.in_place and not rollback), rollback=rollback)
            if not result.ok:
                self._note(gone, State.FAILED)
                return Status.FAILED
            self._clean_up(gone, kept=None)
            self._note(gone, State.NONE)
            return Status.SUCCESS

    def already_there(self, work: Work) -> bool:
        """Say whether nothing needs to be done because the wanted version is there and validates. AWS: checkAlreadyInstalled."""
        wanted = work.wanted
        if wanted is None:
            return False
        same = wanted.version == work.installed_version and work.state in {State.INSTALLED, State.UNKNOWN}
        # An install that was cut off counts as done when its version validates.
        # DEVIATES: without a validate script the stock agent takes it on trust (for installs that reboot); here it is run again.
        cut_off = (
            work.state in {State.INSTALLING, State.UPDATING}
            and self.repository.state(wanted.name).version == wanted.version
            and (wanted.folder / "validate.sh").exists()
        )
        if not same and not cut_off:
            return False
        with self.tracer.section(f"run validate for {wanted.name}/{wanted.version}") as section:
            result = wanted.act("validate", self.tracer)
            section.exit_code = result.code
            if result.ok and cut_off:
                section.info(f"Successfully installed {wanted.name} {wanted.version}")
                self._clean_up(work.old, kept=wanted)
                self._note(wanted, State.INSTALLED)
            elif result.ok:
                section.info(f"{wanted.name} {wanted.version} is already installed")
            return result.ok

    def _note(self, installer: Installer, state: State) -> None:
        with self.tracer.section(f"set install state install {installer.name}/{installer.version} - state: {state.name}"):
            self.repository.set_state(installer.name, installer.version, state)

    def _clean_up(self, gone: Installer | None, kept: Installer | None) -> None:
        # DEVIATES: when the same version was published anew, the stock agent removes the folder it has just installed from.
        if gone is not None and (kept is None or gone.version != kept.version):
            with self.tracer.section(f"cleanup {gone.name}/{gone.version}"):
                self.repository.remove(gone.name, gone.version)


def _uncancelled(installer: Installer) -> Installer:
    return replace(installer, around=replace(installer.around, cancel=Cancel()))


def _word(value: bool) -> str:  # noqa: FBT001 - it is the value itself that is spelled
    return "true" if value else "false"
