"""The template's place in S3, and a link that opens it in the console.

CloudFormation reads it there: 51,200 bytes are too few for a request to carry it (ADR 0021).

Rules: the bucket of csd's own is made private and encrypted, after saying so; one that the operator names is used as it is. The key is the
template's digest: the same template is sent once. Refuses to know: what the template holds.
"""

import hashlib
from collections.abc import Callable
from urllib.parse import urlencode

import botocore.session

from csd.aws.identity import Principal, asking
from csd.aws.private_buckets import make_private, region_of
from csd.errors import AwsRefused, CsdInputError, Problem

Tell = Callable[[str], None]
# AWS: the consoles of the partitions, as the guides of GovCloud and China name them.
_CONSOLES = {"aws": "console.aws.amazon.com", "aws-us-gov": "console.amazonaws-us-gov.com", "aws-cn": "console.amazonaws.cn"}


def put_template(principal: Principal, stem: str, text: str, bucket: str, tell: Tell) -> str:
    """Put the template into `bucket`, or into csd's own. Returns its URL. Raises AwsRefused, CsdInputError."""
    s3 = principal.client("s3")
    name = bucket or own_bucket(principal)
    # Names are the world's: a bucket that somebody else has taken, before or meanwhile, must not be given the template.
    owner = {} if bucket else {"ExpectedBucketOwner": principal.account}
    region = region_of(principal, s3, name, owner, "--template-bucket")
    if not region:
        if bucket:
            raise CsdInputError([Problem("--template-bucket", f"{bucket} does not exist.", "Make it, or leave the option out.")])
        make_private(principal, s3, name, "the template", tell)
        region = principal.region
    body = text.encode()
    key = f"{stem}-{hashlib.sha256(body).hexdigest()[:16]}.yaml"
    with asking(s3, principal.account):
        s3.put_object(Bucket=name, Key=key, Body=body, ContentType="application/yaml", **owner)
    suffix = botocore.session.get_session().get_component("endpoint_resolver").get_partition_dns_suffix(principal.partition)
    url = f"https://{name}.s3.{region}.{suffix}/{key}"
    tell(f"template: {url}")
    return url


def is_own_bucket_there(principal: Principal) -> bool:
    """Say whether csd's own bucket need not be made. Who may not look is told of it when the bucket is needed."""
    s3 = principal.client("s3")
    try:
        with asking(s3, principal.account):
            s3.head_bucket(Bucket=own_bucket(principal), ExpectedBucketOwner=principal.account)
    except AwsRefused as refused:
        if refused.code not in ("404", "403", "NoSuchBucket"):
            raise
        return refused.code == "403"
    return True


def console_link(principal: Principal, stack: str, url: str) -> str:
    """The address at which the CloudFormation console asks for the parameters of a new stack of this template."""
    host = _CONSOLES.get(principal.partition)
    if host is None:
        raise CsdInputError(
            [Problem("--region", f"the console of partition {principal.partition} is not known.", f"Open it: {url}")]
        )
    asked = urlencode({"stackName": stack, "templateURL": url}, safe=":/")
    return f"https://{host}/cloudformation/home?region={principal.region}#/stacks/new?{asked}"


def own_bucket(principal: Principal) -> str:
    """The name of csd's own bucket."""
    return f"csd-templates-{principal.account}-{principal.region}"
