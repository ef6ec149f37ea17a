"""The page of what localorg supports: read from the registrations that refuse everything else.

Flow: engines wired in memory -> their operations; tables of the engines (actions, plugins, resource types, conditions ...) -> lists.
Rules: nothing is listed here by hand. What is not registered is refused by name, so these lists are complete by construction.
"""

import json
from collections.abc import Iterator
from importlib import resources

from localorg.associations.requests import UNSUPPORTED
from localorg.automation import check_references, checks
from localorg.automation.actions import ACTIONS, KNOWN_TO_AWS
from localorg.automation.actions.action import Action
from localorg.automation.runtimes import POWERSHELL, PYTHON, RETIRED
from localorg.commands.sending import REFUSED, REFUSED_WHEN_ENABLED
from localorg.documents import aws_owned
from localorg.documents.command_rules import PLATFORMS
from localorg.documents.content import SCHEMAS, TEXT_KINDS
from localorg.identity.conditions import ANY, EACH, IF_EXISTS
from localorg.identity.keys import SUPPORTED_KEYS, TAG_KEYS
from localorg.identity.operators import OPERATORS
from localorg.identity.service_linked import SERVICES
from localorg.instances.filters import INSTANCE
from localorg.kernel.blobs import Blobs
from localorg.kernel.clock import VirtualClock
from localorg.kernel.events import Event, Kernel
from localorg.kernel.store import Store
from localorg.node.document import SCHEMA_VERSIONS
from localorg.node.persona import detect, os_release_text
from localorg.node.worker import KNOWN_PLUGINS
from localorg.parameters import filters, reading, values
from localorg.protocol.calls import ScriptJob
from localorg.protocol.models import ADDITIONS, operation_model
from localorg.server.engines import Engines, wire_engines
from localorg.server.long_tail import LONG_TAIL
from localorg.server.personas import PERSONAS
from localorg.server.published_policies import published_policies
from localorg.server.s3_access import BUCKET_ACTIONS, OBJECT_ACTIONS, OTHER
from localorg.server.spec import Spec
from localorg.stacks import anatomy as template_anatomy
from localorg.stacks import checks as template_checks
from localorg.stacks.functions import FUNCTIONS, PSEUDO
from localorg.stacks.logic import LOGIC, RULES_ONLY
from localorg.stacks.parameters import TYPES as PARAMETER_TYPES
from localorg.stacks.resources.registry import TYPES
from tools.docs.markdown import codes, page, table
from tools.docs.settings import keys_of

INTRODUCTION = """A local organization answers what is listed here, and refuses everything else with an error that names it.
The lists are read from the very tables that refuse."""

SERVICE_NAMES = {
    "cloudformation": "CloudFormation",
    "ec2": "EC2",
    "ec2messages": "Message delivery to agents",
    "iam": "IAM",
    "kms": "KMS",
    "organizations": "Organizations",
    "resource-groups": "Resource Groups",
    "resourcegroupstaggingapi": "Resource Groups Tagging",
    "ssm": "Systems Manager",
    "ssmmessages": "Message gateway for agents",
    "sts": "STS",
}

SPECIAL_ACTIONS = {"ListBuckets": "`s3:ListAllMyBuckets`", "DeleteObjects": "`s3:DeleteObject`, on each key"}


class NoScripts:
    """Runs no script: nothing is started to make a page."""

    def start(self, job: ScriptJob) -> None:
        """Refuse."""
        raise AssertionError(f"a page needs no script, and {job.handler} was started")

    def stop(self, reply: Event) -> None:
        """Refuse."""
        raise AssertionError(f"a page needs no script, and that of {reply.engine} was stopped")


def engines_in_memory() -> Engines:
    """Return every engine, wired, with nothing in it."""
    return wire_engines(Kernel(Store(), VirtualClock()), Blobs(), NoScripts(), lambda _identity: None)


def supported_page() -> str:
    """Return docs/reference/supported.md."""
    return page(
        "What localorg supports",
        INTRODUCTION,
        *_operations(),
        *_borrowed(),
        *_documents(),
        *_automation(),
        *_commands(),
        *_parameters(),
        *_associations(),
        *_cloudformation(),
        *_identity(),
        *_nodes(),
    )


def _operations() -> Iterator[str]:
    yield "## Operations"
    by_service: dict[str, list[str]] = {}
    for service, operation in engines_in_memory().gateway.operations():
        by_service.setdefault(service, []).append(operation)
    yield " · ".join(f"{SERVICE_NAMES[service]}: {len(names)}" for service, names in by_service.items())
    for service, names in by_service.items():
        yield f"### {SERVICE_NAMES[service]} (`{service}`)"
        own = agents_only(service)
        yield codes(name for name in names if name not in own)
        if listed := codes(name for name in names if name in own):
            yield f"Called by agents only, and in no public model: {listed}."


def agents_only(service: str) -> frozenset[str]:
    """Return the operations of a service that botocore's model does not have."""
    if service not in ADDITIONS:
        return frozenset()
    text = resources.files("localorg.protocol.models").joinpath(ADDITIONS[service]).read_text(encoding="utf-8")
    return frozenset(json.loads(text)["operations"])


def _borrowed() -> Iterator[str]:
    yield "## Borrowed from moto, behind our authorisation"
    yield "### S3 (`s3`), kept over a restart"
    rows = {name: codes([action]) for name, action in {**BUCKET_ACTIONS, **OBJECT_ACTIONS}.items()}
    rows |= {name: SPECIAL_ACTIONS[name] for name in OTHER}
    yield table(("operation", "a caller must be allowed"), [(codes([name]), rows[name]) for name in sorted(rows)])
    yield "### As they are: not verified against AWS, and forgotten when the server stops"
    yield table(("service", "operations"), [(codes([service]), codes(LONG_TAIL[service])) for service in sorted(LONG_TAIL)])


def _documents() -> Iterator[str]:
    yield "## Documents"
    yield table(
        ("type", "schema versions"),
        [*((kind, codes(versions)) for kind, versions in SCHEMAS.items()), *((kind, "plain text") for kind in TEXT_KINDS)],
    )
    yield f"AWS's own documents: {codes(aws_owned.contents())}."


def _automation() -> Iterator[str]:
    yield "## Automation"
    actions = sorted(ACTIONS.values(), key=lambda action: action.name)
    yield table(("action", "needs", "may have"), [(codes([one.name]), codes(one.required), _may_have(one)) for one in actions])
    yield _sentences(
        ("Runtimes of executeScript", f"{codes(PYTHON)}; {codes(POWERSHELL)} where this machine has `pwsh`"),
        ("Retired, and refused without `--allow-retired-runtimes`", codes(RETIRED)),
        ("Fields of a step", codes(sorted(checks.FIELDS))),
        ("Types of outputs", codes(sorted(checks.OUTPUT_TYPES))),
        (
            "System variables",
            codes(f"global:{name}" for name in sorted(check_references.GLOBALS)) + ", `automation:EXECUTION_ID`",
        ),
        ("Actions that AWS has and localorg refuses", codes(sorted(KNOWN_TO_AWS))),
    )


def _may_have(action: Action) -> str:
    listed = codes(action.optional)
    return ", ".join(part for part in (listed, "the members of the call" if action.takes_any_input else "") if part)


def _commands() -> Iterator[str]:
    yield "## Run Command"
    rows = [(codes([name]), ", ".join(PLATFORMS[name]), _on_nodes(name)) for name in sorted(PLATFORMS)]
    yield table(("plugin", "platforms in AWS", "the agent here"), rows)
    yield _sentences(
        ("Schema versions that the agent reads", codes(SCHEMA_VERSIONS)),
        ("Parameters of SendCommand that are refused", codes((*REFUSED, REFUSED_WHEN_ENABLED))),
    )


def _parameters() -> Iterator[str]:
    yield "## Parameter Store"
    kinds = operation_model("ssm", "PutParameter").input_shape.members["Type"].enum
    yield _sentences(
        ("Types", codes(kind for kind in kinds if kind != values.ENCRYPTED) + f"; `{values.ENCRYPTED}` is refused"),
        ("Data types", codes((values.DATA_TYPE,))),
        ("Parameters of PutParameter that are refused", codes(values.REFUSED)),
        ("Parameters of DescribeParameters that are refused", codes(reading.REFUSED)),
        ("Keys of filters that are refused", codes(filters.REFUSED)),
        ("Names that are refused to readers, for only AWS can put them there", f"`{reading.PUBLIC}/…`"),
    )


def _on_nodes(plugin: str) -> str:
    if plugin not in KNOWN_PLUGINS:
        return "accepted in documents; the agent here fails the step and names the plugin"
    return "runs it where the node has `pwsh`" if plugin == "aws:runPowerShellScript" else "runs it"


def _associations() -> Iterator[str]:
    yield "## State Manager"
    yield _sentences(("Parameters of CreateAssociation and UpdateAssociation that are refused", codes(UNSUPPORTED)))


def _cloudformation() -> Iterator[str]:
    yield "## CloudFormation"
    rows = [
        (
            codes([kind.name]),
            codes(f"{name}*" if name in kind.required else name for name in sorted(kind.properties)),
            codes([*sorted(kind.attributes), *([f"{kind.attribute_prefix}NAME"] if kind.attribute_prefix else [])]),
        )
        for kind in sorted(TYPES.values(), key=lambda kind: kind.name)
    ]
    yield table(("resource type", "properties (* required)", "Fn::GetAtt"), rows)
    yield _sentences(
        ("Intrinsic functions", codes(FUNCTIONS)),
        ("In Conditions and Rules", codes(name for name in LOGIC if name not in RULES_ONLY)),
        ("In Rules only", codes(sorted(RULES_ONLY))),
        ("Pseudo parameters", codes(sorted(PSEUDO))),
        ("Parameter types", codes(sorted(PARAMETER_TYPES))),
        ("Sections", codes(sorted(template_anatomy.SECTIONS))),
        ("Keys of a resource", codes(sorted(template_checks.RESOURCE_KEYS))),
        ("Deletion policies", codes(sorted(template_checks.DELETION_POLICIES))),
    )


def _identity() -> Iterator[str]:
    yield "## Policies"
    yield _sentences(
        ("Condition operators", codes(sorted(OPERATORS)) + f", each also with `{IF_EXISTS}`, `{ANY}:` and `{EACH}:`, and `Null`"),
        ("Condition keys and policy variables", codes(sorted((*SUPPORTED_KEYS.values(), *(f"{key}/TAG" for key in TAG_KEYS))))),
        ("AWS managed policies", f"all that AWS publishes, as moto has collected them ({len(published_policies('aws'))})"),
        ("Service-linked roles", codes(sorted(service.role for service in SERVICES.values()))),
    )
    yield "A call that depends on another key of AWS or of its own service is refused by name, never decided."


def _nodes() -> Iterator[str]:
    yield "## Nodes"
    rows = []
    for name, persona in sorted(PERSONAS.items()):
        platform = detect(os_release_text(persona.os_release))
        shown = f"{persona.platform_name} {persona.platform_version}"
        rows.append((codes([name]), shown, codes([platform.name]), codes([platform.version]), codes([persona.architecture])))
    yield table(("persona", "shown as", "`platform` of a package", "version", "architecture"), rows)
    yield _sentences(
        ("Filters of DescribeInstances", codes(sorted(INSTANCE)) + ", `tag:KEY`"),
        ("Keys of a spec", codes(keys_of(Spec)) + " ([what they mean](settings.md))"),
    )


def _sentences(*facts: tuple[str, str]) -> str:
    return "\n".join(f"* {what}: {listed}." for what, listed in facts)
