"""All the managed policies that AWS publishes, as moto has collected them.

Flow: moto's text (4 MB of JSON) -> the organization's partition filled in -> entries for identity's catalogue, read when somebody first
asks for a policy that identity does not carry, or lists them all.
Refuses to know: which of them localorg can judge; identity says so when one is attached.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data


@cache
def published_policies(partition: str) -> Mapping[str, Mapping[str, Any]]:
    """Return name -> entry, in the form of identity's own aws_managed_policies.json.

    # ASSUMED: what is published for the commercial Regions is there in the other partitions too, but for the partition in its ARNs;
    # some policies are missing there, and nobody lists which.
    """
    text = re.sub(r'"arn:[a-z]+:', f'"arn:{partition}:', aws_managed_policies_data)
    return {name: _entry(found) for name, found in json.loads(text).items()}


def _entry(found: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "path": found["Path"],
        "version": found["DefaultVersionId"],
        "created": datetime.fromisoformat(found["CreateDate"]).timestamp(),
        "updated": datetime.fromisoformat(found["UpdateDate"]).timestamp(),
        "document": found["Document"],
    }
