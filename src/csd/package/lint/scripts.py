"""The checks of scripts: line ends, what is not sh, what asks, restarts, hides failures or tells secrets.

Rules: a check that is not sure says nothing. Comments and here-documents are not looked at.
"""

import re
from collections.abc import Iterator

from csd.package.lint import rules_script as rules
from csd.package.lint.rule import Finding, Rule

_SHELL = re.compile(r"/(da|a)?sh\b|\b(env )(da|a)?sh\b")
_HERE = re.compile(r"<<-?\s*(['\"]?)(\w+)\1")
# Each begins a command: at the line's start, or after what may stand before one.
_START = r"(?:^|[;&|({]\s*|\b(?:then|else|do|if|while|!|sudo|exec)\s+)\s*(?:\w+=\S*\s+)*"
_PACKAGE_TOOL = r"(?:apt-get|apt|yum|dnf)"
_LINES: tuple[tuple[Rule, re.Pattern[str], re.Pattern[str] | None], ...] = (
    (rules.ASKS, re.compile(_START + _PACKAGE_TOOL + r"\s+(?:\S+\s+)*?(?:install|remove|purge|upgrade)\b"),
     re.compile(r"\s-\w*[yq]\w*\b|\s--(?:assume-)?yes\b|--assumeyes|\$|--print-uris|--download-only")),
    (rules.ASKS, re.compile(_START + r"(?:passwd|less|more|vi|nano)\s+\S"), re.compile(r"passwd\s+(-\w*[ldSe]|--)")),
    (rules.REBOOTS, re.compile(_START + r"(?:reboot|(?:/sbin/)?shutdown\s+-r|init\s+6|systemctl\s+reboot|exit\s+194)\b"), None),
    (rules.PIPED, re.compile(_START + r"(?:curl|wget)\b[^|;]*\|\s*(?:sudo\s+)?(?:ba|da)?sh\b"), None),
    (rules.SWALLOWED, re.compile(
        _START + r"(?:(?:apt-get|apt|yum|dnf|zypper)\s+(?:\S+\s+)*?install|dpkg\s+(?:-i|--install)|rpm\s+-\w*[iU]\w*)\b"
        r".*\|\|\s*(?:true|:)\s*$"
    ), None),
)  # fmt: skip
_POWERSHELL = (
    (rules.REBOOTS, re.compile(r"\b(?:Restart-Computer)\b|^\s*exit\s+(?:194|3010)\b|\bshutdown(?:\.exe)?\s+/r", re.IGNORECASE), None),
)  # fmt: skip
_MSIEXEC = re.compile(r"\bmsiexec(?:\.exe)?\b", re.IGNORECASE)
_NO_REMOVAL = re.compile(r"^(?::|true|exit(\s+0)?|echo\b[^;&|>`$]*|set\s+-\w+|Write-(Host|Output)\b[^;|]*)$", re.IGNORECASE)


def script_findings(name: str, where: str, text: bytes) -> Iterator[Finding]:
    """What one script's own text shows."""
    decoded = text.decode("utf-8", "replace")
    lines = list(_commands(decoded, powershell=name.endswith(".ps1")))
    if name.endswith(".sh"):
        yield from _form(where, text)
        yield from _matches(where, lines, _LINES)
        yield from _traced(where, lines, decoded)
    else:
        yield from _matches(where, lines, _POWERSHELL)
        yield from _powershell(where, lines, decoded)
    if name.startswith("uninstall.") and all(_NO_REMOVAL.match(line.strip()) for _, line in lines):
        yield Finding(rules.NOTHING_REMOVED, where, "has no command that removes anything.")


def _form(where: str, text: bytes) -> Iterator[Finding]:
    if b"\r\n" in text.partition(b"\0")[0]:
        yield Finding(rules.CRLF, where, "has Windows line ends, which sh cannot read.")
    if text.startswith(b"\xef\xbb\xbf"):
        yield Finding(rules.BOM, where, "begins with a byte order mark, which sh takes for a part of the first command.")
    first = text.partition(b"\n")[0].decode("utf-8", "replace").rstrip("\r")
    if first.startswith("#!") and not _SHELL.search(first):
        yield Finding(rules.SHEBANG, f"{where}:1", f"begins with {first!r}, but the agent runs it with sh.")


def _commands(text: str, *, powershell: bool) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, without comments and here-documents; a line that goes on is one with its next."""
    waiting, kept, begun = "", "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.removeprefix("\ufeff")
        if waiting:
            waiting = "" if line.strip() == waiting else waiting
            continue
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        begun = begun or number
        joined = "`" if powershell else "\\"
        if line.endswith(joined):
            kept += line[:-1] + " "
            continue
        if not powershell and (here := _HERE.search(line)):
            waiting = here[2]
        yield begun, re.sub(r"\s#.*$", "", kept + line)
        kept, begun = "", 0


def _matches(
    where: str, lines: list[tuple[int, str]], table: tuple[tuple[Rule, re.Pattern[str], re.Pattern[str] | None], ...]
) -> Iterator[Finding]:
    for number, line in lines:
        for rule, bad, unless in table:
            if bad.search(line) and not (unless and unless.search(line)):
                yield Finding(rule, f"{where}:{number}", f"has {line.strip()[:80]!r}.")


def _traced(where: str, lines: list[tuple[int, str]], text: str) -> Iterator[Finding]:
    if "SSM_" not in text:
        return
    for number, line in lines:
        if re.match(r"\s*set\s+-\w*x", line):
            yield Finding(rules.TRACED, f"{where}:{number}", "prints every command with the values of its SSM_ parameters.")


def _powershell(where: str, lines: list[tuple[int, str]], text: str) -> Iterator[Finding]:
    if lines and not re.search(r"ErrorAction(Preference)?\s*=?\s*['\"]?Stop", text, re.IGNORECASE) and "exit" not in text.lower():
        yield Finding(rules.GOES_ON, where, "goes on after an error and says nothing of it in its exit code.")
    if _MSIEXEC.search(text):
        missing = [flag for flag, form in (("/qn", r"/q(n|uiet)?\b"), ("/norestart", r"/norestart|REBOOT=ReallySuppress"))
                   if not re.search(form, text, re.IGNORECASE)]  # fmt: skip
        if missing:
            yield Finding(rules.MSIEXEC, where, f"calls msiexec without {' and '.join(missing)}.")
