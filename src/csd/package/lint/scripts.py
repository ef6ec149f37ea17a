"""The checks of a package's scripts: their form, what their commands show (sh_checks, sh_values, powershell), what uninstall leaves.

Flow: bytes -> text that sh reads (a payload behind the last exit is cut off) -> commands -> findings, at most one of a rule per line.

Rules: a check that is not sure says nothing. Any bytes give findings, never an exception, in time linear to a bounded length.
"""

import itertools
import re
from collections.abc import Iterator, Mapping

from csd.package.lint import rules_script as rules
from csd.package.lint.powershell import powershell_findings
from csd.package.lint.powershell_reading import read_powershell
from csd.package.lint.powershell_windows import encoding_findings
from csd.package.lint.rule import Finding
from csd.package.lint.sh_checks import Found, command_findings, installs, stops_at_errors
from csd.package.lint.sh_commands import Script, read_script
from csd.package.lint.sh_values import defines_errexit, sourced_names, value_findings

# Longer scripts are not judged: what strangers send must not cost a desk minutes.
SCRIPT_BYTES_MAX = 256 * 1024
# As much is read of one: enough to see that it goes on. Behind it self-extracting installers have their payload.
HEAD_BYTES_MAX = SCRIPT_BYTES_MAX + 8192
_SHELL = re.compile(r"#!\s*\S*/(?:env\s+(?:-\S+\s+)?)?(?:da|a|busybox\s+)?sh(?:\s|$)")
_PAYLOAD = re.compile(
    rb"\n(?=exit\b)[^\n]*\n(?=(?:[^\n]*\n){0,3}?[^\n]*(?:\0|__\w{1,40}?__|\x1f\x8b|[\x80-\xff]{4}))|\n(?=__[A-Z_]{4,60}__\s*\n)"
)
_ERREXIT = re.compile(r"sh\s+-([a-z]*e[a-z]*)\s*$")
_SETS_ERREXIT = re.compile(rb"\n[ \t]*set\s+-\w{0,8}e")
_UTF_8, _UTF_16 = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
_SOURCES_MAX = 20
_CHANGES = ("install.", "update.")
# What an uninstall script may do without anything being removed.
_HARMLESS = {
    "",
    "echo",
    "printf",
    "true",
    ":",
    "exit",
    "set",
    "export",
    "[",
    "test",
    "fi",
    "then",
    "else",
    "sleep",
    "cd",
    "return",
    "umask",
}
_STOPS = {
    "systemctl",
    "service",
    "kill",
    "pkill",
    "killall",
    "ps",
    "grep",
    "pgrep",
    "cat",
    "id",
    "date",
    "command",
    "which",
    "logger",
}
_PS_HARMLESS = re.compile(r"(?:Write-\w+|exit|\$ErrorActionPreference|Set-StrictMode|return|echo)\b|[\d\s\"'{}]*$", re.IGNORECASE)


def script_findings(name: str, where: str, text: bytes, beside: Mapping[str, bytes] | None = None) -> Iterator[Finding]:
    """What one script shows. `beside`: what else the package has in its folder, by name; without it, what is read from there is unknown."""
    if name.endswith(".sh"):
        yield from _form(name, where, text)
    written, text = text, readable(text)
    if len(text) > SCRIPT_BYTES_MAX:
        yield Finding(rules.UNJUDGED, where, f"has more than {SCRIPT_BYTES_MAX:,} bytes; such a one is not looked at.")
        return
    decoded = text.decode("utf-8", "replace")
    found = (_shell if name.endswith(".sh") else _powershell)(name, decoded, beside or {})
    if not name.endswith(".sh"):
        found = itertools.chain(found, encoding_findings(written))
    told: set[tuple[str, int]] = set()
    for line, rule, what in found:
        if (rule.id, line) not in told:
            told.add((rule.id, line))
            yield Finding(rule, f"{where}:{line}" if line else where, what)


def readable(text: bytes) -> bytes:
    """What sh reads of a script, as its author meant it: no byte order mark, plain line ends, no payload behind its last exit."""
    if text.startswith(_UTF_16):
        text = text.decode("utf-16", "replace").encode("utf-8", "replace")
    return _without_payload(text.removeprefix(_UTF_8)).replace(b"\r\n", b"\n")


def _without_payload(text: bytes) -> bytes:
    payload = _PAYLOAD.search(text, 0, HEAD_BYTES_MAX)
    return text[: payload.end()] if payload else text


def _form(name: str, where: str, text: bytes) -> Iterator[Finding]:
    script = _without_payload(text[:SCRIPT_BYTES_MAX])
    if text.startswith(_UTF_16):
        yield Finding(rules.SYNTAX, f"{where}:1", "cannot be read: it is written in UTF-16.")
        return
    if (at := script.find(b"\r\n")) >= 0:
        line = script.count(b"\n", 0, at) + 1
        yield Finding(rules.CRLF, f"{where}:{line}", "has Windows line ends, which sh takes for a part of each line's last word.")
    if text.startswith(_UTF_8):
        yield Finding(rules.BOM, f"{where}:1", "begins with a byte order mark, which sh takes for a part of the first command.")
    first = script.partition(b"\n")[0]
    line_one = first.removeprefix(_UTF_8).decode("utf-8", "replace").strip()[:120]
    if not line_one.startswith("#!") or not name.startswith(("install.", "update.", "uninstall.", "validate.")):
        return
    if not _SHELL.match(line_one):
        yield Finding(rules.SHEBANG, f"{where}:1", f"begins with {line_one!r}, but the agent runs it with sh.")
    elif (options := _ERREXIT.search(line_one)) and not _SETS_ERREXIT.search(script):
        told = f"begins with {line_one!r}, but the agent runs 'sh {name}': -{options[1]} is not set."
        yield Finding(rules.SHEBANG_OPTIONS, f"{where}:1", told)


def _shell(name: str, text: str, beside: Mapping[str, bytes]) -> Found:
    script = read_script(text)
    sources = list(dict.fromkeys(sourced_names(script)))[:_SOURCES_MAX]
    known = [
        readable(beside[source]).decode("utf-8", "replace")
        for source in sources
        if len(beside.get(source, b"")) in range(1, SCRIPT_BYTES_MAX)
    ]
    whole = len(known) == len(sources)
    changes = name.startswith(_CHANGES)
    checked = not whole or stops_at_errors(script) or any(defines_errexit(source) for source in known)
    yield from command_findings(script, "\n".join((text, *known)), changes=changes, checked=checked)
    yield from value_findings(script, text, changes=changes, sourced=known, whole=whole)
    if name.startswith("uninstall.") and not sources:
        yield from _removes_nothing(script, beside.get("install.sh", b""))


def _removes_nothing(script: Script, install: bytes) -> Found:
    names = {command.name for command in script.commands}
    if names <= _HARMLESS:
        yield 0, rules.NOTHING_REMOVED, "has no command that removes anything."
    elif names <= _HARMLESS | _STOPS and any(
        installs(command) for command in read_script(install.decode("utf-8", "replace")[:SCRIPT_BYTES_MAX]).commands
    ):
        yield 0, rules.NOTHING_REMOVED, "stops what install.sh installs, and removes none of it."


def _powershell(name: str, text: str, beside: Mapping[str, bytes]) -> Found:
    sources = re.findall(r"^[ \t]*\.[ \t]+(\S+)", text, re.MULTILINE)
    names = [re.sub(r"^[\"']?(?:\$PSScriptRoot|\.)[\\/]", "", source).rstrip("\"'") for source in dict.fromkeys(sources)][
        :_SOURCES_MAX
    ]
    known = [
        readable(beside[source]).decode("utf-8", "replace")
        for source in names
        if len(beside.get(source, b"")) in range(1, SCRIPT_BYTES_MAX)
    ]
    yield from powershell_findings(text, changes=name.startswith(_CHANGES), sourced=known, whole=len(known) == len(names))
    if name.startswith("uninstall.") and all(_PS_HARMLESS.match(one.code) for one in read_powershell(text)):
        yield 0, rules.NOTHING_REMOVED, "has no command that removes anything."
