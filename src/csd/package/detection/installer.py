"""An installer as it was recognised, and the one refusal."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from csd.errors import CsdInputError, Problem

Kind = Literal["deb", "rpm", "msi", "exe", "tar", "zip", "script", "binary", "file"]
Architecture = Literal["x86_64", "386", "arm64", "arm", "_any", ""]
Platforms = tuple[tuple[str, str], ...]
"""(the agent's word for a platform, a version key of the manifest), each."""

_WORDS: dict[Architecture, str] = {
    "x86_64": "x86_64 x86-64 amd64 x64", "386": "386 i386 i486 i586 i686 x86 intel", "arm64": "arm64 aarch64",
    "arm": "arm armhf armv6hl armv7hl armv6 armv6l armv7 armv7l", "_any": "all any noarch",
}  # fmt: skip
_ARCHITECTURES = {word: ours for ours, words in _WORDS.items() for word in words.split()} | {"": ""}
# What readers raise on bytes that are not what they begin like, each in its own way.
_BROKEN: tuple[type[Exception], ...] = (
    ArithmeticError, AssertionError, AttributeError, BufferError, EOFError, LookupError, MemoryError, OSError, RuntimeError, TypeError,
    ValueError,
)  # fmt: skip


class Claims(NamedTuple):
    """What a file says it is, in its own words."""

    name: str
    version: str
    architecture: str


class Unrecognised(CsdInputError):
    """A file that cannot be taken for an installer, and why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__([problem])
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Installer:
    """What a file is. '' and () where it does not tell; `guessed` names the members that come from the file's name;
    `hint` is what a person may want to know who fills in what it does not tell.

    `version` is the file's own, whole: with epoch and revision of a .deb, with the release of an .rpm.
    """

    path: Path
    kind: Kind
    name: str = ""
    version: str = ""
    architecture: Architecture = ""
    platforms: Platforms = ()
    guessed: frozenset[str] = frozenset()
    hint: str = ""

    @property
    def upstream(self) -> str:
        """The version that the vendor's installers for other systems have too: without epoch, revision or release."""
        if self.kind not in ("deb", "rpm"):
            return self.version
        whole = self.version.partition(":")[2] if self.kind == "deb" and ":" in self.version else self.version
        return whole.rpartition("-")[0] or whole


def refusal(path: Path, what: str, remedy: str = "Take it out of the folder, or get it from its vendor again.") -> Unrecognised:
    """What to raise."""
    return Unrecognised(Problem(str(path), what, remedy))


def architecture_of(path: Path, word: str) -> Architecture:
    """The agent's word for a file's word."""
    try:
        return _ARCHITECTURES[word.lower()]
    except KeyError:
        what = (
            f"is for the architecture {word!r}; packages are for x86_64 (amd64, x64), 386 (i386, i686), arm64 (aarch64),"
            " arm (armhf, armv7) or any."
        )
        raise refusal(path, what, "Take it out of the folder.") from None


@contextmanager
def reading(path: Path, kind: str, *broken: type[Exception]) -> Iterator[None]:
    """Whatever a reader raises is one refusal: the file is not what it begins like."""
    try:
        yield
    except Unrecognised:
        raise
    except tuple({*_BROKEN, *broken}) as error:
        why = f"{type(error).__name__}: {error}"[:200] if str(error) else type(error).__name__
        raise refusal(path, f"begins like {kind}, but cannot be read as one ({why}).") from error
