"""What a script may import: the standard library, boto3 with what it needs, and the files of its own attachment.

Flow: in the run's own process, before the script -> `narrow`: what only this machine happens to have is forgotten and not found again.
Rules: a script that would fail in AWS for want of a package must fail here too, with the same ModuleNotFoundError.
AWS: user guide, automation-action-executeScript: everything else comes as an attachment. ASSUMED: no other package is there, not even
requests or PyYAML.
"""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

import botocore

PROVIDED = frozenset({"boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"})
PACKAGES = str(Path(botocore.__file__).parents[1])
OWN = frozenset({"localorg", "orjson"})


def narrow(folder: str) -> None:
    """Let this process find nothing but what scripts have; `folder` holds the attachment."""
    places = (sys.base_prefix, PACKAGES)
    sys.path[:] = [folder, *(path for path in sys.path if path.startswith(places))]
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in OWN or _is_foreign(name, getattr(module, "__file__", None)):
            del sys.modules[name]
    sys.meta_path.insert(0, _Narrow())


class _Narrow:
    """Stands before the other finders."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return nothing, which lets the others look; refuse what they would find and AWS would not."""
        found = PathFinder.find_spec(name, path, target) if path is None else None
        places = [found.origin, *(found.submodule_search_locations or [])] if found is not None else []
        if any(_is_foreign(name, place) for place in places):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


def _is_foreign(name: str, file: str | None) -> bool:
    return name.partition(".")[0] not in PROVIDED and str(file or "").startswith(f"{PACKAGES}/")
