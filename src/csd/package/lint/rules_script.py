"""Rules about the scripts (3xx)."""

from csd.package.lint.rule import Rule

_SH = "amazon-ssm-agent, ssminstaller: the agent runs 'sh install.sh', whatever the first line says; on Debian and Ubuntu that is dash."
_NOBODY = "The agent runs scripts without a terminal; a question is never answered, and the run ends at its time limit or fails."
_NOT_SHOWN = "Output of scripts is kept by Run Command and may go to S3 and CloudWatch."

CRLF = Rule("CSD301", "error", "A shell script has plain line feeds.", "Save it with plain line feeds (dos2unix).", _SH,
    "#!/bin/sh\\r\\n", "#!/bin/sh\\n")  # fmt: skip
BOM = Rule("CSD302", "warning", "A shell script begins without a byte order mark.", "Save it as UTF-8 without BOM.", _SH,
    "\\xef\\xbb\\xbf#!/bin/sh", "#!/bin/sh")  # fmt: skip
SHEBANG = Rule("CSD303", "warning", "A script's first line tells what runs it: sh.", "Write it for sh, and begin it with #!/bin/sh.",
    _SH, "#!/bin/bash", "#!/bin/sh")  # fmt: skip
BASHISM = Rule("CSD304", "error", "A script that dash may run has no bash in it.", "Write it for sh.", _SH,
    "if [[ $a == b ]]; then", 'if [ "$a" = b ]; then')  # fmt: skip
BASHISM_ELSEWHERE = Rule("CSD305", "warning", "A script has no bash in it.", "Write it for sh.",
    f"{_SH} On the platforms of this zip sh is mostly bash, so that it works until the zip serves others.",
    "source ./lib.sh", ". ./lib.sh")  # fmt: skip
SYNTAX = Rule("CSD306", "error", "sh can read the script.", "Correct it: sh -n FILE.", _SH, "if true; then",
    "if true; then :; fi")  # fmt: skip
ASKS = Rule("CSD307", "warning", "A script asks nobody.", "Say yes beforehand (-y, --non-interactive, DEBIAN_FRONTEND=noninteractive).",
    _NOBODY, "apt-get install agent", "apt-get install -y agent")  # fmt: skip
REBOOTS = Rule("CSD308", "warning", "A script does not restart the node by itself.", "Leave restarts to a maintenance window.",
    "A restart in a roll-out takes many nodes away at once; exit 194 makes the agent itself restart the node.",
    "reboot", "echo 'restart needed'")  # fmt: skip
MSIEXEC = Rule("CSD309", "warning", "msiexec is quiet and does not restart.", "Add /qn and /norestart.", _NOBODY,
    "msiexec /i agent.msi", "msiexec /i agent.msi /qn /norestart")  # fmt: skip
NOTHING_REMOVED = Rule("CSD310", "warning", "An uninstall script removes what was installed.", "Remove there what install makes.",
    "Uninstall is Success when the script exits 0: the node reports what is not so.", "exit 0", "dpkg --purge agent")  # fmt: skip
TRACED = Rule("CSD311", "warning", "A script does not print its parameters.", "Take 'set -x' out.", _NOT_SHOWN,
    "set -x, with $SSM_TOKEN", "no set -x")  # fmt: skip
PIPED = Rule("CSD312", "warning", "What the network sends is proved before it is run.", "Put it into the zip, or compare its sha256 first.",
    "The manifest's digests do not cover it.", "curl https://example.com/i.sh | sh", "sh ./i.sh")  # fmt: skip
SWALLOWED = Rule("CSD313", "warning", "A failed install is a failure.", "Take '|| true' away, or name the codes that are no failure.",
    "The exit code decides whether the node counts as installed.", "dpkg -i agent.deb || true", "dpkg -i agent.deb")  # fmt: skip
GOES_ON = Rule("CSD314", "warning", "A PowerShell script stops at its first error.", "Begin it with $ErrorActionPreference = 'Stop'.",
    "Else PowerShell goes on, and the script's code is that of what came last.", "Copy-Item a b",
    "$ErrorActionPreference = 'Stop'")  # fmt: skip

SCRIPT_RULES = (CRLF, BOM, SHEBANG, BASHISM, BASHISM_ELSEWHERE, SYNTAX, ASKS, REBOOTS, MSIEXEC, NOTHING_REMOVED, TRACED, PIPED,
    SWALLOWED, GOES_ON)  # fmt: skip
