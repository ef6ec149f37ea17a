"""The checks of a package's name: what AWS keeps for itself, and what it publishes already."""

import re
from collections.abc import Iterable, Iterator

from csd.package.lint import rules_manifest as rules
from csd.package.lint.rule import Finding
from csd.package.source import NAME_PATTERN, reserved_beginning

# AWS: Distributor, "Owned by Amazon", and the pages of each agent and driver.
# ASSUMED: AWS has no list of the packages that it publishes; names that are known are here, and more may exist.
PUBLISHED = frozenset(
    {
        "AmazonCloudWatchAgent", "AmazonEC2HibernateAgent", "AmazonEFSUtils", "AmazonInspector", "AWSCodeDeployAgent",
        "AWSEC2Launch-Agent", "AwsEnaNetworkDriver", "AWSKinesisTap", "AWSNVMe", "AWSPVDriver", "AWSSupport-EC2Rescue",
        "AwsVssComponents", "AmazonGuardDuty-RuntimeMonitoringSsmPlugin", "AmazonInspector2-InspectorSsmPlugin",
    }
)  # fmt: skip
_FOLDED = {name.lower(): name for name in PUBLISHED}
# What csd build puts between name and label.
_VERSION = r"(\d[0-9A-Za-z]*(?:\.[0-9A-Za-z]+)+)(?:-|\.zip$)"


def name_findings(named: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    """(place, name) of everything that tells the package's name."""
    for place, name in named:
        reserved = reserved_beginning(name)
        if not re.fullmatch(NAME_PATTERN, name):
            yield Finding(rules.NO_NAME, place, f"found {name!r}.")
        elif name.lower() in _FOLDED:
            yield Finding(rules.PUBLISHED, place, f"{name!r} is a package that AWS publishes ({_FOLDED[name.lower()]}).")
        elif reserved:
            yield Finding(rules.RESERVED, place, f"{name!r} begins with {reserved!r}, which AWS keeps for itself.")


def file_version_findings(name: str, version: object, files: Iterable[str], where: str) -> Iterator[Finding]:
    """Zips that are called after the package and another version of it."""
    for file in files:
        told = re.match(re.escape(name) + "-" + _VERSION, file)
        if told and isinstance(version, str) and not file.startswith(f"{name}-{version}") and told[1] != version:
            yield Finding(
                rules.VERSIONS_DIFFER, f"{where}: files.{file}", f"is called after version {told[1]!r}, and this is {version!r}."
            )
