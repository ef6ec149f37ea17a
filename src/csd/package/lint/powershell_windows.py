"""What Windows PowerShell 5.1, which the agent runs on Windows, does not have or does in its own way.

Rules: as in powershell.py; a script that asks for its PowerShell's version or edition knows what it does, but for its grammar.
"""

import re
from collections.abc import Iterator, Sequence

from csd.package.lint import rules_script as rules
from csd.package.lint.powershell_reading import Found, Statement, read_powershell

_ANY = re.IGNORECASE
_VALUE = r"(?:\$[\w:.]{1,60}|[)\]])"
# AWS: amazon-ssm-agent, appconfig: PowerShellPluginCommandName is Windows PowerShell's powershell.exe.
_GRAMMAR = (
    ("&&", re.compile(r"(?<![`^&])&&(?!&)")),
    ("||", re.compile(r"(?<![`^|])\|\|(?!\|)")),
    ("??", re.compile(rf"{_VALUE}\s{{0,9}}\?\?=?\s")),
    ("? :", re.compile(r"^(?:return\b|[($])[^|?]{0,400}(?:(?<=[)\]])|\$[\w:.]{1,60})\s\?\s[^|?:]{1,200}\s:\s")),
    ("?.", re.compile(r"^\?(?:\.\w|\[)")),
)  # fmt: skip
_WEB = r"(?:Invoke-WebRequest|Invoke-RestMethod|iwr|irm)"
# Documented: What's new in PowerShell 6.0 to 7.0, and each cmdlet's own page.
_NEWER = tuple(
    re.compile(rf"(?:^|[|(=]\s{{0,9}}){form}", _ANY)
    for form in (
        r"(Remove-Service|Get-Error|Join-String|Get-Uptime|Remove-Alias|Start-ThreadJob|ConvertFrom-Markdown)(?![\w-])",
        r"(Test-Json)(?![\w-])",
        r"(?:ForEach-Object|foreach|%)\s[^|]{0,200}(-Parallel)\b",
        r"ConvertFrom-Json\s[^|]{0,200}(-AsHashtable|-NoEnumerate)\b",
        r"ConvertTo-Json\s[^|]{0,200}(-AsArray|-EnumsAsStrings)\b",
        r"(?:Get|Set|Add)-Content\s[^|]{0,200}(-AsByteStream)\b",
        r"[A-Z]\w{1,30}-\w{1,30}\s[^|]{0,200}(-Encoding\s{1,9}utf8(?:No)?BOM)\b",
        r"Split-Path\s[^|]{0,200}(-LeafBase|-Extension)\b",
        rf"{_WEB}\s[^|]{{0,200}}(-SkipCertificateCheck|-SkipHttpErrorCheck|-MaximumRetryCount|-RetryIntervalSec|-Authentication|-Form)\b",
    )
)
_JOINS_THREE = re.compile(r"\b(Join-Path)(?:\s{1,9}(?:\$[\w:.]{1,60}|\"\"|[\w.\\:]{1,60})){3}", _ANY)
_KNOWS = re.compile(r"PSVersionTable|PSEdition|Get-Command|#Requires", _ANY)


def windows_findings(statements: Sequence[Statement], every: str) -> Found:
    """`every`: the script with the scripts that it reads."""
    yield from _newer(statements, knows=bool(_KNOWS.search(every)))
    yield from _not_waited(statements, every)


def encoding_findings(data: bytes) -> Found:
    """A script that is UTF-8 and does not say so. What only comments have does no harm."""
    if data.isascii() or data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return
    try:
        statements = read_powershell(data.decode("utf-8"))
    except UnicodeDecodeError:
        return  # In a code page already; which one cannot be known.
    for statement in statements:
        if not statement.text.isascii():
            letter = next(one for one in statement.text if not one.isascii())
            yield statement.line, rules.NO_BOM, f"has {letter!r} in {statement}, and no byte order mark tells that it is UTF-8."
            return


def _newer(statements: Sequence[Statement], *, knows: bool) -> Found:
    for statement in statements:
        if "--%" in statement.code:
            continue
        for word in _newer_words(statement.code, knows=knows):
            yield statement.line, rules.NEWER, f"has {word} in {statement}."
            break


def _newer_words(code: str, *, knows: bool) -> Iterator[str]:
    for word, form in _GRAMMAR:
        if form.search(code):
            yield repr(word)
    if knows:
        return
    for form in _NEWER:
        if found := form.search(code):
            yield found[1]
    if _JOINS_THREE.search(code):
        yield "Join-Path of more than two parts"


_DIRECT = re.compile(r"^(?:&\s{0,9})?[\"']?(?:[\w:$\\.]{0,200}\\)?msiexec(?:\.exe)?[\"']?\s", _ANY)
_STARTED = re.compile(r"^(?:\$\w{1,60}\s{0,9}=\s{0,9})?\(?(?:Start-Process|saps)\s[^|]{0,200}msiexec", _ANY)
_WAITS = re.compile(r"Wait-Process|WaitForExit|Get-Process|Wait-Job", _ANY)


def _not_waited(statements: Sequence[Statement], every: str) -> Found:
    """PowerShell does not wait for a program with windows, as msiexec is, unless it reads its output."""
    if _WAITS.search(every):
        return
    for statement in statements:
        direct = _DIRECT.match(statement.text) and not re.search(r"[|>]", statement.code)
        started = _STARTED.match(statement.text) and not re.search(r"\s-W(?:a(?:it?)?)?\b|\s@\w", statement.code, _ANY)
        if direct or started:
            yield statement.line, rules.NOT_WAITED, f"has {statement}, and goes on before it has ended."
