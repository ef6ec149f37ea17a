"""The register of what nobody here can know about AWS, as switches: each open question with every reading that AWS may turn out to have.

Flow: `localorg up --reading QUESTION=READING` -> `chosen` checks all of them at once -> `Settings.readings` -> an engine asks
`kernel.settings.reading("runbook-lookup")` where the answer matters. The first reading of a question is the default.
Rules: a question stands here when a runbook, a package or an operator could fare differently under another reading; what merely has to be
decided one way or the other is an `# ASSUMED:` remark where it is decided. The tests run the solution under every reading.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """Something that AWS does not say. `readings`: word -> what it means; `source` tells why the question is open."""

    id: str
    asks: str
    readings: Mapping[str, str]
    source: str

    @property
    def default(self) -> str:
        """Return the reading that counts when none is chosen."""
        return next(iter(self.readings))


class UnknownReadingError(ValueError):
    """Questions or readings that the register does not have; `problems` has a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


QUESTIONS: tuple[Question, ...] = (
    Question(
        "runbook-lookup",
        "Where does a member of a multi-account run find the runbook?",
        {
            "hub": "the hub's own content runs in the member",
            "strict": "the member must be able to read the hub's document, shared with it in its Region",
            "strict-role": "as strict, and it is read as the member's execution role, which needs ssm:GetDocument on it",
        },
        "The guide wants custom runbooks shared with every target account; public reports show runs without a share.",
    ),
    Question(
        "execution-role-taker",
        "Who takes the execution role in a member of a multi-account run, and in whose name?",
        {
            "hub": "the administration role of the hub, and nobody else",
            "service": "the administration role to start the run, then Systems Manager for it, in the member's name (aws:SourceAccount)",
            "service-for-hub": "the same, Systems Manager in the hub's name",
            "service-unnamed": "the same, Systems Manager without saying in whose name",
        },
        "AWS's template of the role trusts the hub and ssm.amazonaws.com alike; the guide names aws:SourceAccount for one account only.",
    ),
    Question(
        "unit-expansion",
        "By which calls does Automation find the accounts of an OU that is a target?",
        {
            "lists": "organizations:ListAccountsForParent and ListOrganizationalUnitsForParent",
            "children": "organizations:ListChildren, for accounts and for OUs",
        },
        "The guide names no action; AWS's managed policies for the same purpose allow ListChildren beside the other two.",
    ),
    Question(
        "child-stopped-as",
        "As whom are the children of a multi-account run stopped when the run is cancelled?",
        {
            "service": "as Systems Manager itself, whatever the roles allow",
            "execution-role": "as each member's execution role, which needs ssm:StopAutomationExecution",
        },
        "The guide gives the execution role AmazonSSMAutomationRole, which allows all of Systems Manager, and does not say what for.",
    ),
    Question(
        "start-automation-resources",
        "Which resources must a policy allow for ssm:StartAutomationExecution?",
        {
            "either": "the runbook's document and automation-execution/*, or, as in older policies, its automation-definition alone",
            "document": "the runbook's document and automation-execution/*",
            "definition": "the runbook's automation-definition, NAME:VERSION",
        },
        "The guide's examples now have document and automation-execution; AWS's managed policies of 2026 list all three side by side.",
    ),
    Question(
        "connection-lost-after",
        "After how many seconds of silence is a managed node ConnectionLost?",
        {"300": "one health report is missing", "600": "two health reports are missing", "1800": "half an hour passed"},
        "The guide names the state and not the time; agents report every 5 minutes and poll every 20 s.",
    ),
    Question(
        "string-map-in-script",
        "As what does a StringMap parameter reach a script through InputPayload?",
        {"object": "as a mapping", "text": "as JSON text"},
        "The guide's examples pass strings and lists only.",
    ),
    Question(
        "parameter-length",
        "Does StartAutomationExecution refuse a parameter value of more than 512 characters?",
        {"512": "as the API model says", "not-enforced": "any length within the size of the runbook is taken"},
        "Clients do not check maximal lengths, and the guide passes JSON of any size in parameters.",
    ),
    Question(
        "selector-without-dollar",
        "Is a Selector or PropertySelector that does not begin with $ taken?",
        {"accepted": "it is read as if $. stood before it", "refused": "the runbook cannot be created"},
        "The guide shows $. everywhere and does not say that it is needed; published runbooks do without, AWS's own sample among them.",
    ),
    Question(
        "failed-execute-automation-outputs",
        "Does a failed aws:executeAutomation step give its outputs, so that a later step can ask for ExecutionId?",
        {"given": "ExecutionId, Status and Output are there", "missing": "a failed step has no outputs"},
        "The guide lists the outputs without saying when they exist.",
    ),
    Question(
        "embedded-values",
        "How is a list or a mapping rendered that a reference puts inside longer text?",
        {"json": "as compact JSON", "java": "as Java prints collections: [a, b] and {key=value}"},
        "The guide embeds strings only.",
    ),
    Question(
        "automation-association-new-nodes",
        "Does an association of a runbook run when a managed node appears that its Targets take in?",
        {"no": "only at creation, when edited and on schedule", "yes": "also for new and returning nodes, all targets anew"},
        "The guide of 2023 says that only associations of Command documents do; a newer section names conditions that could not be read.",
    ),
    Question(
        "association-output-source",
        "What is the OutputSourceType of an execution that ran a runbook?",
        {"Automation": "the plain word", "AutomationExecution": "the word of the resource"},
        "The API names no words; the CLI's example shows RunCommand for a command.",
    ),
    Question(
        "rate-anchor",
        "From when does the rate(...) of a runbook's association count?",
        {"creation": "from when the association was made or edited", "last-run": "from its last run, however that came about"},
        "The agent counts from the last run on its node; what the service does for runbooks is not documented.",
    ),
    Question(
        "errors-within-threshold",
        "What is a multi-account run whose failed pairs stayed within its MaxErrors?",
        {"Success": "it did what it was told to tolerate", "Failed": "any failed pair makes it Failed"},
        "The guide explains only when no more pairs are started.",
    ),
    Question(
        "unstarted-locations",
        "What becomes of account-Region pairs and targets that a run never started, because of MaxErrors or a stop?",
        {"Cancelled": "their steps end as Cancelled with the run", "Pending": "their steps stay Pending for ever"},
        "The guide says of steps that a runbook never reaches that they stay Pending, and of pairs nothing.",
    ),
    Question(
        "automation-max-errors-default",
        "How many errors does a run over targets tolerate when MaxErrors is not given?",
        {"0": "none: the first error stops further starts", "unlimited": "any number: every target is run"},
        "The API names the default of MaxConcurrency (10), but none of MaxErrors.",
    ),
    Question(
        "instance-ids-star-hybrid",
        "Do the targets InstanceIds=* and AWS::EC2::Instance=* of an automation find hybrid nodes (mi-)?",
        {"excluded": "only EC2 instances", "included": "every managed node"},
        "The guide speaks of all managed Amazon EC2 instances; hybrid nodes are managed, but no EC2 instances.",
    ),
    Question(
        "percent-rounding",
        "How many targets are MaxConcurrency and MaxErrors in percent, where the percentage does not divide?",
        {"down": "rounded down, but never to nobody at a time", "up": "rounded up"},
        "The guides have examples that divide only (10 % of 50 is 5). Run Command, Automation and State Manager.",
    ),
    Question(
        "folder-listing",
        "What must whoever publishes a package be allowed on the folder that SourceUrl names?",
        {
            "objects-only": "s3:GetObject on the files that the manifest names",
            "needs-list": "s3:ListBucket on the bucket too, since Distributor lists the folder first",
        },
        "The guide names s3:GetObject only; the value of SourceUrl is a folder, not a file.",
    ),
    Question(
        "folder-attachments",
        "Which files of the folder that SourceUrl names does Distributor attach to a package?",
        {
            "named": "those that the manifest names",
            "whole-folder": "every file that lies in the folder, manifest.json and what else is beside the zips too; 20 at most",
        },
        "The guide describes the folder as that of the zips and the manifest, and does not say what becomes of another file in it.",
    ),
    Question(
        "attachment-hash",
        "What does GetDocument tell of an attachment as its Hash?",
        {
            "file": "the SHA-256 of the file as Distributor has copied it",
            "untold": "nothing: Hash and HashType are left out",
            "content": "the SHA-256 of the document's content, the same for each attachment",
        },
        "The API reference calls it the hash of the document content, in a structure about one attachment, and shows no example.",
    ),
    Question(
        "attachment-checksum",
        "Does Distributor compare the files that it copies with the checksums of the manifest?",
        {
            "nodes-compare": "no: the version becomes Active, and nodes refuse a file whose sha256 is another",
            "service-compares": "yes: a version with a file whose sha256 is another is Failed",
        },
        "The guide wants the checksums in the manifest and does not say who checks them; the agent does.",
    ),
    Question(
        "duplicate-content",
        "With which versions does UpdateDocument compare new content before it says DuplicateDocumentContent?",
        {"latest": "with the latest, which is the one that is updated", "any": "with every version that the document has"},
        'The reference says that the content "matches another document" and nothing of versions.',
    ),
    Question(
        "download-folder-step",
        "On which platforms does AWS-ConfigureAWSPackage have its step createDownloadFolder?",
        {
            "windows-only": "in the document of every platform, with a precondition: Linux and macOS show it as Skipped",
            "absent": "the document that Linux and macOS get has the step configurePackage alone",
        },
        "A screenshot of a run on Windows shows the step; its body and its condition are not published.",
    ),
    Question(
        "group-lookup",
        "What does Run Command ask, as whoever sends a command, to find the nodes of a resource group?",
        {
            "members": "resource-groups:ListGroupResources",
            "query": "resource-groups:GetGroupQuery first, then ListGroupResources",
        },
        "AWS's policies for such callers have ListGroupResources; the service-linked role of Systems Manager has GetGroupQuery too.",
    ),
    Question(
        "run-command-star",
        "Does SendCommand take the target InstanceIds=*?",
        {
            "taken": "it stands for every managed node of the account and Region",
            "refused": "ValidationException: Run Command takes lists of ids, tags and resource groups",
        },
        "The reference of Target lists it for State Manager and Automation only; terraform-provider-aws 9188 quotes a refusal without it.",
    ),
    Question(
        "no-instances-status",
        "What is the Status of a command whose targets match no node (StatusDetails NoInstancesInTag)?",
        {"Success": "there was nothing to fail", "Failed": "nothing was done"},
        "The API reference has NoInstancesInTag among the details only.",
    ),
    Question(
        "delivery-timeout",
        "When is a node that does not take a command given up (DeliveryTimedOut)?",
        {
            "sum": "after TimeoutSeconds and the script's own time-out together, when the whole command expires",
            "delivery": "after TimeoutSeconds alone",
        },
        "The guide adds both; the API reference says that a command that has not started when TimeoutSeconds is reached will not run.",
    ),
    Question(
        "silent-node",
        "What is a managed node called that never took its command before it was given up?",
        {
            "DeliveryTimedOut": "the delivery timed out; the command is no Success then",
            "Undeliverable": "it was not responding; that alone does not keep a command from Success",
        },
        'The guide says "not responding" of Undeliverable and "not delivered before the total time-out" of Delivery Timed Out.',
    ),
    Question(
        "command-failed",
        "How many failed nodes make a whole command Failed instead of Incomplete?",
        {"reached": "MaxErrors of them, at least one", "exceeded": "more than MaxErrors"},
        'The API reference says "the value of MaxErrors or more", and that one more than MaxErrors stops the sending.',
    ),
    Question(
        "upgrade-refetch",
        "What does an agent do with the installed version's folder when it upgrades to a version it has never seen?",
        {
            "stock": "it fills the folder with the new version's files: the new uninstall script runs, and a roll-back cannot work",
            "kept": "it keeps the folder: the old version's own scripts take it away and bring it back",
        },
        "Amazon's agent 3.3.0.0 was seen to do the first, which looks like an oversight; nodes of a fleet run many releases.",
    ),
    Question(
        "unknown-node",
        "What does DescribeInstanceInformation say to an InstanceIds filter that names a node which is not managed (yet)?",
        {
            "refused": "InvalidInstanceId, as its reference says of ids that are not valid or not the caller's",
            "left-out": "nothing: the node is simply not in the answer, as scripts expect that wait for a new instance to register",
        },
        "API DescribeInstanceInformation says that one receives an error; public waiting loops around it read an empty list",
    ),
    Question(
        "stacksets-trust",
        "Does EnableAWSServiceAccess of Organizations alone give StackSets trusted access?",
        {
            "activated": "no: service-managed sets are refused until CloudFormation's own ActivateOrganizationsAccess was called",
            "enabled": "yes: either way of switching it on is enough",
        },
        "pepperize/cdk-organizations issue 1718 reports the first; the guides advise CloudFormation's way without saying why.",
    ),
    Question(
        "shared-version-deletion",
        "May one version of a shared document be deleted?",
        {"refused": "no, as little as the document itself", "allowed": "yes, unless it is the default"},
        "The API wants a document unshared before it is deleted, and says nothing of one of its versions.",
    ),
)


def question(question_id: str) -> Question:
    """Return a question of the register. Raises KeyError."""
    for each in QUESTIONS:
        if each.id == question_id:
            return each
    raise KeyError(f"{question_id} is no question of the register; there are {', '.join(_ids())}")


def chosen(words: Iterable[str]) -> dict[str, str]:
    """Return {question id: reading} of texts such as "runbook-lookup=strict". Raises UnknownReadingError with every problem."""
    found: dict[str, str] = {}
    problems: list[str] = []
    for word in words:
        question_id, _, reading = word.partition("=")
        if question_id not in _ids():
            problems.append(f"{word!r}: expected QUESTION=READING with one of {', '.join(_ids())}")
        elif reading not in (known := question(question_id).readings):
            problems.append(f"{word!r}: {question_id} has the readings {', '.join(known)}")
        elif found.setdefault(question_id, reading) != reading:
            problems.append(f"{word!r}: {question_id} was given as {found[question_id]} before; give it once")
    if problems:
        raise UnknownReadingError(problems)
    return found


def _ids() -> list[str]:
    return [each.id for each in QUESTIONS]
