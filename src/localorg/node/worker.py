"""Running one document on the node: its steps in order, each result told as soon as it is there.

Flow: command (content + parameters) -> `document.steps` -> for each: verdict, or its plugin -> `told(reply)`. At the end one terminal
reply. Five documents run at a time, as in the stock agent.
Rules: a document runs at most once; a failed step does not stop later ones unless it asks for that.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from localorg.node import configure_package, document, download_content, results, run_document, scripts, software_inventory
from localorg.node.configure_package import ConfigurePackage
from localorg.node.document import BadDocumentError, DocumentStep
from localorg.node.processes import Cancel, Runner
from localorg.node.results import StepResult, failed
from localorg.node.scripts import Surroundings
from localorg.node.software_inventory import SoftwareInventory
from localorg.node.storing import STREAMS, Destination, OutputStore, plain, step_folder

REFRESH_PLUGIN = "aws:refreshAssociation"
KNOWN_PLUGINS = frozenset(
    {
        scripts.PLUGIN,
        configure_package.PLUGIN,
        scripts.POWERSHELL,
        run_document.PLUGIN,
        download_content.PLUGIN,
        software_inventory.PLUGIN,
        REFRESH_PLUGIN,
    }
)
PLATFORM_TYPE = "Linux"
DOCUMENTS_AT_ONCE_MAX = 5
"""AWS: amazon-ssm-agent.json, Mds.CommandWorkersLimit."""

Tell = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Command:
    """One document to run, as it came in a message."""

    command_id: str
    content: Mapping[str, Any]
    parameters: Mapping[str, Any]
    destination: Destination = field(default_factory=Destination)
    depth: int = 0
    """How many documents are around this one, which lies in their folder `inside`."""
    inside: str = ""
    inventories: tuple[str, ...] = ()
    """The associations of this node that gather inventory; the plugin allows only one."""

    @property
    def rivals(self) -> list[str]:
        """Return this association and another one that gathers inventory too; nothing when there is no other."""
        own = self.command_id.split(".")[0]
        return [pair for identifier in self.inventories if identifier != own for pair in (own, identifier)][:2]

    @property
    def is_association(self) -> bool:
        """Say whether an association runs it. AWS agent: such a run is called by the association's id, a dot and its time."""
        return "." in self.command_id

    def outline(self) -> list[tuple[str, str]]:
        """Return (name, plugin) of each step; nothing when the document cannot be read."""
        try:
            return [(step.name, step.plugin) for step in document.steps(self.content, self.parameters)]
        except BadDocumentError:
            return []


@dataclass
class Worker:
    """Runs documents on this node."""

    processes: Runner
    packages: ConfigurePackage
    inventory: SoftwareInventory
    output: OutputStore
    folder: Path
    """Where commands have their own folders."""
    working_folder: Path
    environment: Mapping[str, str]
    resolve: document.Resolve
    """Fills in references to Parameter Store."""
    sources: download_content.Sources
    now: Callable[[], float] = time.time
    refresh: Callable[[list[str]], StepResult] = lambda _: failed(REFRESH_PLUGIN, "this agent keeps no associations")
    """Lets associations run now: the agent's association processor."""

    def run(self, command: Command, cancel: Cancel, tell: Tell) -> None:
        """Run `command` to its terminal reply."""
        try:
            steps = document.steps(command.content, command.parameters, self.resolve)
        except BadDocumentError as error:
            tell(results.refused_reply(results.Status.FAILED, str(error), self.now()))
            return
        done: dict[str, StepResult] = {}
        for name in self._steps(steps, done, command, cancel):
            tell(results.step_reply(done, name, self.now()))
        tell(results.document_reply(done, self.now()))

    def _steps(self, steps: list[DocumentStep], done: dict[str, StepResult], command: Command, cancel: Cancel) -> Iterator[str]:
        """Run one step after the other; yield the name of each when its result is in `done`."""
        leaving = False
        for step in steps:
            skipped = leaving and not document.is_finally(step, steps)
            done[step.name] = document.after_exit(step) if skipped else self._step(step, command, cancel)
            leaving = leaving or document.ends_document(step, done[step.name])
            yield step.name

    def _step(self, step: DocumentStep, command: Command, cancel: Cancel) -> StepResult:
        start = self.now()
        result = document.verdict(step, KNOWN_PLUGINS, PLATFORM_TYPE)
        if result is None:
            parts = [self._part(step, inputs, command, cancel) for inputs in step.inputs]
            result = _on_failure(step, _merged(parts))
        return replace(result, plugin=step.plugin).between(start, self.now())

    def _part(self, step: DocumentStep, inputs: Mapping[str, Any], command: Command, cancel: Cancel) -> StepResult:
        """Run one set of inputs and keep its output, whole, in a folder of its own."""
        around = Surroundings(
            self.processes,
            cancel,
            self.folder / command.command_id / command.inside / plain(step.plugin),
            self.working_folder,
            {**self.environment, "SSM_COMMAND_ID": command.command_id},
        )
        folder = step_folder(step, inputs)
        own = around.folder / folder.replace("/", "_")
        if step.plugin == run_document.PLUGIN:
            result = self._inner(inputs, replace(command, inside=f"{command.inside}/{around.folder.name}/{own.name}"), around)
        else:
            result = self._plugin(step, inputs, folder, around, command)
        for stream, text in zip(STREAMS, (result.stdout, result.stderr), strict=True):
            if not (own / stream).exists():
                own.mkdir(parents=True, exist_ok=True)
                (own / stream).write_text(text, encoding="utf-8", errors="replace")
        return self.output.store(command.destination, step.plugin, folder, own, result)

    def _inner(self, inputs: Mapping[str, Any], command: Command, around: Surroundings) -> StepResult:
        """Run a document within this one; `command` says where its folder is."""
        try:
            found = run_document.inner(inputs, self.sources.calls, around.downloads, command.depth)
            steps = document.steps(found.content, found.parameters, self.resolve)
        except (run_document.InnerError, BadDocumentError) as error:
            return failed(run_document.PLUGIN, str(error))
        within = replace(command, depth=command.depth + 1, inside=command.inside.strip("/"), destination=Destination())
        done: dict[str, StepResult] = {}
        for _ in self._steps(steps, done, within, around.cancel):
            pass  # AWS: the steps of an inner document are told as one, when all of them have ended
        return run_document.merged(list(done.values()))

    def _plugin(
        self, step: DocumentStep, inputs: Mapping[str, Any], folder: str, around: Surroundings, command: Command
    ) -> StepResult:
        match step.plugin:
            case download_content.PLUGIN:
                return self.sources.download(inputs, around.downloads)
            case scripts.POWERSHELL:
                return scripts.run_script(inputs, folder, around, scripts.POWERSHELL_SHELL)
            case software_inventory.PLUGIN:
                return self.inventory.run(inputs, around, is_association=command.is_association, rivals=command.rivals)
            case "aws:refreshAssociation":
                ids: Any = next((value for key, value in inputs.items() if key.lower() == "associationids"), [])
                return self.refresh(document.flattened(ids))
            case configure_package.PLUGIN:
                return self.packages.run(inputs, replace(around, folder=around.folder / folder.replace("/", "_")))
            case _:
                return scripts.run_script(inputs, folder, around, scripts.SH)


def _on_failure(step: DocumentStep, result: StepResult) -> StepResult:
    """Apply the step's onFailure. AWS: runpluginutil RunPlugins."""
    wish = step.property("onFailure")
    if result.status != results.Status.FAILED or wish not in {"exit", "successAndExit"}:
        return result
    said = "\nStep was found to have onFailure property. Further document steps will be skipped."
    # AWS: it says so in both streams, and leaves the short output as the plugin made it.
    output = result.output if result.output is not None else results.combined(result.stdout, result.stderr)
    result = replace(result, stdout=result.stdout + said, stderr=result.stderr + said, output=output)
    if wish == "successAndExit":
        return replace(result, status=results.Status.SUCCESS, code=document.EXIT_AS_SUCCESS)
    return result


def _merged(parts: list[StepResult]) -> StepResult:
    """Return one result for a step of several sets of properties (schema 1.2). AWS: iohandler Merge."""
    if len(parts) == 1:
        return parts[0]
    order = (results.Status.SUCCESS, results.Status.FAILED, results.Status.CANCELLED, results.Status.TIMED_OUT)
    return replace(
        parts[-1],
        status=max((part.status for part in parts), key=order.index),
        code=next((part.code for part in parts if part.code), 0),
        stdout="\n".join(part.stdout for part in parts if part.stdout),
        stderr="\n".join(part.stderr for part in parts if part.stderr),
    )
