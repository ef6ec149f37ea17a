"""The tags of the resource that a call is about, for policies that speak of them (aws:ResourceTag, ssm:resourceTag, ec2:ResourceTag).

Flow: (caller's account, ARN of an `Access`) -> the `TagHolder` of that kind of resource -> its tags.
Rules: what is not there has no tags, nor has `*`. A kind whose tags nobody here keeps is refused by name: neither "it has the tag" nor
"it has not" would be true.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from localorg.kernel.arn import Arn, parse_arn
from localorg.kernel.errors import AwsError, NotSupported
from localorg.protocol.calls import Access, Principal, Request
from localorg.protocol.tagging import TagHolder

KINDS = {
    ("ec2", "instance"): "Instance",
    ("ssm", "association"): "Association",
    ("ssm", "automation-execution"): "Automation",
    ("ssm", "document"): "Document",
    ("ssm", "managed-instance"): "ManagedInstance",
    ("ssm", "parameter"): "Parameter",
}
"""(service, first part of the resource in its ARN) -> the word for its kind in the tag operations."""

WITHOUT_TAG_KEYS = frozenset({"s3"})
"""AWS: S3 user guide, "Using tags for attribute-based access control": a bucket's tags only count where that was enabled for it."""
TagsByArn = Callable[[str], Mapping[str, str]]
"""The ARN of a resource -> its tags; none when it is not there."""


class ResourceTags:
    """Tags by ARN, over the holders of all engines, which are handed over when they all exist."""

    def __init__(self) -> None:
        self._holders: Mapping[str, TagHolder] = {}
        self._services: Mapping[str, TagsByArn] = {}

    def know(self, holders: Mapping[str, TagHolder], services: Mapping[str, TagsByArn] = MappingProxyType({})) -> None:
        """Ask these from now on; `services` are those whose resources are found by their ARN."""
        self._holders = holders
        self._services = services

    def __call__(self, caller: str, resource: str) -> Mapping[str, str]:
        """Return the tags of `resource` as its owner gave them; `caller` is the account that asks. Raises NotSupported."""
        arn = parse_arn(resource)
        if arn is None:
            return {}
        if arn.service in WITHOUT_TAG_KEYS:
            return {}
        if arn.service in self._services:
            return self._services[arn.service](resource)
        kind, _, name = arn.resource.partition("/")
        holder = self._holders.get(KINDS.get((arn.service, kind), ""))
        if holder is None:
            # DEVIATES: AWS judges conditions on the tags of resources of every service; here a call that depends on one is refused.
            raise NotSupported(f"a condition on the tags of {resource}", "a policy that decides this call")
        request = _asking(arn, arn.account or caller)
        # A parameter's ARN does not tell whether its name begins with a slash.
        names = (f"/{name}", name) if kind == "parameter" else (name,)
        return next((tags for one in names if (tags := _tags(holder, request, one))), {})


def _tags(holder: TagHolder, request: Request, name: str) -> Mapping[str, str]:
    try:
        return holder.tags(request, name)
    except AwsError:
        return {}


def _asking(arn: Arn, account: str) -> Request:
    owner = Principal("root", account, arn=f"arn:{arn.partition}:iam::{account}:root")
    return Request(owner, account, arn.region, arn.service, "ListTagsForResource", {}, 0.0, _unchecked)


def _unchecked(_access: Access) -> None:
    """The tags are read in order to judge a call, so nobody is judged for reading them."""
