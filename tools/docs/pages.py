"""Every generated page: its path in the repository, and the function that makes its text."""

from collections.abc import Callable
from pathlib import Path

from tools.docs.assumptions import assumptions_page
from tools.docs.broken import broken_page
from tools.docs.commands import csd_page, localorg_page
from tools.docs.decisions import decisions_page
from tools.docs.fidelity import fidelity_page
from tools.docs.launch import PAGE as LAUNCH_PAGE
from tools.docs.launch import launch_page
from tools.docs.lint_rules import lint_rules_page
from tools.docs.permissions import permissions_page
from tools.docs.picture import rollout_picture
from tools.docs.readings import readings_page
from tools.docs.settings import settings_page
from tools.docs.solution import solution_page
from tools.docs.supported import supported_page

REPOSITORY = Path(__file__).parents[2]

PAGES: dict[str, Callable[[], str]] = {
    "docs/adr/README.md": lambda: decisions_page(REPOSITORY / "docs/adr"),
    "docs/explanation/broken-packages.md": lambda: broken_page(REPOSITORY),
    "docs/explanation/how-a-rollout-works.svg": rollout_picture,
    "docs/fidelity.md": lambda: fidelity_page(REPOSITORY),
    LAUNCH_PAGE: lambda: launch_page(REPOSITORY),
    "docs/reference/assumptions.md": lambda: assumptions_page(REPOSITORY),
    "docs/reference/csd.md": csd_page,
    "docs/reference/lint-rules.md": lint_rules_page,
    "docs/reference/localorg.md": localorg_page,
    "docs/reference/permissions.md": permissions_page,
    "docs/reference/readings.md": readings_page,
    "docs/reference/settings.md": lambda: settings_page(REPOSITORY),
    "docs/reference/solution.md": lambda: solution_page(REPOSITORY),
    "docs/reference/supported.md": supported_page,
}
