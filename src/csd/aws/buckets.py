"""Upload a sealed package to S3, the manifest last, and look at what is there afterwards.

Rules: a file that is there with the same digest is not sent again; the bucket is never created or changed.
Refuses to know: SSM; what a manifest means.
"""

from collections.abc import Callable
from typing import Any

from csd.aws.identity import Principal, asking
from csd.errors import AwsRefused
from csd.package.sealed import MANIFEST_FILE, SealedFile, SealedPackage

_DIGEST = "csd-sha256"
Tell = Callable[[str], None]
Sent = Callable[[str, int], None]


def upload(principal: Principal, package: SealedPackage, bucket: str, prefix: str, tell: Tell, sent: Sent) -> str:
    """Returns s3://bucket/prefix. `sent(file, bytes)` is called as bytes go out. Raises AwsRefused."""
    s3 = principal.client("s3")
    folder = prefix.strip("/")
    for file in package.files:
        key = f"{folder}/{file.name}" if folder else file.name
        if _there(principal, s3, bucket, key, file):
            tell(f"{file.name}: is there")
            sent(file.name, file.size)
            continue
        with asking(s3, principal.account):
            s3.upload_file(
                str(package.folder / file.name),
                bucket,
                key,
                ExtraArgs={"Metadata": {_DIGEST: file.sha256}, "ContentType": "application/zip"},
                Callback=lambda count, name=file.name: sent(name, count),
            )
        if not _there(principal, s3, bucket, key, file):
            raise AwsRefused(
                service="s3",
                operation="HeadObject",
                code="Differs",
                said=f"s3://{bucket}/{key} is not what was sent: send it again",
            )
        tell(f"{file.name}: sent, {file.size} bytes")
    key = f"{folder}/{MANIFEST_FILE}" if folder else MANIFEST_FILE
    with asking(s3, principal.account):
        s3.put_object(Bucket=bucket, Key=key, Body=(package.folder / MANIFEST_FILE).read_bytes(), ContentType="application/json")
    tell(f"{MANIFEST_FILE}: sent, version {package.version}")
    return f"s3://{bucket}/{folder}" if folder else f"s3://{bucket}"


def _there(principal: Principal, s3: Any, bucket: str, key: str, file: SealedFile) -> bool:
    try:
        with asking(s3, principal.account):
            head = s3.head_object(Bucket=bucket, Key=key)
    except AwsRefused as refused:
        # AWS: HeadObject has no body, so no NoSuchKey: 404; and 403 where the caller may not list the bucket.
        if refused.code in ("404", "NoSuchKey", "403"):
            return False
        raise
    return bool(head["ContentLength"] == file.size and head["Metadata"].get(_DIGEST) == file.sha256)
