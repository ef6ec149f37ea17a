"""The host names of S3 in a partition, and which bucket one names.

Flow: host -> `bucket_of(host, partition)` -> the bucket, "" where the path names it, None when it is no S3 of this partition.
Rules: s3.amazonaws.com is the S3 of the partition aws; elsewhere host names have a Region.

AWS: S3 user guide, "Virtual hosting of buckets", "Making requests to Amazon S3 over IPv6"; General reference, "Amazon S3 endpoints".
"""

import re
from functools import cache

from localorg.protocol.partitions import partition

WITHOUT_REGION = frozenset({"", "external-1"})
VARIANTS = re.compile(r"^(?:[.-](?:dualstack|fips))*[.-]?")


def bucket_of(host: str, name: str) -> str | None:
    """Return the bucket in a host name of S3, "" for a path-style one, or None for a host that is no S3 of the partition `name`."""
    path_style, virtual = _patterns(partition(name).dns_suffix)
    found = path_style.fullmatch(host) or virtual.fullmatch(host)
    if found is None or not _is_here(VARIANTS.sub("", found["middle"]), name):
        return None
    return found.groupdict().get("bucket", "")


def _is_here(region: str, name: str) -> bool:
    return name == "aws" if region in WITHOUT_REGION else partition(name).has(region)


@cache
def _patterns(suffix: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    # Each label is cut at every dot and hyphen, so that no address can be read in two ways: the patterns stay linear.
    service = rf"s3(?P<middle>(?:[.-][a-z0-9]+)*)\.{re.escape(suffix)}"
    return re.compile(service), re.compile(rf"(?P<bucket>.+?)\.{service}")
