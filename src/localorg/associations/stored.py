"""Which parameters of Parameter Store an association refers to: in its own parameters, or in its document.

Rules: pure. A reference to a numbered version means a value that never changes, so it is none here; one to a label may move.
AWS: user guide, sysman-state-about: a change of a referenced Parameter Store value runs the association.
"""

import re
from collections.abc import Mapping
from typing import Any

from localorg.associations.documents import Document

REFERENCE = re.compile(r"\{\{\s*ssm:([\w./-]+)(:\w+)?\s*\}\}")


def refers(given: Mapping[str, Any], document: Document, name: str) -> bool:
    """Say whether a run with these parameters would read `name`; a default counts only where nothing is given for it."""
    defaults = [rules.get("default") for parameter, rules in document.parameters.items() if parameter not in given]
    # ASSUMED: what a document's steps refer to by themselves counts as well.
    return any(name in _names(part) for part in (list(given.values()), defaults, document.steps))


def _names(part: Any) -> set[str]:
    match part:
        case str():
            return {found[1] for found in REFERENCE.finditer(part) if not (found[2] or "")[1:].isdigit()}
        case Mapping():
            return set().union(*map(_names, part.values()))
        case list():
            return set().union(*map(_names, part))
    return set()
