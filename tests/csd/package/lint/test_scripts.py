"""What the rules of scripts find, and what they leave alone: a row each, with the exact words."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csd.package.lint.rule import Finding
from csd.package.lint.rules_script import SCRIPT_RULES
from csd.package.lint.scripts import SCRIPT_BYTES_MAX, script_findings
from csd.package.lint.sh_commands import read_script

EXAMPLES = Path(__file__).parents[4] / "examples" / "packages"
LIB = b"set -e\nfail() { exit 1; }\n"


def told(name: str, text: str | bytes, **beside: str) -> list[str]:
    """'RULE place found' of each finding."""
    data = text if isinstance(text, bytes) else text.encode()
    folder = {file.replace("_", "."): content.encode() for file, content in beside.items()}
    return [f"{one.rule.id} {one.where} {one.found}" for one in script_findings(name, name, data, folder)]


CRLF = "has Windows line ends, which sh takes for a part of each line's last word."
KEEPS = "Start-Process keeps the exit code to itself."
BAD: tuple[tuple[str, str | bytes, str], ...] = (
    ("install.sh", b"#!/bin/sh\r\ncp a /opt\r\n", f"CSD301 install.sh:1 {CRLF}"),
    ("install.sh", b"#!/bin/sh\ncp a /opt\r\n", f"CSD301 install.sh:2 {CRLF}"),
    ("install.sh", b"\xef\xbb\xbf#!/bin/sh\n",
     "CSD302 install.sh:1 begins with a byte order mark, which sh takes for a part of the first command."),
    ("install.sh", "#!/bin/bash\n", "CSD303 install.sh:1 begins with '#!/bin/bash', but the agent runs it with sh."),
    ("install.sh", "#!/usr/bin/env python3\n", "CSD303 install.sh:1 begins with '#!/usr/bin/env python3', but the agent runs it with sh."),
    ("install.sh", "ls\n".encode("utf-16"), "CSD306 install.sh:1 cannot be read: it is written in UTF-16."),
    ("install.sh", "set -e\nsudo -n apt-get -q install agent\n", "CSD307 install.sh:2 has 'apt-get -q install agent', which asks."),
    ("uninstall.sh", "yum remove agent", "CSD307 uninstall.sh:1 has 'yum remove agent', which asks."),
    ("install.sh", "if ! zypper install ./a.rpm; then exit 1; fi", "CSD307 install.sh:1 has 'zypper install ./a.rpm', which asks."),
    ("install.sh", "read -p 'Token: ' token", "CSD307 install.sh:1 has \"read -p 'Token: ' token\", which asks."),
    ("install.sh", "read token </dev/tty", "CSD307 install.sh:1 has 'read token </dev/tty', which asks."),
    ("install.sh", "useradd agent && passwd agent", "CSD307 install.sh:1 has 'passwd agent', which asks."),
    ("install.ps1", "$token = Read-Host 'Token'\nexit 0", "CSD307 install.ps1:1 has \"$token = Read-Host 'Token'\", which asks."),
    ("install.ps1", "Remove-Item C:\\x -Confirm\nexit 1", "CSD307 install.ps1:1 has 'Remove-Item C:\\\\x -Confirm', which asks."),
    ("install.sh", "echo done\n/sbin/reboot", "CSD308 install.sh:2 has '/sbin/reboot'."),
    ("install.sh", "shutdown -r +1", "CSD308 install.sh:1 has 'shutdown -r +1'."),
    ("install.sh", "[ -f /run/reboot ] && exit 194", "CSD308 install.sh:1 has 'exit 194'."),
    ("install.sh", "systemctl reboot", "CSD308 install.sh:1 has 'systemctl reboot'."),
    ("install.ps1", "if ($code -eq 3010) { Restart-Computer -Force }\nexit 1", "CSD308 install.ps1:1 has 'Restart-Computer -Force'."),
    ("install.ps1", "exit 3010", "CSD308 install.ps1:1 has 'exit 3010'."),
    ("install.ps1", "msiexec /i agent.msi\nexit 1", "CSD309 install.ps1:1 has 'msiexec /i agent.msi', without /qn and /norestart."),
    ("install.ps1", "$p = Start-Process -FilePath msiexec.exe -ArgumentList '/i a.msi /qn' -Wait -PassThru\nexit $p.ExitCode",
     "CSD309 install.ps1:1 has \"$p = Start-Process -FilePath msiexec.exe -ArgumentList '/i a.msi /qn' -Wait -...\", without /norestart."),
    ("install.ps1", "$a = @('/i',\n 'a.msi')\n$p = Start-Process msiexec -ArgumentList $a -Wait -PassThru\nexit $p.ExitCode",
     "CSD309 install.ps1:3 has '$p = Start-Process msiexec -ArgumentList $a -Wait -PassThru', without /qn and /norestart."),
    ("uninstall.sh", "#!/bin/sh\nset -e\necho bye\nexit 0\n", "CSD310 uninstall.sh has no command that removes anything."),
    ("uninstall.ps1", "Write-Host 'bye'\nexit 0\n", "CSD310 uninstall.ps1 has no command that removes anything."),
    ("install.sh", 'set -eux\nagent --token "$SSM_TOKEN"',
     "CSD311 install.sh:1 traces every command, and so prints the value of SSM_TOKEN in line 2."),
    ("install.sh", "curl -sSL https://example.com/i.sh | sudo bash -s -- --yes",
     "CSD312 install.sh:1 runs what 'curl -sSL https://example.com/i.sh' sends."),
    ("install.sh", 'sh -c "$(curl -fsSL https://example.com/i.sh)"',
     "CSD312 install.sh:1 has 'sh -c \"$(curl -fsSL https://example.com/i.sh)\"'."),
    ("install.ps1", "iex (iwr https://example.com/i.ps1)\nexit 1", "CSD312 install.ps1:1 has 'iex (iwr https://example.com/i.ps1)'."),
    ("install.sh", "set -e\ndpkg -i agent.deb || true\nsystemctl start agent",
     "CSD313 install.sh:2 goes on when 'dpkg -i agent.deb' fails."),
    ("install.sh", "set -e\nrpm -Uvh agent.rpm 2>&1 | tee /var/log/agent.log\n",
     "CSD313 install.sh:2 has the exit code of tee, not of 'rpm -Uvh agent.rpm 2>&1'."),
    ("install.sh", "dpkg -i agent.deb\necho installed\n",
     "CSD313 install.sh:1 goes on when 'dpkg -i agent.deb' fails: it ends with 'echo installed', and has no 'set -e'."),
    ("install.ps1", "$ErrorActionPreference = 'Stop'\nStart-Process -Wait .\\setup.exe -ArgumentList '/S'",
     f"CSD313 install.ps1:2 goes on when \"Start-Process -Wait .\\\\setup.exe -ArgumentList '/S'\" fails: {KEEPS}"),
    ("install.ps1", "Copy-Item agent.exe C:\\agent", "CSD314 install.ps1:1 goes on when 'Copy-Item agent.exe C:\\\\agent' fails."),
    ("install.sh", 'echo "token: $SSM_AGENT_TOKEN"', "CSD315 install.sh:1 prints SSM_AGENT_TOKEN."),
    ("install.sh", "env\nagent --key ${SSM_KEY}", "CSD315 install.sh:1 prints all variables with 'env'."),
    ("install.ps1", 'Write-Host "key $env:SSM_KEY"\nexit 1', "CSD315 install.ps1:1 prints SSM_KEY."),
    ("install.sh", 'agent --token "${AGENT_TOKEN:?}"',
     "CSD316 install.sh:1 needs AGENT_TOKEN, which it does not set and the agent does not give."),
    ("install.sh", 'ln -s "$PWD/agent" /usr/bin/agent',
     "CSD317 install.sh:1 has 'ln -s \"$PWD/agent\" /usr/bin/agent': the agent deletes what the link leads to."),
    ("install.sh", "cp a /var/lib/amazon/ssm/packages/x/a",
     "CSD317 install.sh:1 has 'cp a /var/lib/amazon/ssm/packages/x/a': the agent deletes that folder."),
    ("install.sh", "cat >/etc/systemd/system/a.service <<EOF\n[Service]\nExecStart=$(pwd)/agent\nEOF\n",
     "CSD317 install.sh:2 writes a unit whose program stands in the package's folder, which the agent deletes."),
    ("install.sh", "#!/bin/sh -e\ncp a /opt\n",
     "CSD318 install.sh:1 begins with '#!/bin/sh -e', but the agent runs 'sh install.sh': -e is not set."),
    ("install.sh", "set -e\nsudo cp a /opt\n", "CSD319 install.sh:2 calls sudo."),
    ("install.sh", b"#!/bin/sh\n" + b": x\n" * 70000, "CSD320 install.sh has more than 262,144 bytes; such a one is not looked at."),
    ("install.ps1", "$t = $env:SSM_T ?? 'x'\nexit 1", "CSD321 install.ps1:1 has '??' in \"$t = $env:SSM_T ?? 'x'\"."),
    ("install.ps1", "$t ??= 'x'\nexit 1", "CSD321 install.ps1:1 has '??' in \"$t ??= 'x'\"."),
    ("install.ps1", "exit 1\n.\\a.exe /S && .\\b.exe", "CSD321 install.ps1:2 has '&&' in '.\\\\a.exe /S && .\\\\b.exe'."),
    ("install.ps1", "Copy-Item a b || exit 1", "CSD321 install.ps1:1 has '||' in 'Copy-Item a b || exit 1'."),
    ("install.ps1", "$m = ($a -eq 1) ? 'x' : 'y'\nexit 1", "CSD321 install.ps1:1 has '? :' in \"$m = ($a -eq 1) ? 'x' : 'y'\"."),
    ("install.ps1", "$m = $a ? $b : $c\nexit 1", "CSD321 install.ps1:1 has '? :' in '$m = $a ? $b : $c'."),
    ("install.ps1", "$n = ${a}?.Length\nexit 1", "CSD321 install.ps1:1 has '?.' in '?.Length'."),
    ("uninstall.ps1", "Remove-Service agent\nexit 1", "CSD321 uninstall.ps1:1 has Remove-Service in 'Remove-Service agent'."),
    ("install.ps1", "$p = Join-Path $env:ProgramFiles 'Vendor' 'Agent'\nexit 1",
     "CSD321 install.ps1:1 has Join-Path of more than two parts in \"$p = Join-Path $env:ProgramFiles 'Vendor' 'Agent'\"."),
    ("install.ps1", "$all | ForEach-Object -Parallel { Copy-Item $_ b }\nexit 1",
     "CSD321 install.ps1:1 has -Parallel in '$all | ForEach-Object -Parallel'."),
    ("install.ps1", "Set-Content c.json $x -Encoding utf8NoBOM\nexit 1",
     "CSD321 install.ps1:1 has -Encoding utf8NoBOM in 'Set-Content c.json $x -Encoding utf8NoBOM'."),
    ("install.ps1", "exit 1 # \u2013\nWrite-Host 'done \u2013 restart'",
     "CSD322 install.ps1:2 has '\u2013' in \"Write-Host 'done \u2013 restart'\", and no byte order mark tells that it is UTF-8."),
    ("install.ps1", "& msiexec.exe /i a.msi /qn /norestart\nexit $LASTEXITCODE",
     "CSD323 install.ps1:1 has '& msiexec.exe /i a.msi /qn /norestart', and goes on before it has ended."),
    ("install.ps1", "$p = saps msiexec '/i a.msi /qn /norestart' -PassThru\nexit $p.ExitCode",
     "CSD323 install.ps1:1 has \"$p = saps msiexec '/i a.msi /qn /norestart' -PassThru\", and goes on before it has ended."),
)  # fmt: skip

# What looks like a fault and is none: a comment, a word in a sentence, an answer given, a case pattern, a choice of the operator's.
GOOD: tuple[tuple[str, str | bytes], ...] = (
    ("install.sh", "#!/bin/sh\nset -eu\ncp a /opt\n"),
    ("install.sh", "#! /usr/bin/env sh\n:\n"),
    ("lib.sh", "#!/bin/bash\n:\n"),
    ("install.sh", "apt-get install -y agent; apt-get -qq install a; yum -y install a; apt-get update; apt-get $OPTIONS install a"),
    ("install.sh", "yes | apt-get install agent; apt-get -o APT::Get::Assume-Yes=true install a"),
    ("install.sh", "# apt-get install agent\necho 'run: apt-get install agent; reboot'\ncat <<EOF\nreboot\npasswd root\nEOF\n"),
    ("install.sh", "while read -r line; do echo \"$line\"; done <list; echo x | read -p y z; passwd -l agent; echo a:b | passwd root"),
    ("install.sh", 'case "$1" in\n  reboot | halt) echo no ;;\n  (exit) : ;;\nesac\nreboot() { :; }\nreboot'),
    ("install.sh", 'if [ "${SSM_REBOOT:-no}" = yes ]; then reboot; fi; shutdown -c; systemctl restart agent'),
    ("install.ps1", "$o = Start-Process msiexec -ArgumentList '/i', 'a.msi', '/qn', '/norestart' -Wait -PassThru\nexit $o.ExitCode"),
    ("install.ps1", "# msiexec /i a.msi\nWrite-Host 'msiexec /i a.msi'\nGet-Process msiexec\nexit $LASTEXITCODE"),
    ("install.ps1", "$a = '/i', 'a.msi',\n  '/quiet', '/norestart'\n$p = Start-Process msiexec.exe $a -Wait -PassThru\nexit $p.ExitCode"),
    ("uninstall.sh", "rm -rf /opt/agent"),
    ("uninstall.sh", ". ./lib.sh\necho bye"),
    ("uninstall.ps1", "$ErrorActionPreference = 'Stop'\nRemove-Item -Recurse C:\\agent"),
    ("install.sh", 'set -x; cp a b; set +x; agent --token "$SSM_TOKEN"'),
    ("install.sh", "curl -fsSO https://example.com/a.sh; sha256sum -c sums || exit 1; sh a.sh; curl x | tar x; curl x | sh ./filter.sh"),
    ("install.sh", "dpkg -i agent.deb || true\napt-get -y -f install\n"),
    ("install.sh", "yum install -y jq || true; rpm -U agent.rpm || exit 1; systemctl stop agent || true"),
    ("install.sh", "dpkg -i agent.deb\nif [ $? -ne 0 ]; then exit 1; fi\necho installed"),
    ("install.sh", "dpkg -i agent.deb && echo installed"),
    ("install.sh", ". /opt/lib.sh\ndpkg -i agent.deb\necho installed"),
    ("install.ps1", ". .\\lib.ps1\nCopy-Item a b"),
    ("install.ps1", "try { Copy-Item a b -ErrorAction Stop } catch { exit 1 }"),
    ("install.sh", 'echo "$SSM_TOKEN" >/etc/t; echo "$SSM_KEY" | agent; echo "${SSM_TOKEN:+given} $SSM_TOKEN_PARAMETER \\$SSM_KEY"'),
    ("install.sh", "echo '$SSM_TOKEN' \"$(echo \"$SSM_TOKEN\" | sha256sum)\" ${#SSM_TOKEN}"),
    ("install.ps1", "Write-Host '$env:SSM_KEY' \"key of $($env:SSM_KEY.Length) letters, $env:SSM_GREETING\"\nexit 1"),
    ("install.sh", 'AGENT_TOKEN=x; echo "${AGENT_TOKEN:?}" "${HOME:?}" "${BWS_REGION:?}" "${SSM_A:?}"'),
    ("install.sh", '. /etc/os-release\necho "${VERSION_ID:?}"'),
    ("install.sh", "ls /var/lib/amazon/ssm/packages/; ln -s /opt/a/agent /usr/bin/agent; cp agent /usr/bin"),
    ("install.sh", "#!/bin/sh -e\nset -e\n:\n"),
    ("install.sh", "if command -v sudo; then sudo -u agent agent init; fi"),
    ("install.ps1", "Get-ChildItem | ? { $_.Length } | ? Name -eq ??.txt\n$a | % { $_ }\ncmd /c --% a && b\ncmd /c 'a && b || c'\nexit 1"),
    ("install.ps1", "if ($PSVersionTable.PSVersion.Major -ge 7) { Remove-Service a } else { sc.exe delete a }\nexit 1"),
    ("install.ps1", "Join-Path $a 'b'\nJoin-Path -Path $a -ChildPath b\n$x = 'a ?? b', \"b ? c : d\"\ncmd /c a `&`& b\nexit 1"),
    ("install.ps1", "# \u2013\n<# \u00e9 #>\nexit 1"),
    ("install.ps1", "\ufeffWrite-Host '\u2013'\nexit 1"),
    ("install.ps1", "Write-Host '\u00e9'\nexit 1".encode("cp1252")),
    ("install.ps1", "msiexec /i a.msi /qn /norestart | Out-Null\nexit $LASTEXITCODE"),
    ("install.ps1", "$p = Start-Process msiexec '/i a.msi /qn /norestart' -PassThru\n$p.WaitForExit()\nexit $p.ExitCode"),
    ("install.sh", b"#!/bin/sh\ntail -n +4 \"$0\" | tar xz -C /opt\nexit 0\n" + b"\x1f\x8b\r\n\x00" * 100000),
)  # fmt: skip


@pytest.mark.parametrize(("name", "text", "wanted"), BAD)
def test_what_is_wrong_is_told(name: str, text: str | bytes, wanted: str) -> None:
    """A fault is told once, with its place and what was found there."""
    assert [one for one in told(name, text) if one.startswith(wanted.split(maxsplit=1)[0])] == [wanted]


@pytest.mark.parametrize(("name", "text"), GOOD)
def test_what_is_right_is_left_alone(name: str, text: str | bytes) -> None:
    """A script that only looks like a faulty one is not accused."""
    assert told(name, text) == []


def test_what_stands_beside_a_script_counts() -> None:
    """A script that is read by another may set what it needs, and install tells whether stopping a service suffices."""
    assert told("install.sh", ". ./lib.sh\ndpkg -i a.deb\necho ok", lib_sh="set -e") == []
    unchecked = "CSD313 install.sh:2 goes on when 'dpkg -i a.deb' fails: it ends with 'echo ok', and has no 'set -e'."
    assert told("install.sh", ". ./lib.sh\ndpkg -i a.deb\necho ok", lib_sh="A=1") == [unchecked]
    stops = "CSD310 uninstall.sh stops what install.sh installs, and removes none of it."
    assert told("uninstall.sh", "systemctl disable --now agent", install_sh="dpkg -i agent.deb") == [stops]
    assert told("uninstall.sh", "systemctl disable --now agent", install_sh="systemctl enable --now agent") == []
    assert told("install.ps1", ". .\\lib.ps1\nCopy-Item a b", lib_ps1="$ErrorActionPreference = 'Stop'") == []


def recipes() -> Iterator[Path]:
    for ending in ("*.sh", "*.ps1"):
        yield from sorted(EXAMPLES.rglob(ending))


@pytest.mark.parametrize("path", recipes(), ids=lambda path: str(path.relative_to(EXAMPLES)))
def test_the_recipes_are_left_alone(path: Path) -> None:
    """No script of the recipes is accused of anything."""
    beside = {one.name: one.read_bytes() for one in path.parent.iterdir() if one.is_file()}
    assert list(script_findings(path.name, path.name, path.read_bytes(), beside)) == []


def test_rules_of_scripts_have_their_rows() -> None:
    """Each rule has a row above; what shellcheck tells has its rows in test_shellcheck."""
    assert {row[2].split()[0] for row in BAD} | {"CSD304", "CSD305"} == {rule.id for rule in SCRIPT_RULES}


PIECES = st.sampled_from(
    ["$(", "${", "`", '"', "'", "\\", "\n", "(", ")", "case x in ", "esac", ";;", "|", "||", "&&", "<<A\n", "A\n", " ", "{", "}", "#",
     "sudo ", "-u", "apt-get install", "set -x", "$SSM_TOKEN", "msiexec /i ", "Start-Process ", "@'\n", "'@", "<#", "\x00", "é",
     "exit 0\n", "="]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["install.sh", "uninstall.sh", "update.ps1"]),
    st.one_of(st.binary(max_size=300), st.lists(PIECES).map("".join)),
)
def test_any_bytes_are_judged(name: str, text: bytes | str) -> None:
    """No bytes make a check raise; each finding is one of a rule's."""
    data = text if isinstance(text, bytes) else text.encode()
    assert all(isinstance(one, Finding) for one in script_findings(name, name, data, {"lib.sh": data}))


LONG = ("$(", '`"', '"$(', "case x in ", "<<A ", "(", "x(", "sudo ", "A=b ", "'", '"\\', "do ", "a|", "SSM_", "reboot\n", "__a", "exit\n",
        "dpkg -i a.deb || true\n", "set -x $SSM_A\n", "${A:?", "export ", "read ", "for ", '""', "`", "@'\n", "<#", "$a=", ",\n",
        "msiexec $a\n",
        "?? ", " ? ", "$a ", ": ", "&& ", "Join-Path ", "ForEach-Object ", "Set-Content ", "&  ",
        "$env:SSM_KEY ", "Write-Host ", "-Confirm ", "setup", "| ", "apt-get install x\n", ". ./lib.sh\n", "\r\n", "é")  # fmt: skip


@pytest.mark.soak
@pytest.mark.parametrize(("name", "piece"), itertools.product(("install.sh", "install.ps1"), LONG))
def test_long_lines_are_judged(name: str, piece: str) -> None:
    """The largest script that is looked at, of one piece over and over, is judged: nothing takes the square of its length."""
    data = (piece.encode() * SCRIPT_BYTES_MAX)[:SCRIPT_BYTES_MAX]
    assert isinstance(list(script_findings(name, name, data, {"lib.sh": LIB})), list)


def test_commands_of_a_script() -> None:
    """Commands are told apart as sh does: what leads in, what follows, and which line they begin in."""
    script = read_script('if ! sudo -u root A=1 cmd "a $(b "c d")" \\\n  e >x; then\n  f() { g; }\nfi\ntimeout -k 5 10 h | i\n')
    shown = [(one.line, one.words, one.after) for one in script.commands if one.words]
    assert shown == [
        (1, ("cmd", '"a $(b "c d")"', "e"), ";"), (3, ("g",), ";"), (5, ("h",), "|"), (5, ("i",), "\n"),
    ]  # fmt: skip
    assert script.functions == {"f"}
