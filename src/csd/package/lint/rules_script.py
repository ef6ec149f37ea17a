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
SYNTAX = Rule("CSD306", "error", "sh can read the script.", "Correct it: sh -n FILE.", _SH,
    "if true; then", "if true; then :; fi")  # fmt: skip
ASKS = Rule("CSD307", "warning", "A script asks nobody.", "Answer beforehand: -y, --non-interactive, -Confirm:$false.",
    _NOBODY, "apt-get install agent", "apt-get install -y agent")  # fmt: skip
REBOOTS = Rule("CSD308", "warning", "A script does not restart the node by itself.",
    "Leave it to a maintenance window, or let a parameter decide (SSM_REBOOT).",
    "A restart in a roll-out takes many nodes away at once; exit 194 (Windows: 3010) makes the agent itself restart the node.",
    "reboot", "echo 'restart needed'")  # fmt: skip
MSIEXEC = Rule("CSD309", "warning", "msiexec is quiet and does not restart.", "Add /qn and /norestart.", _NOBODY,
    "msiexec /i agent.msi", "msiexec /i agent.msi /qn /norestart")  # fmt: skip
NOTHING_REMOVED = Rule("CSD310", "error", "An uninstall script removes what was installed.", "Remove there what install makes.",
    "Uninstall is Success when the script exits 0: the node reports what is not so.", "exit 0", "dpkg --purge agent")  # fmt: skip
TRACED = Rule("CSD311", "warning", "A script does not trace its parameters.", "Take 'set -x' out, or say 'set +x' before.", _NOT_SHOWN,
    'set -x, then agent --token "$SSM_TOKEN"', 'agent --token "$SSM_TOKEN"')  # fmt: skip
PIPED = Rule("CSD312", "warning", "What the network sends is proved before it is run.", "Put it into the zip, or compare its sha256 first.",
    "The manifest's digests do not cover it.", "curl https://example.com/i.sh | sh", "sh ./i.sh")  # fmt: skip
SWALLOWED = Rule("CSD313", "error", "A failed install is a failure.",
    "Let its exit code decide: 'set -e' and no '|| true'; in PowerShell -PassThru and ExitCode.",
    "The exit code decides whether the node counts as installed.", "dpkg -i agent.deb || true", "dpkg -i agent.deb")  # fmt: skip
GOES_ON = Rule("CSD314", "warning", "A PowerShell script stops at its first error.",
    "Begin it with $ErrorActionPreference = 'Stop'.",
    "Else PowerShell goes on, and the script's code is that of what came last.",
    "Copy-Item a b", "$ErrorActionPreference = 'Stop'")  # fmt: skip
PRINTED = Rule("CSD315", "warning", "A script does not print secrets.", "Print that it was given, not what it is.", _NOT_SHOWN,
    'echo "token $SSM_TOKEN"', 'echo "token ${SSM_TOKEN:+was given}"')  # fmt: skip
PARAMETER = Rule("CSD316", "advice", "Parameters begin with SSM_.", "Let its name begin with SSM_, or set it in the script.",
    "amazon-ssm-agent: additionalArguments reach a script as variables, and 'keys need to start with \"SSM_\" prefix'.",
    '"${AGENT_TOKEN:?}"', '"${SSM_AGENT_TOKEN:?}"')  # fmt: skip
KEPT_INSIDE = Rule("CSD317", "warning", "What must stay does not live in the package's folder.",
    "Copy it to a folder of its own, /opt or /etc.",
    "amazon-ssm-agent, localpackages: the folder of a version is deleted after an upgrade and an uninstall.",
    'ln -s "$PWD/agent" /usr/bin/agent', "cp agent /usr/bin/agent")  # fmt: skip
SHEBANG_OPTIONS = Rule("CSD318", "warning", "Options of sh are set by 'set', not in the first line.", "Say 'set -e' in a line of its own.",
    _SH, "#!/bin/sh -e", "#!/bin/sh, then set -e")  # fmt: skip
SUDO = Rule("CSD319", "advice", "A script needs no sudo.", "Take it away.",
    "The agent runs scripts as root; a small system has no sudo, and then the script fails.", "sudo dpkg -i agent.deb",
    "dpkg -i agent.deb")  # fmt: skip
UNJUDGED = Rule("CSD320", "advice", "A script can be judged.", "Keep the scripts short; put what is large beside them.",
    "csd's own bounds for what strangers send.",
    "an installer of 5 MB called install.sh", "install.sh, and agent.run beside it")  # fmt: skip
NEWER = Rule("CSD321", "error", "A PowerShell script needs nothing newer than Windows PowerShell 5.1.", "Write it for 5.1: if and else.",
    "amazon-ssm-agent runs powershell.exe, which is 5.1; of a script with newer grammar it runs nothing at all.",
    "$token = $env:SSM_TOKEN ?? 'none'", "if (-not $token) { $token = 'none' }")  # fmt: skip
NO_BOM = Rule("CSD322", "warning", "A PowerShell script is plain ASCII, or says that it is UTF-8.",
    "Keep to ASCII, or save it as UTF-8 with BOM.",
    "about_Character_Encoding: Windows PowerShell reads a script without BOM in the system's code page, where a part of a dash is a quote.",
    "Write-Output 'installed \u2013 restart'", "Write-Output 'installed - restart'")  # fmt: skip
NOT_WAITED = Rule("CSD323", "warning", "A script waits for msiexec.", "Start-Process -Wait -PassThru, and look at its ExitCode.",
    "PowerShell does not wait for programs with windows: the script ends, and the node reports Success, before anything is installed.",
    "& msiexec.exe /i agent.msi /qn /norestart", "$p = Start-Process msiexec.exe -ArgumentList $all -Wait -PassThru")  # fmt: skip

SCRIPT_RULES = (CRLF, BOM, SHEBANG, BASHISM, BASHISM_ELSEWHERE, SYNTAX, ASKS, REBOOTS, MSIEXEC, NOTHING_REMOVED, TRACED, PIPED,
    SWALLOWED, GOES_ON, PRINTED, PARAMETER, KEPT_INSIDE, SHEBANG_OPTIONS, SUDO, UNJUDGED, NEWER, NO_BOM, NOT_WAITED)  # fmt: skip
