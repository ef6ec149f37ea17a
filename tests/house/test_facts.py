"""What one engine waits to hear, another one tells: a fact is only a name, and nothing else notices when the two are spelled apart."""

import ast
from pathlib import Path

from localorg.kernel.blobs import Blobs
from localorg.kernel.clock import VirtualClock
from localorg.kernel.events import Event, Kernel
from localorg.kernel.settings import Settings
from localorg.kernel.store import Store
from localorg.protocol.calls import ScriptJob
from localorg.server.engines import wire_engines

SOURCES = Path(__file__).parents[2] / "src" / "localorg"


class Listening(Kernel):
    """A kernel that remembers what engines asked to hear."""

    def __init__(self) -> None:
        self.wanted: set[str] = set()
        super().__init__(Store(), VirtualClock(), Settings(), 0)

    def subscribe(self, topic: str, engine: str) -> None:
        self.wanted.add(topic)
        super().subscribe(topic, engine)


class NoScripts:
    """Nothing is run here."""

    def start(self, job: ScriptJob) -> None:
        raise AssertionError(f"no script runs in this house: {job}")

    def stop(self, reply: Event) -> None:
        raise AssertionError(f"no script runs in this house: {reply}")


def told(source: str) -> set[str]:
    """Return every text of a module that publishes something; none of any other module."""
    nodes = list(ast.walk(ast.parse(source)))
    called = {node.func.attr for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)}
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return texts if "publish" in called else set()


def test_what_an_engine_waits_to_hear_is_told() -> None:
    """Every fact that an engine subscribes to stands, spelled the same, in a module that publishes."""
    kernel = Listening()
    wire_engines(kernel, Blobs(), NoScripts(), lambda _identity: None)
    everything = {text for path in SOURCES.rglob("*.py") for text in told(path.read_text())}
    assert kernel.wanted
    assert kernel.wanted - everything == set()


def test_a_fact_that_nobody_tells_is_noticed() -> None:
    """A module tells what stands in it, if it publishes at all."""
    assert "a.b" in told('kernel.publish("a.b", {})')
    assert "a.b" not in told('kernel.subscribe("a.b", "c")')
