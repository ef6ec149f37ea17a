"""Rules about the manifest and matching (2xx), names and versions (4xx), and limits of documents (6xx)."""

from csd.package.lint.rule import Rule

_GUIDE = "Distributor guide, 'Create a package'"
_WALK = "amazon-ssm-agent, birdwatcherservice: platform, version, architecture; it never goes back a step."

SHAPE = Rule("CSD201", "error", "The manifest is JSON with schemaVersion \"2.0\", version, packages and files.", "Correct it.",
    f"{_GUIDE}: the manifest's members.", '{"version": 1}', '{"schemaVersion": "2.0", "version": "1.0", …}')  # fmt: skip
UNLISTED = Rule("CSD202", "error", "Every zip that a platform names is listed in 'files'.", "List it with its sha256.",
    "amazon-ssm-agent, findFileFromManifest: 'failed to find file for'.", '"file": "a.zip", and no files."a.zip"',
    '"files": {"a.zip": {"checksums": {"sha256": "…"}}}')  # fmt: skip
UNUSED = Rule("CSD203", "error", "Every listed zip is for some platform.", "Remove it, or name it in 'packages'.",
    "csd publish refuses what no node would get.", "files.old.zip, which no platform names", "only zips that are used")  # fmt: skip
ABSENT = Rule("CSD204", "error", "Every listed zip stands beside the manifest.", "Put it there, or correct its name.",
    "Distributor copies the files that the manifest names: the document ends Failed.", "manifest.json without its zip",
    "manifest.json and its zips")  # fmt: skip
DIGEST = Rule("CSD205", "error", "Every zip has the sha256 that the manifest says.", "Write the manifest after the zips.",
    f"{_GUIDE}: checksums; the agent compares them too.", "a zip changed after its manifest", "sha256sum NAME.zip")  # fmt: skip
UNREACHABLE = Rule("CSD206", "error", "Every entry of the manifest is the end of some node's walk.", "Correct it, or remove it.",
    _WALK, "platform rhel", "platform redhat")  # fmt: skip
HOLE = Rule("CSD207", "error", "No node falls between a narrow entry and a wider one.", "Name the missing ones in the narrow entry too.",
    _WALK, "ubuntu/22.04/x86_64 and ubuntu/_any/_any", "ubuntu/22.04/_any and ubuntu/_any/_any")  # fmt: skip
UNFIT = Rule("CSD208", "error", "package.yaml, and what it names, can be built.", "Then build it: csd package build DIR.",
    "csd package build refuses it, and writes nothing.", "a folder that is not there, a link among its files",
    "plain files beside package.yaml")  # fmt: skip
ACCEPTED = Rule("CSD209", "error", "Findings are accepted by id, with a reason, where they are a matter of judgement.",
    "Write accept: {ID: reason}, or --accept ID=REASON; correct what cannot be accepted.",
    "What AWS or the agent refuses, and what is unsafe to unpack, does not become right by a reason.",
    "accept: {CSD101: later}", "accept: {CSD304: every node of ours has bash as sh, OPS-12}")  # fmt: skip
RESERVED = Rule("CSD401", "error", "A name does not begin as AWS's own do.", "Choose another name.",
    "API CreateDocument, Name: aws, amazon, amzn are kept for AWS.", "aws-monitor", "my-monitor")  # fmt: skip
PUBLISHED = Rule("CSD402", "error", "A name is not that of a package that AWS publishes.", "Choose another name.",
    "amazon-ssm-agent asks AWS's own packages first: by name the node gets AWS's.", "AmazonCloudWatchAgent",
    "my-cloudwatch-agent")  # fmt: skip
VERSIONS_DIFFER = Rule("CSD403", "error", "A package has one version.", "Build it again; the version stands in package.yaml only.",
    f"{_GUIDE}: the manifest's version must be the VersionName.", "release.json 1.1, manifest.json 1.0", "1.1 in both")  # fmt: skip
NO_NAME = Rule("CSD404", "error", "Names and versions have the form that SSM takes.",
    "Use 3-128 (a version: 1-128) letters, digits, '_', '-' and '.'.", "API CreateDocument, Name and VersionName.",
    '"version": "1.0 beta"', '"version": "1.0-beta"')  # fmt: skip
MANIFEST_TOO_LARGE = Rule("CSD601", "error", "A manifest has at most 64 KB.", "List fewer targets, or a shorter description.",
    "API CreateDocument, MaxDocumentSizeExceeded.", "a manifest of 70,000 bytes", "one of 20,000")  # fmt: skip
TOO_MANY = Rule("CSD602", "error", "A package has at most 20 files.", "Let several platforms share a zip.",
    "API CreateDocument, Attachments: at most 20.", "21 zips", "20 zips")  # fmt: skip

MANIFEST_RULES = (SHAPE, UNLISTED, UNUSED, ABSENT, DIGEST, UNREACHABLE, HOLE, UNFIT, ACCEPTED, RESERVED, PUBLISHED, VERSIONS_DIFFER,
    NO_NAME, MANIFEST_TOO_LARGE, TOO_MANY)  # fmt: skip
