"""The register of twenty broken packages: each in the state in which a user would have it, what csd says of it on the desk, and how it
ends when it is pushed through AWS's API all the same.

docs/explanation/broken-packages.md is made from here; test_desk.py and test_forced.py prove both columns.
"""

from collections.abc import Callable
from dataclasses import dataclass

from broken import making
from broken.making import EVERYWHERE, INSTALL, INSTALLED, TOOL, ZIP, Files, manifest, release, scripts, sealed, source, zipped


@dataclass(frozen=True)
class RefusedByApi:
    """CreateDocument answers with an error."""

    code: str
    words: str


@dataclass(frozen=True)
class DocumentFailed:
    """The document is made, and ends Failed with these words in its StatusInformation."""

    words: str


@dataclass(frozen=True)
class FailsOnNode:
    """The document is Active, and the command fails on the node with these words on its error output."""

    words: str


@dataclass(frozen=True)
class FalseSuccess:
    """Every command is Success, although `instead`: the proof is the file `path` on the node, which has `content`, or is not there.

    `said` is what the scripts' output has to say of it.
    """

    instead: str
    path: str
    content: bytes | None
    actions: tuple[str, ...] = ("Install",)
    said: str = ""


Forced = RefusedByApi | DocumentFailed | FailsOnNode | FalseSuccess


@dataclass(frozen=True)
class Broken:
    """One broken package. `verb` is the last command of csd that stops it, as csd package lint does before, with `rejected` as its words.

    {folder} in them is where it lies.
    """

    id: str
    title: str
    source: str
    folder: Callable[[], Files]
    verb: str
    rejected: str
    forced: Forced
    name: str = making.NAME
    asked: str = making.VERSION
    """The VersionName that CreateDocument is asked for."""
    is_assumed: bool = False
    """Whether `forced` is what localorg does where AWS's own documentation does not say who checks."""


BUILD, PUBLISH = "csd package build", "csd publish"
MATCHER = "agent source, birdwatcherservice"
LIMITS = "API CreateDocument"
GUIDE = "Distributor guide, Create a package"
DASH = "agent source, ssminstaller"
ONLY_SOME = b"""#!/bin/bash
if [[ -f tool ]]; then
  mkdir -p "${LOCALORG_NODE_ROOT:?}/opt/tool"
  cp tool "$LOCALORG_NODE_ROOT/opt/tool/tool"
fi
"""
ARRAY = b"""#!/bin/bash
files=(tool)
mkdir -p "${LOCALORG_NODE_ROOT:?}/opt/tool"
cp "${files[@]}" "$LOCALORG_NODE_ROOT/opt/tool/"
"""
SWALLOWS = b"""#!/bin/sh
dpkg -i --root="${LOCALORG_NODE_ROOT:?}" tool.deb || true
"""


def parent_zipped() -> Files:
    """The folder around the files is in the zip."""
    return sealed({f"my-tool/{name}": body for name, body in scripts().items()})


def star_beside_any() -> Files:
    """A zip for all other versions, under a key that the walk never comes to."""
    new = scripts(tool=b"the new tool\n")
    packages = {"_any": {"_any": {"_any": "old.zip"}, "*": {"_any": "new.zip"}}}
    return manifest({"old.zip": zipped(scripts()), "new.zip": zipped(new)}, packages)


def changed_after() -> Files:
    """The zip was made anew, the manifest was not."""
    return sealed(scripts()) | {ZIP: zipped(scripts(tool=b"a later tool\n"))}


def two_versions() -> Files:
    """The new version was written into release.json only."""
    files = sealed(scripts())
    return files | {"release.json": release(files, "1.1")}


def missing_zip() -> Files:
    """One of two zips was left behind."""
    both = {ZIP: zipped(scripts()), "tool-arm64.zip": zipped(scripts(tool=b"for arm64\n"))}
    files = manifest(both, {"_any": {"_any": {"x86_64": ZIP, "arm64": "tool-arm64.zip"}}})
    return {name: body for name, body in files.items() if name != ZIP}


def many_files() -> Files:
    """One zip for each of 21 versions of a system."""
    names = [f"tool-{number}.zip" for number in range(1, 22)]
    packages = {"ubuntu": {f"{number}.04": {"_any": f"tool-{number}.zip"} for number in range(1, 22)}}
    return manifest(dict.fromkeys(names, zipped(scripts())), packages)


def long_manifest() -> Files:
    """Every point release by itself."""
    return sealed(scripts(), {"ubuntu": {f"22.04.{number}": {"x86_64": ZIP, "arm64": ZIP} for number in range(900)}})


ROWS = (
    Broken(
        "parent-folder-zipped", "The folder around the files is in the zip", "CrowdStrike/Cloud-AWS#221; agent source, localpackages",
        parent_zipped, PUBLISH,
        "{folder}/tool.zip: CSD106: has its scripts below a folder, my-tool/install.sh, where the agent does not look. "
        "Try: (cd my-tool && zip -r ../NAME.zip .). Zip the files themselves, not the folder around them.",
        FailsOnNode("Package is not supported (package is missing install action)"),
    ),
    Broken(
        "two-implementations", "install.sh and install.ps1 in one zip", "agent source, ssminstaller resolveAction",
        lambda: source(scripts(install_ps1=b"exit 0\n")), BUILD,
        "{folder}/any: CSD102: has both install.sh and install.ps1 at its root. Give each system its own zip.",
        FailsOnNode("install has more than one implementation (sh, ps1, json)"),
    ),
    Broken(
        "one-file", "A zip with install.sh and nothing else", "agent source, localpackages ValidatePackage",
        lambda: source({"install.sh": b"#!/bin/sh\nexit 0\n"}), BUILD,
        "{folder}/any: CSD103: holds one file, which the agent calls incomplete. Add an uninstall script.",
        FailsOnNode("Package is incomplete"),
    ),
    Broken(
        "bash-array", "bash's arrays in install.sh", DASH,
        lambda: source(scripts(install_sh=ARRAY)), BUILD,
        "{folder}/any/install.sh:2: CSD304: In POSIX sh, arrays are undefined. (SC3030) Write it for sh.",
        FailsOnNode('install.sh: 2: Syntax error: "(" unexpected'),
    ),
    Broken(
        "bash-condition", "bash's [[ in a condition of install.sh", DASH,
        lambda: source(scripts(install_sh=ONLY_SOME)), BUILD,
        "{folder}/any/install.sh:2: CSD304: In POSIX sh, [[ ]] is undefined. (SC3010) Write it for sh.",
        FalseSuccess("dash does not know [[, takes the condition for false and installs nothing", INSTALLED, None, said="[[: not found"),
    ),
    Broken(
        "windows-line-ends", "install.sh was saved on Windows", DASH,
        lambda: source(scripts(install_sh=INSTALL.replace(b"\n", b"\r\n"))), BUILD,
        "{folder}/any/install.sh:1: CSD301: has Windows line ends, which sh takes for a part of each line's last word. "
        "Save it with plain line feeds (dos2unix).",
        FailsOnNode("set: Illegal option -\r"),
    ),
    Broken(
        "foreign-names", "The manifest says amd64, as Debian does", "aws/aws-codedeploy-agent#393; agent source, envdetect",
        lambda: sealed(scripts(), {"debian": {"_any": {"amd64": ZIP}}}), PUBLISH,
        "{folder}/manifest.json: packages: CSD206: debian/_any/amd64 can never be chosen: no agent calls its "
        "architecture 'amd64'; it says 'x86_64'. Correct it, or remove it.",
        FailsOnNode("no manifest found for platform: debian, version 12, architecture x86_64"),
    ),
    Broken(
        "architecture-hole", "An exact version has a zip for arm64 only, and hides the zip for all", MATCHER,
        lambda: sealed(scripts(), {"debian": {"12": {"arm64": ZIP}}, **EVERYWHERE}), PUBLISH,
        "{folder}/manifest.json: packages: CSD207: debian/12 has no zip for architectures other than arm64, and the "
        "agent does not fall back to _any/_any/_any once the version was taken. Name the missing ones in the narrow "
        "entry too.",
        FailsOnNode("no manifest found for platform: debian, version 12, architecture x86_64"),
    ),
    Broken(
        "star-beside-any", "A zip under '*' beside one under '_any'", MATCHER,
        star_beside_any, PUBLISH,
        "{folder}/manifest.json: packages: CSD206: _any/*/_any can never be chosen: _any/_any is tried first. Correct "
        "it, or remove it.",
        FalseSuccess("the walk ends at _any, so that no node ever gets the zip under '*'", INSTALLED, TOOL),
    ),
    Broken(
        "two-versions", "The document is asked for as 1.1, its manifest says 1.0", GUIDE,
        two_versions, PUBLISH,
        "{folder}/release.json: version: CSD403: says '1.1', and {folder}/manifest.json: version says '1.0'. Build it "
        "again; the version stands in package.yaml only.",
        RefusedByApi("InvalidDocumentContent", "version is '1.0' but VersionName is '1.1'; they must be equal"),
        asked="1.1",
        is_assumed=True,
    ),
    Broken(
        "changed-zip", "The zip was made anew after its manifest", GUIDE,
        changed_after, PUBLISH,
        "{folder}/tool.zip: CSD205: has sha256 92610e27e83fc22aa79e8030031a92f06f252a1f44eec9239e0849a1c6eccbb1, the "
        "manifest says 99488041db6eceae1a40c1931f22152656723ab40aa2d287ffc1a0930b4a2992. Write the manifest after the "
        "zips.",
        FailsOnNode("failed to verify hash of downloadinput"),
    ),
    Broken(
        "unlisted-zip", "The manifest names a zip that 'files' does not list", GUIDE,
        lambda: sealed(scripts(), {"_any": {"_any": {"_any": "other.zip"}}}), PUBLISH,
        "{folder}/manifest.json: packages: CSD202: names 'other.zip' for _any/_any/_any, which 'files' does not list. "
        "List it with its sha256.",
        RefusedByApi("InvalidDocumentContent", "packages._any._any._any.file is 'other.zip', which files does not list"),
        is_assumed=True,
    ),
    Broken(
        "missing-zip", "A listed zip never reached the bucket", "Distributor guide, Troubleshooting",
        missing_zip, PUBLISH,
        "{folder}/manifest.json: files.tool.zip: CSD204: {folder}/tool.zip is not there. Put it there, or correct its "
        "name.",
        DocumentFailed("tool.zip: NoSuchKey for s3://{bucket}/{prefix}/tool.zip: The specified key does not exist."),
    ),
    Broken(
        "too-many-files", "Twenty-one zips", f"{GUIDE}; API AttachmentsSourceList",
        many_files, PUBLISH,
        "{folder}/manifest.json: files: CSD602: lists 21 files. Let several platforms share a zip.",
        RefusedByApi("InvalidDocumentContent", "files names 21 files; a document has at most 20 attachments"),
        is_assumed=True,
    ),
    Broken(
        "long-manifest", "A manifest of more than 64 KB", f"{LIMITS}, MaxDocumentSizeExceeded",
        long_manifest, PUBLISH,
        "{folder}/manifest.json: CSD601: has 104512 bytes, more than 64000. List fewer targets, or a shorter "
        "description.",
        RefusedByApi("MaxDocumentSizeExceeded", "A document has at most 65536 bytes"),
    ),
    Broken(
        "reserved-name", "A name that begins as AWS's own do", f"{LIMITS}, Name",
        lambda: source(scripts(), "aws-tool"), BUILD,
        "{folder}/package.yaml: name: CSD401: 'aws-tool' begins with 'aws', which AWS keeps for itself. Choose another name.",
        RefusedByApi("ValidationException", "The document name aws-tool begins with aws, which is reserved for AWS."),
        name="aws-tool",
    ),
    Broken(
        "schema-of-commands", "schemaVersion 2.2, as Command documents have", GUIDE,
        lambda: sealed(scripts(), schemaVersion="2.2"), PUBLISH,
        "{folder}/manifest.json: schemaVersion: CSD201: must be '2.0'; found '2.2'. Correct it.",
        RefusedByApi("InvalidDocumentSchemaVersion", "A document of type Package has schemaVersion 2.0; this one says '2.2'."),
    ),
    Broken(
        "nothing-removed", "uninstall.sh removes nothing", "agent source, ssminstaller: the exit code is all it looks at",
        lambda: source(scripts(uninstall_sh=b"#!/bin/sh\nexit 0\n")), BUILD,
        "{folder}/any/uninstall.sh: CSD310: has no command that removes anything. Remove there what install makes.",
        FalseSuccess("the software is still there", INSTALLED, TOOL, ("Install", "Uninstall")),
    ),
    Broken(
        "swallowed-failure", "install.sh hides a failed dpkg behind || true", "agent source, pluginutil: 0 is success",
        lambda: source(scripts(install_sh=SWALLOWS, tool_deb=b"<html>404 Not Found</html>\n")), BUILD,
        "{folder}/any/install.sh:2: CSD313: goes on when 'dpkg -i --root=\"${{LOCALORG_NODE_ROOT:?}}\" tool.deb' fails. "
        "Let its exit code decide: 'set -e' and no '|| true'; in PowerShell -PassThru and ExitCode.",
        FalseSuccess("dpkg was given a web page and could not install it", INSTALLED, None, said="dpkg: "),
    ),
    Broken(
        "path-escape", "A member of the zip is called ../../../../evil", "agent source, fileutil Unzip",
        lambda: sealed(scripts() | {"../../../../evil": b"x"}), PUBLISH,
        "{folder}/tool.zip!../../../../evil: CSD502: leaves its folder ('..'). Do not install it; zip plain files "
        "anew, or ask whoever publishes it.",
        FailsOnNode("../../../../evil attepts to place files outside"),
    ),
)  # fmt: skip
"""Twenty, in the order of the page."""
