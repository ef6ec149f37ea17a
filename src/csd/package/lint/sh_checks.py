"""The checks of a shell script's commands: what asks, restarts, runs what the network sends, or hides that it failed.

Rules: a check that is not sure says nothing: a variable may be anything, a function of the script is the author's business.
"""

import re
from collections.abc import Iterator, Sequence

from csd.package.lint import rules_script as rules
from csd.package.lint.rule import Rule
from csd.package.lint.sh_commands import Command, Script, bare, expanded, letters

Found = Iterator[tuple[int, Rule, str]]

_YUM = {"install", "localinstall", "reinstall", "update", "upgrade", "downgrade", "remove", "erase", "autoremove", "swap"}
# Which verbs of which tool change the system, and by what it is told not to ask.
_VERBS = {
    "apt-get": {"install", "remove", "purge", "upgrade", "dist-upgrade", "full-upgrade", "autoremove", "build-dep"},
    "yum": _YUM,
    "dnf": _YUM,
    "zypper": {"install", "in", "remove", "rm", "update", "up", "dist-upgrade", "dup", "patch"},
} | {"apt": {"install", "remove", "purge", "upgrade", "full-upgrade", "autoremove"}}
_ANSWERS = re.compile(
    r"-\w*[yY]\w*|-qq\w*|-q=[2-9]|-s|-d|-n|--(?:assume|yes|no|non-interactive|force-yes|print-uris|download|dry-run|simulate|setopt).*"
)
_UNSURE = re.compile(r"\$\{?\w*(?:OPT|ARG|FLAG|YES|@|\*)", re.IGNORECASE)
_ASKING = {"passwd", "vi", "vim", "nano", "emacs", "dialog", "whiptail", "visudo", "mysql_secure_installation"}
_SHELLS = {"sh", "bash", "dash", "ash", "zsh", "ksh"}
_FETCHES = {"curl", "wget"}
_FETCHED = re.compile(r"(?:\$\(|`|<\()\s*(?:curl|wget)\s")
_SETS_ERREXIT = re.compile(r"-\w*e\w*")


def command_findings(script: Script, text: str, *, changes: bool, checked: bool) -> Found:
    """What the commands of one script show. `changes`: it is install or update; `checked`: a script that it reads may stop at errors."""
    own = script.functions
    commands = [command for command in script.commands if command.name not in own]
    answered = bool(re.search(r"(?i)assume-?yes", text))
    wanted = bool(re.search(r"SSM_\w{0,60}(?:REBOOT|RESTART)", text))
    for command in commands:
        if _asks(command, answered=answered, text=text):
            yield command.line, rules.ASKS, f"has {command}, which asks."
        if _restarts(command) and not wanted:
            yield command.line, rules.REBOOTS, f"has {command}."
    yield from _piped(commands)
    yield from _sudo(commands, text)
    if changes:
        yield from _swallowed(commands, text)
        if not checked:
            yield from _unchecked(commands)


def _asks(command: Command, *, answered: bool, text: str) -> bool:
    if any("/dev/tty" in redirect and redirect.startswith(("<", "0<")) for redirect in command.redirects):
        return True
    if command.before == "|" or any(redirect.startswith("<") for redirect in command.redirects):
        return False  # it is answered
    words = command.arguments
    options = [word for word in words if word.startswith("-")]
    match command.name:
        case "apt-get" | "apt" | "yum" | "dnf" | "zypper":
            asks = not answered and _tool_asks(command)
        case "read":
            fed = command.depth or {"while", "until", "if", "!"} & set(command.lead) or any("u" in word for word in options)
            asks = not fed and any("p" in word for word in options)
        case "rm" | "cp" | "mv":
            asks = "i" in letters(command) and "f" not in letters(command)
        case "crontab":
            asks = "-e" in words
        case "dpkg-reconfigure":
            asks = not any(word.startswith(("-f", "--frontend", "-u")) for word in words) and "noninteractive" not in text
        case _:
            asks = command.name in _ASKING and not options
    return asks


def _tool_asks(command: Command) -> bool:
    verbs = _VERBS[command.name]
    at = next((at for at, word in enumerate(command.arguments) if word in verbs), None)
    if at is None or any(_ANSWERS.fullmatch(word) for word in command.arguments):
        return False
    return not any("$" in word for word in command.arguments[:at]) and not any(_UNSURE.search(word) for word in command.words)


def _restarts(command: Command) -> bool:
    words = command.arguments
    match command.name:
        case "reboot" | "halt" | "poweroff":
            return not any(word.startswith("-") and word not in ("-f", "-n", "--force") for word in words)
        case "shutdown":
            return "-c" not in words and any(word in ("-r", "-h", "-P", "-H", "now", "+0") or "r" in word[1:2] for word in words)
        case "init" | "telinit":
            return words[:1] in (("6",), ("0",))
        case "systemctl":
            return bool({"reboot", "poweroff", "kexec"} & set(words[:2]))
        case "exit":
            return words[:1] == ("194",)
    return False


def _piped(commands: Sequence[Command]) -> Found:
    fetched: Command | None = None
    for command in commands:
        if command.before != "|":
            fetched = None
        if fetched and (command.name in _SHELLS or re.fullmatch(r"python[\d.]*|perl", command.name)):
            script = [word for word in command.arguments if not word.startswith("-")]
            if not script or "-s" in command.arguments or script[0] == "/dev/stdin":
                yield fetched.line, rules.PIPED, f"runs what {fetched} sends."
                fetched = None
        if command.name in _FETCHES and not any("file://" in word for word in command.words):
            fetched = command
        given = command.name in ("eval", "source", ".") or (
            command.name in _SHELLS and ("-c" in command.words or len(command.words) == 2)
        )
        if given and any(_FETCHED.match(bare(word)) for word in command.words[1:]):
            yield command.line, rules.PIPED, f"has {command}."


def _sudo(commands: Sequence[Command], text: str) -> Found:
    if re.search(r"(?:command -v|which|type|hash)\s+sudo", text):
        return
    for command in commands:
        if "sudo" in command.lead and not {"-u", "-i", "-H", "-iu", "-Hu"} & set(command.lead):
            yield command.line, rules.SUDO, "calls sudo."
            return


def installs(command: Command) -> bool:
    """Whether a command installs software."""
    words = command.arguments
    match command.name:
        case "dpkg":
            return "-i" in words or "--install" in words
        case "rpm":
            verbs = {"--install", "--upgrade", "--freshen"} & set(words)
            short = [word for word in words if re.match(r"-[A-Za-z]", word)]
            return bool(verbs) or (any(word[1] in "iUF" for word in short) and "-q" not in words)
        case "apt-get" | "apt" | "yum" | "dnf" | "zypper" | "tdnf" | "microdnf":
            verbs = {"install", "localinstall", "in"} & set(words)
            return bool(verbs) and not {"-f", "--fix-broken"} & set(words)
        case "installer":
            return "-pkg" in words
    return False


def _brought(command: Command) -> bool:
    """Whether it installs what came in the zip: a file."""
    return command.name in ("dpkg", "rpm", "installer") or any(
        re.search(r"/|\.(?:deb|rpm)$", word) and not word.startswith("-") and "://" not in word for word in command.arguments
    )


def _gives_up(command: Command) -> bool:
    """Whether the script may end with a failure here, or mends what failed."""
    if command.name in ("exit", "return"):
        return command.arguments[:1] not in ((), ("0",))
    mends = command.name in _VERBS and bool({"-f", "--fix-broken", "-fy", "-yf"} & set(command.arguments))
    return mends or bool(re.fullmatch(r"(?i)\w*(?:die|fail|abort|err|error|fatal)\w*", command.name))


def _swallowed(commands: Sequence[Command], text: str) -> Found:
    only = sum(installs(command) for command in commands) == 1
    last = max((at for at, command in enumerate(commands) if _gives_up(command)), default=-1)
    piped = not re.search(r"pipefail|PIPESTATUS", text)
    for at in range(last if last > 0 else 0, len(commands) - 1):
        command, after = commands[at], commands[at + 1]
        if not installs(command) or not (only or _brought(command)):
            continue
        if command.after == "||" and _does_nothing(after) and after.after not in ("&&", "||"):
            yield command.line, rules.SWALLOWED, f"goes on when {command} fails."
        if command.after == "|" and piped and after.name in ("tee", "cat", "logger", "ts") and after.after in ("\n", ";"):
            yield command.line, rules.SWALLOWED, f"has the exit code of {after.name}, not of {command}."


def _does_nothing(command: Command) -> bool:
    return command.name in ("true", ":", "echo", "printf") or (command.name, command.arguments) == ("exit", ("0",))


def stops_at_errors(script: Script) -> bool:
    """Whether `set -e` stands anywhere, or something watches errors."""
    for command in script.commands:
        if command.name == "set" and (
            any(_SETS_ERREXIT.fullmatch(word) for word in command.arguments) or "errexit" in command.arguments
        ):
            return True
        if command.name == "trap":
            return True
    return False


def _unchecked(commands: Sequence[Command]) -> Found:
    """Without `set -e`, an installer that nobody looks at, and a last command that cannot fail."""
    last = commands[-1] if commands else None
    if last is None or last.depth or not _does_nothing(last):
        return
    if any(_gives_up(command) or any("$?" in word for word in (*command.words, *command.lead)) for command in commands):
        return
    for command in commands:
        looked_at = command.after not in ("\n", ";") or {"if", "elif", "while", "until", "!"} & set(command.lead)
        if installs(command) and not command.depth and not looked_at and command.before not in ("&&", "||"):
            yield command.line, rules.SWALLOWED, f"goes on when {command} fails: it ends with {last}, and has no 'set -e'."
            return


def expands_in(word: str) -> str:
    """What of a word sh replaces in place, commands left out: '' when a command stands in it."""
    grown = expanded(word)
    return "" if "$(" in grown or "`" in grown else grown
