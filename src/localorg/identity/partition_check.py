"""What a policy may not name: ARNs and service principals of another partition.

Flow: a document that parsed -> every ARN of its Resource and Principal elements, every service it names -> MalformedPolicyDocument,
each naming what is foreign.
Rules: a pattern (arn:*:s3:::bucket) may mean this partition, and what it covers is the evaluator's; the rest of an ARN is not looked at.

AWS: IAM user guide, "Amazon Resource Names (ARNs)": roles and policies work within one partition.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from localorg.kernel.errors import AwsError
from localorg.protocol.partitions import PRINCIPALS_WITH_SUFFIX, partition

CHINA_SUFFIX = ".amazonaws.com.cn"


def check_partition(name: str, document: str | Mapping[str, Any]) -> None:
    """Refuse a well-formed policy that names anything of another partition than `name`. Raises MalformedPolicyDocument."""
    content = json.loads(document) if isinstance(document, str) else document
    foreign = [problem for statement in _listed(content["Statement"]) for problem in _foreign(name, statement)]
    if foreign:
        raise AwsError("MalformedPolicyDocument", "; ".join(foreign))


def _foreign(name: str, statement: Mapping[str, Any]) -> Iterator[str]:
    for element in ("Resource", "NotResource"):
        for text in _listed(statement.get(element, [])):
            if text.startswith("arn:") and not _is_of(name, text):
                # Observed: IAM's own sentence, in China and in GovCloud, also for a partition that does not exist.
                yield f'Partition "{text.split(":")[1]}" is not valid for resource "{text}".'
    principal = statement.get("Principal")
    if not isinstance(principal, Mapping):
        return
    for text in _listed(principal.get("AWS", [])):
        if text.startswith("arn:") and not _is_of(name, text):
            yield f'Invalid principal in policy: "AWS":"{text}"'
    for text in _listed(principal.get("Service", [])):
        if text.endswith(CHINA_SUFFIX) and not _is_with_suffix(name, text):
            # Observed: IAM in China says this of monitoring.rds.amazonaws.com.cn.
            yield f'Invalid principal in policy: "SERVICE":"{text}"'


def _is_of(name: str, arn: str) -> bool:
    written = arn.split(":")[1]
    return written == name or "*" in written or "?" in written


def _is_with_suffix(name: str, service: str) -> bool:
    suffix = partition(name).dns_suffix
    # ASSUMED: in China ec2.amazonaws.com may be named too, but EC2 does not act under it; it is ec2.amazonaws.com.cn there.
    return f".{suffix}" == CHINA_SUFFIX and service.removesuffix(CHINA_SUFFIX) in PRINCIPALS_WITH_SUFFIX


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
