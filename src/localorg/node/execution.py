"""Install, upgrade, in-place update, uninstall and roll back: which action follows which, and what is said and noted.

Flow: (wanted version, version to take away, installed state) -> actions of `Installer`s, moves in the `Repository`, lines in the
trace -> `Outcome`. AWS: amazon-ssm-agent, configurepackage_execute.go; the nesting of sections is kept because it decides the order
of the text.
Refuses to know: where versions come from (`configure_package` brings them) and how actions run.
"""

from dataclasses import dataclass, replace

from localorg.node.installer import Installer
from localorg.node.installstate import State
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
            self._clean_up(old)
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
        return self._uninstall(old, new, work, rollback=True)

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
            self._clean_up(gone)
            self._note(gone, State.NONE)
            return Status.SUCCESS

    def already_there(self, work: Work) -> Status | None:
        """Return how the command ends when what it wants is there and validates, else None. AWS: checkAlreadyInstalled."""
        wanted, chosen = work.wanted, self._to_validate(work)
        if wanted is None or chosen is None:
            return None
        with self.tracer.section(f"run validate for {chosen.name}/{chosen.version}") as section:
            result = chosen.act("validate", self.tracer)
            section.exit_code = result.code
            if not result.ok:
                return None
            status = Status.SUCCESS
            if work.state in {State.INSTALLING, State.UPDATING}:
                section.info(f"Successfully installed {wanted.name} {wanted.version}")
                self._clean_up(work.old)
            elif work.state == State.ROLLBACK_INSTALL:
                # AWS: the two versions stand in each other's place in this text; so they do in the stock agent's.
                section.info(
                    f"Failed to install {chosen.name} {chosen.version}, successfully rolled back to {wanted.name} {wanted.version}"
                )
                self._clean_up(wanted)
                status = Status.FAILED
            else:
                section.info(f"{wanted.name} {wanted.version} is already installed")
                return status
            self._note(chosen, State.INSTALLED)
            return status

    @staticmethod
    def _to_validate(work: Work) -> Installer | None:
        """Return the version that may be there already.

        AWS: an install or a roll-back that was cut off is taken for done when its version validates, and a version without a validate
        script always does: so packages that restart the machine come to an end.
        """
        if work.wanted and work.state in {State.INSTALLING, State.UPDATING}:
            return work.wanted
        if work.wanted and work.wanted.version == work.installed_version and work.state in {State.INSTALLED, State.UNKNOWN}:
            return work.wanted
        return work.old if work.state == State.ROLLBACK_INSTALL else None

    def _note(self, installer: Installer, state: State) -> None:
        with self.tracer.section(f"set install state install {installer.name}/{installer.version} - state: {state.name}"):
            self.repository.set_state(installer.name, installer.version, state)

    def _clean_up(self, gone: Installer | None) -> None:
        # AWS: when the same version was published anew, both are one folder, which is gone then; an uninstall downloads it again.
        if gone is not None:
            with self.tracer.section(f"cleanup {gone.name}/{gone.version}"):
                self.repository.remove(gone.name, gone.version)


def _word(value: bool) -> str:  # noqa: FBT001 - it is the value itself that is spelled
    return "true" if value else "false"
