"""The checks of a shell script's values: secrets that are printed, parameters that never arrive, things that stay in the package's folder.

Rules: a check that is not sure says nothing.
"""

import re
from collections.abc import Iterator, Sequence

from csd.package.lint import rules_script as rules
from csd.package.lint.sh_checks import Found, expands_in
from csd.package.lint.sh_commands import Command, Script, expanded, read_script

_SECRET_WORDS = {
    "TOKEN",
    "KEY",
    "APIKEY",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "CID",
    "ACTIVATION",
    "CREDENTIAL",
    "CREDENTIALS",
}
# The last word of a name that tells of a secret, and is none: SSM_TOKEN_PARAMETER.
_HARMLESS = {"PARAMETER", "PARAM", "NAME", "ARN", "PATH", "FILE", "URL", "ID", "REGION", "HOST", "SERVER", "PORT", "TYPE", "DIR"}
_PLAIN = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?::?[-?=][^}]*)?\})")
_ANY = re.compile(r"\$\{?([A-Za-z_]\w*)")
_NEEDED = re.compile(r"\$\{([A-Z][A-Z0-9_]*):?\?")
_ASSIGNED = re.compile(
    r"(?:^|[\s;&|({])(?:export\s+|readonly\s+|local\s+)?([A-Za-z_]\w*)\+?=|\bfor\s+(\w+)\b|\bread\s+([^;|&\n]*)"
)
# What the agent, sh and systemd give to every script; AWS_ and BWS_ come from the agent.
_GIVEN = {
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "PWD",
    "OLDPWD",
    "LANG",
    "TMPDIR",
    "TERM",
    "HOSTNAME",
    "IFS",
    "PPID",
    "UID",
    "EUID",
}
_PACKAGES = re.compile(r"/var/lib/amazon/ssm/packages/|\\Amazon\\SSM\\Packages\\", re.IGNORECASE)
_HERE = re.compile(r"^(?:\$PWD|\$\{PWD\}|\$\(pwd\)|`pwd`)(?:/|$)")
_UNIT = re.compile(r"^ExecStart=-?\s*(?:\$PWD|\$\{PWD\}|\$\(pwd\)|`pwd`)/", re.MULTILINE)


def is_secret(name: str) -> bool:
    """Whether a parameter of this name is a secret: SSM_TOKEN is one, SSM_TOKEN_PARAMETER, the name of one, is none."""
    words = name.upper().split("_")
    return words[0] == "SSM" and bool(_SECRET_WORDS & set(words[1:])) and words[-1] not in _HARMLESS


def value_findings(script: Script, text: str, *, changes: bool, sourced: Sequence[str], whole: bool) -> Found:
    """What the values of one script show. `sourced`: the scripts that it reads; `whole`: all of them are known."""
    yield from _printed(script.commands)
    yield from _traced(script.commands)
    if whole:
        yield from _strangers(script, text, sourced)
    if changes:
        yield from _kept_inside(script)


def _printed(commands: Sequence[Command]) -> Found:
    secrets = any(is_secret(name) for command in commands for name in _names(command))
    for command in commands:
        if command.after == "|" or any(">" in redirect and "&2" not in redirect for redirect in command.redirects):
            continue
        if command.name in ("echo", "printf"):
            shown = {found[1] or found[2] for word in command.words[1:] for found in _PLAIN.finditer(expands_in(word))}
            for name in sorted(name for name in shown if is_secret(name)):
                yield command.line, rules.PRINTED, f"prints {name}."
        if secrets and ((command.name in ("env", "printenv") and len(command.words) == 1) or command.words == ("set",)):
            yield command.line, rules.PRINTED, f"prints all variables with {command.name!r}."


def _names(command: Command) -> Iterator[str]:
    for word in (*command.lead, *command.words, *command.redirects):
        if "$" in word:
            yield from (found[1] for found in _ANY.finditer(expanded(word)))


def _traced(commands: Sequence[Command]) -> Found:
    since: int | None = None
    for command in commands:
        if command.name == "set":
            words = command.arguments
            if any(re.fullmatch(r"-\w*x\w*", word) for word in words) or words[:2] == ("-o", "xtrace"):
                since = command.line if since is None else since
            elif any(re.fullmatch(r"\+\w*x\w*", word) for word in words) or words[:2] == ("+o", "xtrace"):
                since = None
        told = sorted(
            {name for name in _names(command) if name.startswith("SSM_") and not name.endswith(("_PARAMETER", "_NAME"))}
        )
        if since is not None and told:
            yield since, rules.TRACED, f"traces every command, and so prints the value of {told[0]} in line {command.line}."
            return


def _strangers(script: Script, text: str, sourced: Sequence[str]) -> Found:
    """Variables that the script needs, that nobody sets, and that cannot be parameters."""
    known = set(_GIVEN)
    for source in (text, *sourced):
        for found in _ASSIGNED.finditer(source):
            known.update(re.findall(r"\w+", found[1] or found[2] or found[3] or ""))
    told: set[str] = set()
    for command in script.commands:
        for word in (*command.lead, *command.words):
            for found in _NEEDED.finditer(expanded(word)) if "?" in word else ():
                name = found[1]
                if name not in known | told and not name.startswith(("SSM_", "AWS_", "BWS_")):
                    told.add(name)
                    yield command.line, rules.PARAMETER, f"needs {name}, which it does not set and the agent does not give."


def _kept_inside(script: Script) -> Found:
    for command in script.commands:
        targets = [redirect for redirect in command.redirects if ">" in redirect]
        if command.name in ("cp", "mv", "install", "tee", "mkdir", "ln"):
            targets += command.words[-1:] if command.name != "ln" else command.words[1:]
        if any(_PACKAGES.search(target) for target in targets):
            yield command.line, rules.KEPT_INSIDE, f"has {command}: the agent deletes that folder."
        elif command.name == "ln" and any(_HERE.match(expanded(word)) for word in command.words[1:-1]):
            yield command.line, rules.KEPT_INSIDE, f"has {command}: the agent deletes what the link leads to."
    for line, document in script.documents:
        if _UNIT.search(document):
            yield line, rules.KEPT_INSIDE, "writes a unit whose program stands in the package's folder, which the agent deletes."


def sourced_names(script: Script) -> Iterator[str]:
    """The files that a script reads with '.', without './'; '' for one that only the node knows."""
    for command in script.commands:
        if command.name in (".", "source") or (command.words and command.words[0] == "."):
            path = command.arguments[0] if command.arguments else ""
            local = path.removeprefix("$PWD/").removeprefix("./")
            known = re.sub(r"^\$\{?\w*(?:DIR|dir|HERE|here|BASE|base)\w*\}?/", "", local)
            yield "" if re.search(r"[$`/]", known) else known


def defines_errexit(text: str) -> bool:
    """Whether a script that is read by another may make it stop at errors."""
    return any(command.name in ("set", "trap") for command in read_script(text).commands)
