"""The terms under which this organization takes runbooks: what differs from one local organization to another. Pure."""

from dataclasses import dataclass

from localorg.kernel.settings import Settings


@dataclass(frozen=True)
class Terms:
    """`pwsh` says that this machine has PowerShell, `bare_selectors` that a JSONPath needs no $ in front."""

    retired_runtimes: bool = False
    pwsh: bool = False
    bare_selectors: bool = False


def terms_of(settings: Settings) -> Terms:
    """Return the terms that `settings` make."""
    return Terms(
        retired_runtimes=settings.allow_retired_runtimes,
        pwsh=bool(settings.pwsh),
        bare_selectors=settings.reading("selector-without-dollar") == "accepted",
    )
