"""The checks of a PowerShell script: what its statements show.

Rules: a check that is not sure says nothing.
"""

import re
from collections.abc import Sequence

from csd.package.lint import rules_script as rules
from csd.package.lint.powershell_reading import Found, Statement, read_powershell
from csd.package.lint.powershell_windows import windows_findings
from csd.package.lint.sh_values import is_secret

_CALLS_MAX = 20
_ANY = re.IGNORECASE


def powershell_findings(text: str, *, changes: bool, sourced: Sequence[str], whole: bool) -> Found:
    """What one script shows. `sourced`: the scripts that it reads; `whole`: all of them are known."""
    statements = read_powershell(text)
    every = "\n".join((text, *sourced))
    yield from _asks(statements)
    if not re.search(r"SSM_\w{0,60}(?:REBOOT|RESTART)", every):
        yield from _restarts(statements)
    yield from _msiexec(statements, every)
    yield from windows_findings(statements, every)
    yield from _secrets(statements)
    for statement in statements:
        if re.search(r"\b(?:iex|Invoke-Expression)\b", statement.code, _ANY) and re.search(
            r"\b(?:DownloadString|Invoke-WebRequest|Invoke-RestMethod|iwr|irm|curl|wget)\b", statement.code, _ANY
        ):
            yield statement.line, rules.PIPED, f"has {statement}."
    if changes and whole:
        yield from _goes_on(statements, every)


def _asks(statements: Sequence[Statement]) -> Found:
    for statement in statements:
        asked = re.search(
            r"^(?:[$\w:]+\s*=\s*)?(?:\[\w+\])?\(?(Read-Host|Get-Credential)\b(?!.*\s-Credential)", statement.code, _ANY
        )
        asked = asked or re.search(r"^(?:pause$|\[(?:System\.)?Console\]::Read)", statement.code, _ANY)
        if asked or re.search(r"^[A-Z]\w*-\w.*\s-Confirm(?:\s|$)", statement.code, _ANY):
            yield statement.line, rules.ASKS, f"has {statement}, which asks."


def _restarts(statements: Sequence[Statement]) -> Found:
    for statement in statements:
        restart = re.search(r"^(?:Restart|Stop)-Computer\b(?!.*-WhatIf)|^exit\s+3010$", statement.code, _ANY)
        if restart or re.search(r"^&?\s*(?:\S*\\)?shutdown(?:\.exe)?\s.*[-/][rsg]\b", statement.code, _ANY):
            yield statement.line, rules.REBOOTS, f"has {statement}."


_CALLS = re.compile(
    r"^(?:\$\w+\s*=\s*)?\(?(?:&\s*|cmd(?:\.exe)?\s+/c\s+[\"']?|(?:Start-Process|saps|start)\s+(?:-(?:Wait|PassThru|NoNewWindow)\s+)*(?:-FilePath\s+)?)?"
    r"[\"']?(?:[\w:$\\{}.]*\\)?msiexec(?:\.exe)?[\"']?(?=\s|$)", _ANY)  # fmt: skip
_FLAGS = (("/qn", r"(?<!\w)[-/](?:q(?:n|b|uiet)?|passive)(?![a-z])"), ("/norestart", r"[-/]norestart\b|\bREBOOT=\W?R"))


def _msiexec(statements: Sequence[Statement], every: str) -> Found:
    calls = [statement for statement in statements if _CALLS.search(statement.text)][:_CALLS_MAX]
    elsewhere = every
    for call in calls:
        elsewhere = elsewhere.replace(call.text, "")
    for call in calls:
        acts = re.search(r"(?<!\w)[-/](?:i|x|p|package|uninstall|update|a|f\w*)(?![a-z])", call.text, _ANY)
        given = re.findall(r"[$@](\w+)", _CALLS.sub("", call.text))
        unknown = given and not acts and not any(re.search(rf"\${name}\s*\+?=", every, _ANY) for name in given)
        if unknown or not (acts or given):
            continue
        missing = [
            flag for flag, form in _FLAGS
            if not re.search(form, call.text, _ANY) and not (given and re.search(form, elsewhere, _ANY))
        ]  # fmt: skip
        if missing:
            yield call.line, rules.MSIEXEC, f"has {call}, without {' and '.join(missing)}."


def _secrets(statements: Sequence[Statement]) -> Found:
    traced = next((one for one in statements if re.match(r"Set-PSDebug\s+-Trace\s+2", one.code, _ANY)), None)
    for statement in statements:
        text = re.sub(r"'[^']*'", "", statement.text)
        names = re.findall(r"\$\{?env:(SSM_\w+)", text, _ANY)
        if traced and names and statement.line > traced.line:
            yield (
                traced.line,
                rules.TRACED,
                f"traces every command, and so prints the value of {names[0]} in line {statement.line}.",
            )
            traced = None
        if not re.match(r"(?:Write-(?:Host|Output|Warning|Verbose|Information)|echo)\b", text, _ANY) or re.search(
            r"[|>]|\$\(|-replace", text
        ):
            continue
        for name in sorted({name for name in names if is_secret(name)}):
            if not re.search(rf"\$\{{?env:{name}\}}?\.", text, _ANY):
                yield statement.line, rules.PRINTED, f"prints {name}."


def _goes_on(statements: Sequence[Statement], every: str) -> Found:
    """Nothing stops the script when a command fails; a started program's code is not looked at."""
    code = "\n".join(statement.code for statement in read_powershell(every))
    handled = re.search(r"\b(?:throw|trap)\b|\bexit\s+[^0\s]", code, _ANY)
    if not handled and not re.search(r"ErrorAction(?:Preference)?\b[\s=:]{0,9}['\"]?Stop", every, _ANY):
        acts = next(
            (one for one in statements if re.match(r"(?!Write-|Get-|Test-|Set-StrictMode)[A-Z]\w{1,30}-\w", one.code, _ANY)), None
        )
        if acts:
            yield acts.line, rules.GOES_ON, f"goes on when {acts} fails."
    if re.search(r"ExitCode|\$\?", every, _ANY) or handled:
        return
    for statement in statements:
        if re.match(r"(?:Start-Process|saps)\b", statement.code, _ANY) and re.search(
            r"msiexec|\.msi\b|setup\S{0,40}\.exe|install\S{0,40}\.exe", statement.text, _ANY
        ):
            yield statement.line, rules.SWALLOWED, f"goes on when {statement} fails: Start-Process keeps the exit code to itself."
