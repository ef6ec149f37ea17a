"""All resources that have tags, whoever keeps them: found by type and tags, page by page.

Flow: `TagHolder`s of the engines, by the word that names them in the tag operations -> `find` -> pages of `Found`.
Rules: resources come in the order of their types and ids; a page begins where the last one ended.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from localorg.kernel.errors import AwsError
from localorg.kernel.paging import walk
from localorg.protocol.calls import Request
from localorg.protocol.tagging import TagHolder

ALL = "AWS::AllSupported"
Wanted = list[tuple[str, list[str]]]
"""(tag key, values it may have; none: any), all of which a resource must satisfy."""


@dataclass(frozen=True)
class Kind:
    """What one kind of resource is called: in Resource Groups (empty: not there), and in the tagging API."""

    group_type: str
    tag_type: str


KINDS = {
    "Instance": Kind("AWS::EC2::Instance", "ec2:instance"),
    "Group": Kind("AWS::ResourceGroups::Group", "resource-groups:group"),
    "Association": Kind("AWS::SSM::Association", "ssm:association"),
    "Document": Kind("AWS::SSM::Document", "ssm:document"),
    "ManagedInstance": Kind("AWS::SSM::ManagedInstance", "ssm:managed-instance"),
    "MaintenanceWindow": Kind("AWS::SSM::MaintenanceWindow", "ssm:maintenancewindow"),
    "Parameter": Kind("AWS::SSM::Parameter", "ssm:parameter"),
    "Automation": Kind("", "ssm:automation-execution"),
}
"""AWS: Resource Groups user guide "Resources you can use with AWS Resource Groups and Tag Editor"; the last part of `tag_type` is the
one in ARNs. ASSUMED: ssm:association is found too, as its resources have tags and ARNs."""
UNSEEN = ("cloudformation", "iam", "kms", "s3", "sns")
"""DEVIATES: services whose resources are there, and may have tags, but are not found by them: asking for one by name is refused."""
SUPPORTED = tuple(kind.group_type for kind in KINDS.values() if kind.group_type)


@dataclass(frozen=True)
class Found:
    """A resource and its tags."""

    arn: str
    kind: Kind
    tags: Mapping[str, str]


class Resources:
    """The tagged resources of all engines."""

    def __init__(self, holders: Mapping[str, TagHolder]) -> None:
        unknown = sorted(set(holders) - set(KINDS))
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: no name in Resource Groups and the tagging API is known for them")
        self._holders = {KINDS[name]: holder for name, holder in holders.items()}

    def all(self, request: Request, kinds: Iterable[Kind] | None = None) -> Iterable[Found]:
        """Yield every resource of the caller's account and Region, of the given kinds or of all."""
        for kind, name in self._keys(request, kinds):
            yield self._look(request, kind, name)

    def named(self, request: Request, arns: Container[str]) -> dict[str, tuple[str, str]]:
        """Return (kind, id) of those of the caller's resources that have these ARNs."""
        words = {kind: word for word, kind in KINDS.items()}
        found = {self._holders[kind].arn(request, name): (words[kind], name) for kind, name in self._keys(request, None)}
        return {arn: whose for arn, whose in found.items() if arn in arns}

    def find(
        self,
        request: Request,
        kinds: Iterable[Kind] | None,
        wanted: Wanted,
        limit: int,
        token: str | None,
        refusal: AwsError,
        *,
        tagged: bool = False,
    ) -> tuple[list[Found], str | None]:
        """Return a page of the resources that have the wanted tags (`tagged`: any at all), and the token of the next."""
        by_type = {kind.tag_type: kind for kind in self._holders}

        def look(key: tuple[str, ...]) -> Found | None:
            found = self._look(request, by_type[key[0]], key[1])
            return found if passes(found.tags, wanted) and (found.tags or not tagged) else None

        keys = [(kind.tag_type, name) for kind, name in self._keys(request, kinds)]
        return walk(keys, look, limit, token, refusal)

    def _keys(self, request: Request, kinds: Iterable[Kind] | None) -> Iterable[tuple[Kind, str]]:
        chosen = set(self._holders) if kinds is None else set(kinds)
        for kind in sorted(self._holders, key=lambda kind: kind.tag_type):
            if kind in chosen:
                yield from ((kind, name) for name in self._holders[kind].names(request))

    def _look(self, request: Request, kind: Kind, name: str) -> Found:
        holder = self._holders[kind]
        return Found(holder.arn(request, name), kind, holder.tags(request, name))


def passes(tags: Mapping[str, str], wanted: Wanted) -> bool:
    """Say whether a resource has the wanted tags."""
    return all(key in tags and (not values or tags[key] in values) for key, values in wanted)
