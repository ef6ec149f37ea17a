"""What was made of what, by which csd: an in-toto Statement (v1) with a SLSA provenance predicate (v1).

Rules: pure; no time unless one is given, no host, no user: the same input tells the same.
Refuses to know: signatures; whether anybody believes it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from csd.errors import CsdInputError, Problem
from csd.package.places import MANIFEST_FILE, SOURCE_FILE
from csd.package.release import Digest, Release

PROVENANCE_FILE = "provenance.intoto.json"
_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://slsa.dev/provenance/v1"
_BUILD_TYPE = "urn:csd:package-build:1"


@dataclass(frozen=True, slots=True)
class Build:
    """One build: what came out, the digests of what went in by name, what was made on the way, and when, if anybody said so."""

    release: Release
    materials: Mapping[str, str]
    byproducts: Mapping[str, Digest]
    moment: datetime | None


def builder() -> str:
    """Who builds: csd/VERSION."""
    return f"csd/{version('centralized-software-distributor')}"


def read_moment(seconds: str) -> datetime | None:
    """What SOURCE_DATE_EPOCH says, if it says anything. Raises CsdInputError."""
    if not seconds:
        return None
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError) as wrong:
        what = f"found {seconds!r}, which is no number of seconds since 1970."
        raise CsdInputError([Problem("SOURCE_DATE_EPOCH", what, "Correct it, or unset it to build without a time.")]) from wrong


def provenance_text(build: Build) -> str:
    """The statement as stable JSON text."""
    subjects = {**build.release.files, MANIFEST_FILE: build.release.manifest}
    when = {"startedOn": timestamp(build.moment), "finishedOn": timestamp(build.moment)} if build.moment else {}
    statement = {
        "_type": _STATEMENT,
        "subject": _described({name: digest.sha256 for name, digest in subjects.items()}),
        "predicateType": _PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": _BUILD_TYPE,
                "externalParameters": {"source": SOURCE_FILE, "name": build.release.name, "version": build.release.version},
                "resolvedDependencies": _described(build.materials),
            },
            "runDetails": {
                "builder": {"id": builder()},
                "metadata": when,
                "byproducts": _described({name: digest.sha256 for name, digest in build.byproducts.items()}),
            },
        },
    }
    return json.dumps(statement, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def timestamp(moment: datetime) -> str:
    """A moment in UTC, as both formats write it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _described(digests: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"name": name, "digest": {"sha256": sha256}} for name, sha256 in sorted(digests.items())]
