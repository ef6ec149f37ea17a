"""aws:configurePackage: install or uninstall one Distributor package on this node.

Flow: inputs -> manifest (always fetched first) -> lock -> versions brought to disk where they are missing -> already there? ->
`Execution` -> result text, and a report by PutConfigurePackageResult. AWS: amazon-ssm-agent, configurepackage.go `execute`.
Rules: whatever fails, the reason is on the step's standard error in the stock agent's words, and its code is 1.
A cancel that comes after the action has begun is too late, as in the stock agent: its scripts run to their end.
Deviations from the stock agent, each marked at its line: no random sleep; nothing of a broken package stays on disk.
Open question: upgrade-refetch.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from localorg.node import packages_api
from localorg.node.calls import CallRefusedError, Unreachable
from localorg.node.execution import Execution, Work
from localorg.node.installer import Installer
from localorg.node.installstate import State, WrongMoveError
from localorg.node.matching import NoMatchError, match_file
from localorg.node.packages_api import Calls, Get, Manifest, http_get
from localorg.node.persona import Platform, UnknownPlatformError
from localorg.node.processes import Cancel
from localorg.node.repository import PackageError, Repository
from localorg.node.results import Status, StepResult
from localorg.node.scripts import Surroundings
from localorg.node.trace import Tracer
from localorg.node.unpack import BadArchiveError, unpack

PLUGIN = "aws:configurePackage"
IN_PLACE = "In-place update"
DOCUMENT_ARN = re.compile(r"arn:[a-z0-9.-]+:[a-z0-9.-]+:[a-z0-9.-]*:[a-z0-9.-]*:document/[a-zA-Z0-9/:.\-_]{1,128}")
SERVICE_VERSION = re.compile(r"[A-Za-z0-9.]+")


@dataclass(frozen=True)
class Facts:
    """What a package may learn about the node."""

    instance_id: str
    account: str
    region: str
    architecture: str
    init_system: str
    platform: Callable[[], Platform]
    """Detected anew at each run, as the stock agent does. Raises UnknownPlatformError."""

    def variables(self, platform: Platform) -> dict[str, str]:
        """Return the BWS_* variables of package scripts. AWS: ssminstaller getEnvVars."""
        return {
            "BWS_PLATFORM_NAME": platform.name,
            "BWS_PLATFORM_VERSION": platform.version,
            "BWS_PLATFORM_FAMILY": platform.family,
            "BWS_ARCHITECTURE": self.architecture,
            "BWS_INIT_SYSTEM": self.init_system,
            "BWS_PACKAGE_MANAGER": platform.package_manager,
            "BWS_INSTANCE_ID": self.instance_id,
            "BWS_INSTANCE_TYPE": "t3.micro",  # ASSUMED: nodes of a local organization are no particular size; scripts rarely ask
            "BWS_REGION": self.region,
            "BWS_ACCOUNT_ID": "",  # AWS: nothing fills it in the stock agent
            "BWS_AVAILABILITY_ZONE": f"{self.region}a",
        }


@dataclass(frozen=True)
class Request:
    """The inputs of the step, checked."""

    name: str
    action: str
    version: str
    in_place: bool
    arguments: Mapping[str, str]


def parse_inputs(inputs: Mapping[str, Any]) -> Request:
    """Check the inputs. Raises PackageError. AWS: parseAndValidateInput."""
    if inputs.get("source"):
        raise PackageError("invalid input: source parameter is not supported in this version")
    if not inputs.get("name"):
        raise PackageError("invalid input: empty name field")
    return Request(
        name=str(inputs["name"]),
        action=str(inputs.get("action", "")),
        version=str(inputs.get("version") or ""),
        in_place=inputs.get("installationType") == IN_PLACE,
        arguments=_arguments(inputs.get("additionalArguments")),
    )


def _arguments(value: Any) -> dict[str, str]:
    if not value or isinstance(value, dict):
        return {}  # AWS: Run Command sends a StringMap as text; a real map is dropped without a word
    try:
        arguments = json.loads(value)
        if not isinstance(arguments, dict) or not all(isinstance(item, str) for item in arguments.values()):
            raise ValueError("a JSON object of texts was expected")
    except (TypeError, ValueError) as error:
        raise PackageError(f"invalid input: unable to unmarshal additional arguments from input; error {error}") from error
    if "" in arguments:
        raise PackageError("invalid input: empty key is not allowed in additional arguments from input")
    if not all(key.startswith("SSM_") for key in arguments):
        raise PackageError('invalid input: keys need to start with "SSM_" prefix in additional arguments from input')
    return arguments


@dataclass
class ConfigurePackage:
    """The plugin, for one node."""

    calls: Calls
    repository: Repository
    facts: Facts
    log: Callable[[str], None]
    now: Callable[[], float] = time.time
    get: Get = http_get
    upgrade_refetch: str = "stock"
    """Answers the question upgrade-refetch: `stock` or `kept`."""

    def run(self, inputs: Mapping[str, Any], around: Surroundings) -> StepResult:
        """Run one step."""
        tracer = Tracer(self.now)
        if around.cancel.cancelled:
            return StepResult(PLUGIN, Status.CANCELLED, 1)
        with tracer.section("configurePackage") as section:
            try:
                # AWS: ssminstaller runs scripts under a cancel flag of its own: half an install is worse than one nobody wants.
                status = self._run(parse_inputs(inputs), replace(around, cancel=Cancel()), tracer)
            except (PackageError, NoMatchError, UnknownPlatformError, WrongMoveError) as error:
                section.error = str(error)
                status = Status.FAILED
            except OSError as error:
                section.error = f"the node's disk refused: {error}"
                status = Status.FAILED
        stdout, stderr = tracer.output()
        return StepResult(PLUGIN, status, 0 if status == Status.SUCCESS else 1, stdout, stderr)

    def _run(self, request: Request, around: Surroundings, tracer: Tracer) -> Status:
        if request.action not in {"Install", "Uninstall"}:
            raise PackageError(f"unsupported action: {request.action}")
        self._require_document_package(request)
        with tracer.section("download manifest"):
            manifest = packages_api.fetch_manifest(self.calls, request.name, request.version)
            cached = self.repository.cached_manifest(manifest.name, manifest.document_version)
            same = cached is not None and json.loads(cached) == json.loads(manifest.text)
            self.repository.cache_manifest(manifest.name, manifest.document_version, manifest.text)
        with self.repository.locked(manifest.name, request.action):
            task = _Task(self, request, manifest, around, tracer, same_as_cached=same)
            installed = task.installed_version()
            status = task.install() if request.action == "Install" else task.uninstall()
        self._report(request, manifest, installed, status, tracer)
        return status

    def _require_document_package(self, request: Request) -> None:
        """Ask whether AWS itself publishes the package; only document packages exist here. AWS: selectService."""
        if DOCUMENT_ARN.fullmatch(request.name) or (request.version and not SERVICE_VERSION.fullmatch(request.version)):
            return
        version = request.version or "latest"
        try:
            self.calls.call("GetManifest", {"PackageName": request.name, "PackageVersion": version})
        except CallRefusedError as error:
            if "ResourceNotFoundException" in str(error):
                return
            raise PackageError(f"Error returned for GetManifest - {error}.") from error
        except Unreachable as error:
            raise PackageError(f"Error returned for GetManifest - {error}.") from error
        raise PackageError(
            f"package {request.name} is published by AWS itself; this agent installs packages that are documents only"
        )

    def _report(self, request: Request, manifest: Manifest, installed: str, status: Status, tracer: Tracer) -> None:
        platform = self.facts.platform()
        timing, steps = tracer.report()
        report = {
            "PackageName": request.name,
            "PackageVersion": manifest.version,
            **({"PreviousPackageVersion": installed} if installed else {}),
            "Operation": request.action,
            "OverallTiming": timing,
            "Result": 0 if status == Status.SUCCESS else 1,
            "Attributes": {
                "architecture": self.facts.architecture,
                "platformName": platform.name,
                "platformVersion": platform.version,
                "instanceID": self.facts.instance_id,
                "instanceType": self.facts.variables(platform)["BWS_INSTANCE_TYPE"],
                "availabilityZone": self.facts.variables(platform)["BWS_AVAILABILITY_ZONE"],
                "region": self.facts.region,
            },
            "Steps": steps,
        }
        try:
            self.calls.call("PutConfigurePackageResult", report)
        except (CallRefusedError, Unreachable) as error:
            self.log(f"Error reporting results for Document archive: {error}")  # AWS: only a warning


@dataclass
class _Task:
    """One locked action on one package."""

    plugin: ConfigurePackage
    request: Request
    manifest: Manifest
    around: Surroundings
    tracer: Tracer
    same_as_cached: bool

    @property
    def _repository(self) -> Repository:
        return self.plugin.repository

    def installed_version(self) -> str:
        """Return the version that counts as installed. A failed first install counts for the next install, not for an uninstall."""
        known = self._repository.state(self.manifest.name)
        if self.request.action == "Install" and known.state == State.FAILED:
            return known.version
        return known.installed_version()

    def install(self) -> Status:
        """Bring the manifest's version onto the node."""
        known = self._repository.state(self.manifest.name)
        installed, target = self.installed_version(), self.manifest.version
        again = known.version == target and (known.state == State.FAILED or not self.same_as_cached)
        wanted = self._ensure(target, again=again)
        old = None
        if installed and known.state != State.NONE and (installed != target or not self.same_as_cached):
            old = self._ensure_old(installed)
        in_place = self.request.in_place and bool(installed) and known.state != State.NONE
        work = Work(wanted, old, known.state, installed, in_place)
        execution = Execution(self._repository, self.tracer)
        there = execution.already_there(work)
        return there if there is not None and self.same_as_cached else execution.perform(work)

    def uninstall(self) -> Status:
        """Take the installed version away."""
        known = self._repository.state(self.manifest.name)
        installed = known.installed_version()
        asked = self.request.version if self.request.version.lower() not in {"", "latest"} else ""
        version = self.manifest.version if asked else installed
        if not installed or version != installed or known.state in {State.NONE, State.UNINSTALLED}:
            # DEVIATES: the text of AWS-ConfigureAWSPackage promises an error here; the stock agent says Success, and so does this one.
            with self.tracer.section("determine version to uninstall") as section:
                section.info(f"version: {version} is not installed")
            return Status.SUCCESS
        gone = self._ensure_old(installed)
        if gone is None:
            return Status.FAILED
        return Execution(self._repository, self.tracer).perform(Work(None, gone, known.state, installed))

    def _ensure(self, version: str, *, again: bool) -> Installer:
        """Return the installer of the manifest's own version, downloaded if it is missing or `again`. Raises PackageError."""
        with self.tracer.section("ensure package is locally available"):
            if again or not self._is_here(version):
                self._bring(self.manifest, version)
        return self._installer(version)

    def _ensure_old(self, version: str) -> Installer | None:
        """Return the installer of the version to take away; None, with the reason on standard error, when it cannot be had."""
        with self.tracer.section("ensure old package is locally available") as section:
            try:
                if self.plugin.upgrade_refetch == "stock":
                    self._refetch(version)
                elif not self._is_here(version):
                    self._bring(self._own_manifest(version), version)
            except (PackageError, NoMatchError) as error:
                section.error = str(error)
                return None
        return self._installer(version)

    def _refetch(self, version: str) -> None:
        """Fill the folder of the installed version from the manifest at hand, when that is new to the node or the folder is lost.

        AWS: configurepackage.go ensurePackage: the manifest at hand is the new version's, so its files replace the old version's. Then
        the new uninstall script takes the old version away, and a roll-back installs what has just failed.
        """
        is_current = self._repository.state(self.manifest.name).version == version
        if not self._is_here(version) or (is_current and not self.same_as_cached):
            self._bring(self.manifest, version)

    def _own_manifest(self, version: str) -> Manifest:
        if version == self.manifest.version:
            return self.manifest
        older = packages_api.fetch_manifest(self.plugin.calls, self.request.name, version)
        if older.version != version:
            raise PackageError(f"version {version} of package {self.request.name} is no longer published")
        return older

    def _is_here(self, version: str) -> bool:
        try:
            self._repository.validate(self.manifest.name, version)
        except PackageError:
            return False
        return True

    def _bring(self, manifest: Manifest, version: str) -> None:
        platform = self.plugin.facts.platform()
        file_name = match_file(manifest.packages, platform.name, platform.version, self.plugin.facts.architecture)
        with self._download(manifest, file_name) as archive:

            def fill(folder: Path) -> None:
                final = self._repository.version_folder(manifest.name, version)
                try:
                    unpack(archive, folder)
                except BadArchiveError as error:
                    reason = str(error).replace(str(folder), str(final))
                    raise PackageError(
                        f"failed to extract package installer package {file_name} from {final}, {reason}"
                    ) from error

            self._repository.add(manifest.name, version, fill)

    def _download(self, manifest: Manifest, file_name: str) -> Any:
        folder = self._repository.base / "download"
        with self.tracer.section("download artifact"):
            try:
                return packages_api.download(manifest, file_name, folder, self.plugin.get)
            except PackageError:
                # AWS: the cached manifest is dropped and everything is fetched once more before the agent gives up.
                self._repository.cache_manifest(manifest.name, manifest.document_version, None)
                wanted = self.request.version if manifest is self.manifest else manifest.version
                fresh = packages_api.fetch_manifest(self.plugin.calls, self.request.name, wanted)
                self._repository.cache_manifest(fresh.name, fresh.document_version, fresh.text)
                return packages_api.download(fresh, file_name, folder, self.plugin.get)

    def _installer(self, version: str) -> Installer:
        name = self.manifest.name
        variables = {**self.plugin.facts.variables(self.plugin.facts.platform()), **self.request.arguments}
        return Installer(name, version, self._repository.version_folder(name, version), variables, self.around)
