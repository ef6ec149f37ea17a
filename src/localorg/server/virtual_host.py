"""Buckets in host names: `BUCKET.s3.localhost` means what the path `/BUCKET` of this server's own name means.

Rules: the signature is verified before, over what was sent; afterwards there is one form only.
AWS: S3 user guide, "Virtual hosting of buckets". SSM Agent knows no other form for the output of commands.
"""

import re
from dataclasses import replace

from localorg.protocol.http import WireRequest

BUCKET_HOST = re.compile(r"([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.s3\.localhost(?::[0-9]+)?", re.IGNORECASE)


def path_style(request: WireRequest) -> WireRequest:
    """Return the request with its bucket in the path, wherever it was."""
    found = BUCKET_HOST.fullmatch(request.headers.get("host", ""))
    return replace(request, path=f"/{found[1].lower()}{request.path}") if found else request
