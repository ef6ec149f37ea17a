"""Compliance: the operations on compliance items and their summaries.

Flow: PutComplianceItems (an agent for its associations, or whoever has something to record) -> one set per resource and type -> the
three lists. State Manager tells of automations by the fact "association.compliance", and of associations that are gone.
Rules: an association in MANUAL mode is never touched by agents or by State Manager; its severity is the association's own.
# ASSUMED: what was recorded of a node stays in the lists when the node is terminated or deregistered.
AWS: API PutComplianceItems, ListComplianceItems, ListComplianceSummaries, ListResourceComplianceSummaries.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from localorg.compliance import answers
from localorg.compliance.ports import AssociationFacts, IsManaged
from localorg.compliance.records import COMPLIANT, NON_COMPLIANT, ComplianceSet, Item, Occasion
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Event, Kernel
from localorg.kernel.paging import page
from localorg.protocol.calls import Operation, Output, Request

ENGINE = "compliance"
R = TypeVar("R")
PAGE = 50
"""AWS: API MaxResults, at most 50. # ASSUMED: also the size of a page when nothing is said."""
NODE, ASSOCIATION, CUSTOM = "ManagedInstance", "Association", "Custom:"
CUSTOM_TYPES_MAX = 10
"""AWS: API ComplianceTypeCountLimitExceededException, per node."""
LATEST = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
ITEM_BYTES_MAX = 10_240
"""# ASSUMED: AWS names limits of sizes only by their errors."""


class Compliance:
    """Compliance of every account and Region."""

    def __init__(self, kernel: Kernel, association_facts: AssociationFacts, is_managed: IsManaged) -> None:
        self._kernel = kernel
        self._association_facts = association_facts
        self._is_managed = is_managed
        self._sets = kernel.store.table("ssm.compliance", ComplianceSet)
        kernel.on(ENGINE, self.handle)
        for topic in ("association.compliance", "association.deleted"):
            kernel.subscribe(topic, ENGINE)

    def operations(self) -> list[Operation]:
        """Return what this engine answers."""
        return [
            Operation("ssm", "PutComplianceItems", self._put),
            Operation("ssm", "ListComplianceItems", self._list_items),
            Operation("ssm", "ListComplianceSummaries", self._list_summaries),
            Operation("ssm", "ListResourceComplianceSummaries", self._list_resources),
        ]

    def inventory_of(self, account: str, region: str, resource: str) -> list[dict[str, str]]:
        """Return the items of a node as entries of the inventory type AWS:ComplianceItem (a port of Inventory)."""
        return [
            {
                "ComplianceType": one.kind,
                "Id": item.id,
                "Title": item.title,
                "Status": item.status,
                "Severity": item.severity,
                "ExecutionId": item.occasion.id,
                "ExecutionType": item.occasion.kind,
                "ExecutionTime": answers.moment(item.occasion),
                **item.details,
            }
            for one in self._sets.values(account, region, resource)
            for item in one.items.values()
        ]

    # What State Manager tells

    def handle(self, event: Event) -> None:
        """Take a fact of State Manager."""
        data = event.data
        if event.name == "association.deleted":
            self._forget(data["account"], data["region"], data["id"])
            return
        occasion = Occasion(self._kernel.now(), data["execution"], "Automation")
        item = Item(
            id=data["id"],
            title="",
            severity=data["severity"],
            status=COMPLIANT if data["is_compliant"] else NON_COMPLIANT,
            occasion=occasion,
            details={"DocumentName": data["document"], "DocumentVersion": data["document_version"]},
        )
        for node in data["nodes"]:
            one = self._set(data["account"], data["region"], node, ASSOCIATION, occasion)
            one.items[item.id], one.occasion, one.content_hash = item, occasion, ""
            self._keep(data["account"], data["region"], one)

    def _forget(self, account: str, region: str, association: str) -> None:
        for one in self._sets.values(account, region):
            if one.kind == ASSOCIATION and one.items.pop(association, None) is not None:
                one.content_hash = ""
                self._keep(account, region, one)

    # Recording

    def _put(self, request: Request) -> Output:
        params = request.params
        self._check(request)
        told = params["ExecutionSummary"]
        occasion = Occasion(told["ExecutionTime"], told.get("ExecutionId", ""), told.get("ExecutionType", ""))
        one = self._set(request.account, request.region, params["ResourceId"], params["ComplianceType"], occasion)
        content_hash = params.get("ItemContentHash", "")
        speaks_for_itself = request.principal.arn.rpartition("/")[2] == one.resource
        # AWS: API ItemContentHash: "If the content hashes match, the request to put compliance information is ignored".
        # AWS agent: a report that is older than the agent's last one is left out, so that they may arrive in any order.
        if (content_hash and content_hash == one.content_hash) or (speaks_for_itself and occasion.time < one.reported):
            return {}
        items = {item.id: item for item in (self._item(entry, occasion) for entry in params["Items"])}
        if one.kind == ASSOCIATION:
            partial = params.get("UploadType") == "PARTIAL"
            kept = self._associated(request, one, items, is_agent=speaks_for_itself, is_partial=partial)
            if kept is None:
                return {}
            items = kept
        one.items, one.occasion, one.content_hash = items, occasion, content_hash
        one.reported = occasion.time if speaks_for_itself else one.reported
        self._keep(request.account, request.region, one)
        return {}

    def _associated(
        self, request: Request, one: ComplianceSet, items: dict[str, Item], *, is_agent: bool, is_partial: bool
    ) -> dict[str, Item] | None:
        """Return the items of associations after a report; None when it says nothing."""
        facts = {name: self._association_facts(request.account, request.region, name) for name in {*items, *one.items}}
        manual = {name for name, fact in facts.items() if fact is not None and fact[0] == "MANUAL"}
        if is_partial:
            wrong = sorted(set(items) - manual)
            if wrong:
                # AWS: API UploadType: PARTIAL needs an association "configured with SyncCompliance set to MANUAL".
                raise _refuse(
                    f"UploadType PARTIAL is for associations with SyncCompliance MANUAL, which {', '.join(wrong)} is not"
                )
            return {**one.items, **items}
        if is_agent:
            if not items:
                return None  # the agent says that nothing is new, of a report that something else has replaced meanwhile
            items = {name: item for name, item in items.items() if name not in manual}
            # An automation's verdict on the node is not the agent's to take away.
            kept = {name: item for name, item in one.items.items() if name in manual or item.occasion.kind == "Automation"}
            items = {**kept, **items}
        # ASSUMED: the severity is the one that the association has, whatever an agent says (it always says UNSPECIFIED).
        return {name: _with_severity(item, facts.get(name)) for name, item in items.items()}

    def _item(self, entry: dict[str, Any], occasion: Occasion) -> Item:
        size = len(repr(entry).encode("utf-8", "replace"))
        if size > ITEM_BYTES_MAX:
            raise AwsError("ItemSizeLimitExceededException", f"An item has at most {ITEM_BYTES_MAX} bytes; one has {size}.")
        return Item(
            id=entry.get("Id", ""),
            title=entry.get("Title", ""),
            severity=entry["Severity"],
            status=entry["Status"],
            occasion=occasion,
            details=dict(entry.get("Details") or {}),
        )

    def _check(self, request: Request) -> None:
        params = request.params
        kind, resource = params["ComplianceType"], params["ResourceId"]
        _check_resource_types([params["ResourceType"]])
        if not self._is_managed(request.account, request.region, resource):
            raise AwsError("InvalidResourceId", f"{resource} is no managed node of {request.account} in {request.region}.")
        if kind not in (ASSOCIATION, "Patch") and not kind.startswith(CUSTOM):
            raise _refuse(f"ComplianceType must be Association, Patch or Custom:NAME, found {kind}")
        if params.get("UploadType") and kind != ASSOCIATION:
            raise _refuse("UploadType is for the ComplianceType Association only")
        if not 0 <= params["ExecutionSummary"]["ExecutionTime"] < LATEST:
            raise AwsError("ValidationException", "ExecutionSummary.ExecutionTime is no moment between 1970 and 9999.")
        names = [entry.get("Id", "") for entry in params["Items"]]
        if "" in names or len(set(names)) < len(names):
            # ASSUMED: items are told apart by Id.
            raise _refuse("each item needs an Id of its own")
        custom = {one.kind for one in self._sets.values(request.account, request.region, resource) if one.kind.startswith(CUSTOM)}
        if kind.startswith(CUSTOM) and len(custom | {kind}) > CUSTOM_TYPES_MAX:
            raise AwsError(
                "ComplianceTypeCountLimitExceededException", f"{resource} has {CUSTOM_TYPES_MAX} custom compliance types already."
            )

    def _set(self, account: str, region: str, resource: str, kind: str, occasion: Occasion) -> ComplianceSet:
        return self._sets.get(account, region, resource, kind) or ComplianceSet(resource, NODE, kind, occasion)

    def _keep(self, account: str, region: str, one: ComplianceSet) -> None:
        if one.items:
            self._sets.put(one, account, region, one.resource, one.kind)
        else:
            self._sets.delete(account, region, one.resource, one.kind)

    # Reading

    def _chosen(self, request: Request) -> list[ComplianceSet]:
        """Return the sets whose summaries pass the filters."""
        filters = request.params.get("Filters") or []
        answers.passes(filters, answers.resource_facts(answers.NOTHING))
        found = self._sets.values(request.account, request.region)
        return [one for one in found if answers.passes(filters, answers.resource_facts(one))]

    def _list_items(self, request: Request) -> Output:
        params = request.params
        ids, filters = params.get("ResourceIds") or [], params.get("Filters") or []
        _check_resource_types(params.get("ResourceTypes") or [])
        if len(ids) > 1:
            # AWS: API ListComplianceItems: "Currently, you can only specify one resource ID".
            raise AwsError("InvalidResourceId", f"Name one resource, found {len(ids)}.")
        unmanaged = [name for name in ids if not self._is_managed(request.account, request.region, name)]
        if unmanaged:
            raise AwsError("InvalidResourceId", f"{unmanaged[0]} is no managed node of {request.account} in {request.region}.")
        answers.passes(filters, answers.item_facts(answers.NOTHING, answers.NOTHING.items[""]))
        rows = [
            (one, item)
            for one in self._sets.values(request.account, request.region, *ids)
            for item in one.items.values()
            if answers.passes(filters, answers.item_facts(one, item))
        ]
        chosen, more = _cut(request, rows, [f"{one.resource} {one.kind} {item.id}" for one, item in rows])
        return {"ComplianceItems": [answers.item(one, item) for one, item in chosen], **more}

    def _list_summaries(self, request: Request) -> Output:
        by_kind: dict[str, list[ComplianceSet]] = {}
        for one in self._chosen(request):
            by_kind.setdefault(one.kind, []).append(one)
        kinds = sorted(by_kind)
        chosen, more = _cut(request, kinds, kinds)
        return {"ComplianceSummaryItems": [answers.summary(kind, by_kind[kind]) for kind in chosen], **more}

    def _list_resources(self, request: Request) -> Output:
        rows = self._chosen(request)
        chosen, more = _cut(request, rows, [f"{one.resource} {one.kind}" for one in rows])
        return {"ResourceComplianceSummaryItems": [answers.resource(one) for one in chosen], **more}


def _cut(request: Request, rows: Sequence[R], names: list[str]) -> tuple[list[R], dict[str, str]]:
    """Return one page, and {"NextToken": ...} when there is more. Raises InvalidNextToken."""
    refusal = AwsError("InvalidNextToken", "The NextToken is not one that an earlier page gave. Begin again without it.")
    numbers = list(range(len(rows)))
    limit = request.params.get("MaxResults") or PAGE
    chosen, token = page(numbers, lambda number: names[number], limit, request.params.get("NextToken"), refusal)
    return [rows[number] for number in chosen], {"NextToken": token} if token else {}


def _check_resource_types(kinds: list[str]) -> None:
    wrong = [kind for kind in kinds if kind != NODE]
    if wrong:
        raise AwsError("InvalidResourceType", f"The only resource type with compliance is {NODE}, found {', '.join(wrong)}.")


def _with_severity(item: Item, fact: tuple[str, str] | None) -> Item:
    if fact is None or fact[1] == "UNSPECIFIED":
        return item
    return Item(item.id, item.title, fact[1], item.status, item.occasion, item.details)


def _refuse(what: str) -> AwsError:
    return AwsError("InvalidItemContentException", f"The compliance items cannot be recorded: {what}.")
