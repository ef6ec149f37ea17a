"""The runtimes of aws:executeScript: which there are, which are retired, and which this machine can run. Pure.

AWS: user guide, automation-action-executeScript (names of runtimes); AWS Health notice of 2025: no runbook with python3.6 to python3.9
can be created, updated or executed since 10 September 2025. Observed: python3.12 is taken (public report of July 2026).
# ASSUMED: python3.13 and newer are not offered yet.
# DEVIATES: every Python runtime is the Python that localorg itself runs on; a script that needs a newer one is told by that Python.
"""

from collections.abc import Iterator

from localorg.automation.terms import Terms

PYTHON = ("python3.10", "python3.11", "python3.12")
RETIRED = ("python3.6", "python3.7", "python3.8", "python3.9")
POWERSHELL = ("PowerShell Core 6.0", "PowerShell 7.0", "PowerShell 7.4")
"""# ASSUMED: PowerShell Core 6.0 is still taken; all three are the PowerShell that this machine has."""


def is_powershell(runtime: str) -> bool:
    """Say whether `runtime` is one of PowerShell, whose scripts have no handler."""
    return runtime.lower().startswith("powershell")


def problems(runtime: str, place: str, terms: Terms) -> Iterator[str]:
    """Yield why `runtime` cannot be used."""
    if runtime in POWERSHELL:
        if not terms.pwsh:
            yield f"{place}: {runtime} needs the program pwsh, which this machine does not have; install it, or use python3.11"
    elif runtime in RETIRED:
        if not terms.retired_runtimes:
            yield (
                f"{place}: {runtime} is retired: AWS lets no runbook with python3.6 to python3.9 be created, "
                "updated or executed since 10 September 2025; move the script to python3.11"
            )
    elif runtime not in PYTHON:
        yield f"{place}: {runtime!r} is none of {', '.join((*PYTHON, *POWERSHELL))}"
