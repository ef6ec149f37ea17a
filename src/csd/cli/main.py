"""csd: the operator's verbs. Reads the command line, calls the rooms behind it, and turns errors into one message and an exit code.

Rules: boto3 is imported only by the verbs that need it, so that `csd package build` and `csd --help` are quick.
Refuses to know: AWS and packages; each verb is a handful of calls.
"""

import sys
from typing import Annotated

import typer

import csd.cli.package_import
import csd.cli.package_init
import csd.cli.package_key
import csd.cli.package_lint
import csd.cli.package_matrix
import csd.cli.package_prune
import csd.cli.package_sign
import csd.cli.package_test
import csd.cli.package_trust
import csd.cli.package_verify  # noqa: F401 - each registers its verb
from csd.cli import screen
from csd.cli.packages import package_app
from csd.cli.publish import publish
from csd.cli.requests import association_parameters
from csd.errors import AwsRefused, CsdInputError

_HELP = (
    "Get software onto every node of an AWS Organization, keep it there, and prove it. AWS_ENDPOINT_URL says which AWS is meant."
)
_CODES = "Exit codes: 0 done; 1 AWS refused; 2 wrong input; 3 not every node is as wanted, or the run failed; 130 interrupted."
app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=_HELP, epilog=_CODES,
    rich_markup_mode=None, context_settings={"max_content_width": 100},  # plain: tables cut the names of long options
)  # fmt: skip
app.add_typer(package_app, name="package")
app.command("publish", short_help="Bring a sealed package to S3, and prove it.")(publish)

DONE, REFUSED, WRONG_INPUT, NOT_AS_WANTED, INTERRUPTED = 0, 1, 2, 3, 130
RegionOption = Annotated[str, typer.Option(help="The hub's home Region; else AWS_REGION.")]
NameOption = Annotated[str, typer.Option("--association", help="Name of the association.")]


@app.command(short_help="Create or update the solution's stack, and wait for it.")
def deploy(
    targets: Annotated[str, typer.Option(help="OU ids and account ids that get the roles (comma list).")],
    stack: Annotated[str, typer.Option(help="Name of the stack.")] = "CentralizedSoftwareDistributor",
    management_account: Annotated[str, typer.Option(help="Management account; else asked from Organizations.")] = "",
    delegated: Annotated[bool, typer.Option("--delegated", help="This is a delegated administrator account.")] = False,  # noqa: FBT002 - Typer's flags are booleans
    include_management_account: Annotated[
        bool | None,
        typer.Option("--include-management-account/--no-management-account", help="Reach the management account's nodes."),
    ] = None,
    target_key: Annotated[str | None, typer.Option(help="Default of targetKey (InstanceIds).")] = None,
    target_values: Annotated[str | None, typer.Option(help="Default of targetValues (comma list; *).")] = None,
    packages_bucket: Annotated[str | None, typer.Option(help="The one bucket that packages come from (*: any).")] = None,
    package_names: Annotated[str | None, typer.Option(help="Names that packages may have (*: any).")] = None,
    permissions_boundary: Annotated[
        str | None, typer.Option(help="Name of the policy that bounds all roles; it must be there in every account.")
    ] = None,
    trusted_keys: Annotated[
        str | None, typer.Option(help="ARNs of KMS keys (comma list): publish only what they have signed. '': whatever is there.")
    ] = None,
    trust_threshold: Annotated[
        int | None, typer.Option(min=1, max=3, help="How many different trusted keys must have signed (1).")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(help="KEY=VALUE on all that is made, in members too; may be repeated.")] = None,
    template_bucket: Annotated[
        str, typer.Option(help="Bucket for the template; else csd-templates-ACCOUNT-REGION, made private when it is not there.")
    ] = "",
    region: RegionOption = "",
) -> None:
    """Create or update the solution's stack and wait for it; prints its outputs. What is left out stays as it is in the stack."""
    from csd.aws.deployment import Choices, Wish, deploy_solution, read_tags

    choices: Choices = {
        "IncludeManagementAccount": None if include_management_account is None else str(include_management_account).lower(),
        "TargetKey": target_key, "TargetValues": target_values, "PackagesBucket": packages_bucket, "PackageNames": package_names,
        "PermissionsBoundary": permissions_boundary, "TrustedKeys": trusted_keys,
        "TrustThreshold": None if trust_threshold is None else str(trust_threshold),
    }  # fmt: skip
    wish = Wish(targets, management_account, delegated, choices, template_bucket, read_tags(tag))
    outputs = deploy_solution(region, stack, wish, screen.tell)
    for key, value in sorted(outputs.items()):
        screen.data(f"{key}={value}")


@app.command(short_help="Tell what a deployment from here would stumble over.")
def check(
    targets: Annotated[str, typer.Option(help="OU ids and account ids that the solution shall reach (comma list).")] = "",
    regions: Annotated[str, typer.Option(help="Regions of the nodes (comma list).")] = "",
    delegated: Annotated[bool, typer.Option("--delegated", help="This is a delegated administrator account.")] = False,  # noqa: FBT002 - Typer's flags are booleans
    stack: Annotated[str, typer.Option(help="Name of the stack.")] = "CentralizedSoftwareDistributor",
    template_bucket: Annotated[str, typer.Option(help="Bucket for the template; else csd-templates-ACCOUNT-REGION.")] = "",
    trusted_keys: Annotated[str, typer.Option(help="ARNs of the KMS keys that packages are to be signed by (comma list).")] = "",
    trust_threshold: Annotated[int, typer.Option(min=1, max=3, help="How many of them must have signed.")] = 1,
    region: RegionOption = "",
) -> None:
    """Tell everything that a deployment from here would stumble over, each with the command that mends it. csd deploy asks it too."""
    from csd.aws import deployment
    from csd.aws.prerequisites import Plan
    from csd.aws.trust import TrustRoot

    wanted = [part.strip() for part in regions.split(",") if part.strip()]
    plan = Plan([], wanted, delegated, stack, template_bucket)
    found = deployment.check(region, targets, plan, TrustRoot.of(trusted_keys, str(trust_threshold)), screen.tell)
    if found.problems:
        raise CsdInputError(found.problems)
    screen.data("ready")


@app.command(short_help="Print a link that opens the template in the console.")
def link(
    stack: Annotated[str, typer.Option(help="Name of the stack.")] = "CentralizedSoftwareDistributor",
    template_bucket: Annotated[str, typer.Option(help="Bucket for the template; else csd-templates-ACCOUNT-REGION.")] = "",
    region: RegionOption = "",
) -> None:
    """Put the template into S3 and print a link that opens it in the CloudFormation console, for who launches by hand."""
    from csd.aws.identity import Principal
    from csd.aws.templates import console_link, put_template
    from csd.solution.names import TEMPLATE
    from csd.solution.render import render_template

    principal = Principal.of_environment(region)
    screen.data(
        console_link(principal, stack, put_template(principal, TEMPLATE, render_template(), template_bucket, screen.tell))
    )


@app.command(short_help="Create or update the association that distributes.")
def distribute(
    name: Annotated[str, typer.Option(help="Package name.")] = "",
    version: Annotated[str, typer.Option(help="Version, as manifest.json says.")] = "",
    targets: Annotated[str, typer.Option(help="OU ids and account ids (comma list).")] = "",
    regions: Annotated[str, typer.Option(help="Regions (comma list).")] = "",
    bucket: Annotated[str, typer.Option(help="Bucket of the package.")] = "",
    prefix: Annotated[str, typer.Option(help="Prefix of the package.")] = "",
    action: Annotated[str, typer.Option(help="Install or Uninstall.")] = "",
    in_place: Annotated[bool | None, typer.Option("--in-place/--reinstall", help="How an upgrade goes.")] = None,
    argument: Annotated[list[str] | None, typer.Option(help="SSM_KEY=VALUE for the scripts; may be repeated.")] = None,
    target_key: Annotated[str, typer.Option(help="Which nodes: InstanceIds, ResourceGroup, tag:KEY, …")] = "",
    target_values: Annotated[str, typer.Option(help="Values of the target key (comma list).")] = "",
    max_concurrency: Annotated[str, typer.Option(help="Account-Region pairs at a time.")] = "",
    max_errors: Annotated[str, typer.Option(help="Failed account-Region pairs tolerated.")] = "",
    delivery_timeout: Annotated[str, typer.Option(help="Seconds that a node may take to be reached.")] = "",
    schedule: Annotated[str, typer.Option(help="cron(…) or rate(…); runs once when left out.")] = "",
    association: NameOption = "csd-association",
    wait: Annotated[bool, typer.Option("--wait", help="Follow the run to its end; exit 3 when it fails.")] = False,  # noqa: FBT002 - Typer's flags are booleans
    region: RegionOption = "",
) -> None:
    """Create the association that distributes, or update it: what is left out stays as it is."""
    wanted = {
        "name": name, "version": version, "targetAccounts": targets, "targetRegions": regions, "bucketName": bucket,
        "bucketPrefix": prefix, "action": action, "targetKey": target_key, "targetValues": target_values,
        "maxConcurrency": max_concurrency, "maxErrors": max_errors, "deliveryTimeoutSeconds": delivery_timeout,
        "installationType": {None: "", True: "In-place update", False: "Uninstall and reinstall"}[in_place],
    }  # fmt: skip
    from csd.aws import associations
    from csd.aws.identity import Principal
    from csd.report.picture import plain
    from csd.solution.names import ADMINISTRATION_ROLE

    principal = Principal.of_environment(region)
    held = associations.find_association(principal, association)
    parameters = association_parameters(
        wanted, argument, (held or {}).get("Parameters", {}), principal.role_arn(ADMINISTRATION_ROLE)
    )
    before = associations.runs(principal) if wait else set()
    identifier = associations.put_association(principal, association, held, parameters, schedule)
    screen.data(identifier)
    screen.tell(f"association {association} is {'updated' if held else 'created'}; see: csd status --association {association}")
    if wait:
        run = associations.follow(principal, identifier, before, screen.tell)
        if run["AutomationExecutionStatus"] != "Success":
            screen.tell(
                f"run {run['AutomationExecutionId']} {run['AutomationExecutionStatus']}: {plain(run.get('FailureMessage', ''))}"
            )
            raise typer.Exit(NOT_AS_WANTED)


@app.command(short_help="Which targeted node has which version, and why not.")
def status(
    association: NameOption = "csd-association",
    as_json: Annotated[bool, typer.Option("--json", help="Print the picture as JSON.")] = False,  # noqa: FBT002 - Typer's flags are booleans
    region: RegionOption = "",
) -> None:
    """Which targeted node has which version, what failed and why. Exit 0 only when every targeted node is as wanted."""
    from csd.aws.picture import fleet_picture

    picture = fleet_picture(region, association, screen.tell)
    if as_json:
        screen.data_json(screen.picture_json(picture))
    else:
        screen.show_picture(picture)
    raise typer.Exit(DONE if picture.complete else NOT_AS_WANTED)


def main() -> None:
    """The entry: every expected error becomes one message and its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line and give its exit code."""
    try:
        app(arguments)
    except SystemExit as ended:  # Typer says usage errors and codes of its own this way
        return ended.code if isinstance(ended.code, int) else DONE
    except CsdInputError as wrong:
        for problem in wrong.problems:
            screen.tell(f"error: {problem}")
        return WRONG_INPUT
    except AwsRefused as refused:
        screen.tell(f"error: {refused}")
        return REFUSED
    except OSError as broken:  # a file or folder that was named cannot be read or written
        screen.tell(f"error: {broken.filename or 'the file'}: {broken.strerror or broken}")
        return WRONG_INPUT
    except KeyboardInterrupt:
        screen.tell("interrupted; what was started in AWS goes on")
        return INTERRUPTED
    return DONE
