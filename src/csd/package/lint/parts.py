"""One zip, sealed or still a folder of sources, as rules look at it: names, and the text of the scripts that the agent runs.

Rules: of a zip only its directory and its scripts are read, each up to a bound; nothing is unpacked.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from csd.package.contents import Contents
from csd.package.lint.rule import Finding
from csd.package.lint.rules_archive import BROKEN_ZIP, LIES, RULE_OF_FAULT
from csd.package.lint.scripts import HEAD_BYTES_MAX
from csd.package.names import printable
from csd.package.reading.ending import Unreadable
from csd.package.reading.members import Member
from csd.package.reading.zips import examine_zip, read_member

# AWS: amazon-ssm-agent ssminstaller: these scripts, in sh or ps1, one implementation of each.
ACTIONS = ("install", "uninstall", "update", "validate")
SCRIPTS = tuple(f"{action}.{kind}" for action in ACTIONS for kind in ("sh", "ps1"))
_SOURCED = {
    ".sh": re.compile(rb"(?:^|[;&|({]|\s)(?:\.|source)\s+[^\s;&|]*?([A-Za-z0-9_\-.]+\.sh)\b", re.MULTILINE),
    ".ps1": re.compile(
        rb"^[ \t]*\.[ \t]+[\"']?(?:\$PSScriptRoot|\.)[\\/]([A-Za-z0-9_\-.]+\.ps1)\b", re.MULTILINE | re.IGNORECASE
    ),
}


@dataclass(frozen=True, slots=True)
class Script:
    """A script's text, up to a bound; `whole` when nothing is missing and no payload stands behind it."""

    where: str
    text: bytes
    whole: bool


@dataclass(frozen=True, slots=True)
class Part:
    """One zip: `names` are its files, `platforms` the manifest's keys that lead to it (none when nobody tells), `found` its faults."""

    where: str
    names: tuple[str, ...]
    scripts: Mapping[str, Script]
    platforms: frozenset[str] = frozenset()
    found: tuple[Finding, ...] = ()

    @property
    def file(self) -> str:
        """The zip's own name."""
        return Path(self.where).name


def part_of_zip(path: Path, platforms: frozenset[str]) -> Part:
    """A zip of any origin."""
    examined = examine_zip(path)
    found = [
        Finding(RULE_OF_FAULT[fault.kind], f"{path}!{fault.member}" if fault.member else str(path), fault.what)
        for fault in examined.faults
    ]
    members = {member.name.removeprefix("./"): member for member in examined.members if not member.is_folder}
    if found:
        return Part(str(path), tuple(members), {}, platforms, tuple(found))

    def read(name: str) -> Script | None:
        return _member_script(path, members[name], found)

    scripts = _scripts(tuple(members), read)
    return Part(str(path), tuple(members), scripts, platforms, tuple(found))


def _member_script(path: Path, member: Member, found: list[Finding]) -> Script | None:
    where = f"{path}!{printable(member.name)}"
    try:
        text = read_member(path, member, HEAD_BYTES_MAX + 1)
    except Unreadable as broken:
        found.append(Finding(BROKEN_ZIP, where, broken.what))
        return None
    if len(text) != min(member.size, HEAD_BYTES_MAX + 1):
        found.append(Finding(LIES, where, f"has not the {member.size} bytes that it says."))
        return None
    return _script(where, text)


def part_of_contents(contents: Contents, platforms: frozenset[str]) -> Part:
    """A zip that is not built yet."""
    entries = {entry.name: entry for entry in contents.entries}

    def read(name: str) -> Script:
        where = str(contents.origins.get(name, contents.where / name))
        return _script(where, entries[name].head(HEAD_BYTES_MAX + 1))

    return Part(str(contents.where), tuple(entries), _scripts(tuple(entries), read), platforms)


def _script(where: str, text: bytes) -> Script:
    plain, payload, _ = text[:HEAD_BYTES_MAX].partition(b"\0")
    whole = not payload and len(text) <= HEAD_BYTES_MAX
    return Script(where, plain if whole else plain[: plain.rfind(b"\n") + 1], whole)


def _scripts(names: tuple[str, ...], read: Callable[[str], Script | None]) -> dict[str, Script]:
    """The scripts of the agent's actions, and what they source."""
    scripts: dict[str, Script] = {}
    waiting = [name for name in SCRIPTS if name in names]
    while waiting:
        name = waiting.pop(0)
        script = None if name in scripts else read(name)
        if script is None:
            continue
        scripts[name] = script
        sourced = _SOURCED[name[name.rindex(".") :].lower()].findall(script.text)
        waiting += [other for other in map(bytes.decode, sourced) if other in names]
    return scripts
