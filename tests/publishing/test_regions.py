"""A version in every Region's Distributor, over the wire, with authorisation: one that fails leaves the others, and a new run goes on."""

import json

import pytest

from csd.aws.publishing.publication import Order, Published, perform
from csd.aws.publishing.regions import How, State
from csd.cli.main import run
from csd.errors import CsdInputError
from csd.package.sealed import SealedPackage
from publishing.world import BUCKET, FAR, HOME, SHOP, World

pytestmark = pytest.mark.xdist_group("publishing-regions")
BOTH = [HOME, FAR]
# The rights of the how-to.
FILES = {"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"]}
FOLDER = {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:ListBucketMultipartUploads"], "Resource": f"arn:aws:s3:::{BUCKET}"}
DOCUMENTS = {
    "Effect": "Allow",
    "Action": [
        "ssm:CreateDocument", "ssm:UpdateDocument", "ssm:DescribeDocument", "ssm:GetDocument", "ssm:ListDocumentVersions",
        "ssm:UpdateDocumentDefaultVersion",
    ],
}  # fmt: skip


def publish(world: World, package: SealedPackage, regions: list[str] = BOTH, **how: bool) -> tuple[Published, list[str]]:
    lines: list[str] = []
    patient = How(pause=lambda _: None, **how)
    order = Order(package, package.name, BUCKET, package.release.address if package.release else "", regions, how=patient)
    return perform(world.principal(), order, lines.append, lambda _n, _c: None), lines


def add_versions(world: World, package: SealedPackage, first: int, last: int) -> None:
    """Let Distributor have versions 1.FIRST to 1.LAST as well, with the same files."""
    ssm, manifest = world.watched.simulation.client("ssm"), json.loads((package.folder / "manifest.json").read_text())
    address = f"s3://{BUCKET}/{package.release.address if package.release else ''}"
    for number in range(first, last + 1):
        told = {"Name": package.name, "VersionName": f"1.{number}", "Content": json.dumps({**manifest, "version": f"1.{number}"})}
        ssm.update_document(DocumentVersion="$LATEST", Attachments=[{"Key": "SourceUrl", "Values": [address]}], **told)


def states(told: Published) -> list[str]:
    return [outcome.state for outcome in told.outcomes]


def test_a_version_in_every_region_and_again(world: World) -> None:
    """Made where it is missing, Active and compared before it says done; again, nothing changes; the default stays what it was."""
    first, second = world.package("csd-all", "1.0.0"), world.package("csd-all", "1.1.0")
    told, lines = publish(world, first)
    assert states(told) == [State.PUBLISHED, State.PUBLISHED]
    assert f"{FAR}: csd-all 1.0.0 published" in lines
    assert states(publish(world, second)[0]) == [State.PUBLISHED, State.PUBLISHED]
    assert states(publish(world, second)[0]) == [State.THERE, State.THERE]
    for region in BOTH:
        ssm = world.client("ssm", region)
        assert ssm.describe_document(Name="csd-all")["Document"]["VersionName"] == "1.0.0"
        assert ssm.get_document(Name="csd-all", VersionName="1.1.0")["Content"] == (second.folder / "manifest.json").read_text()
        assert ssm.describe_document_permission(Name="csd-all", PermissionType="Share")["AccountIds"] == []
    publish(world, second, make_default=True)
    assert [world.client("ssm", r).describe_document(Name="csd-all")["Document"]["VersionName"] for r in BOTH] == ["1.1.0"] * 2


def test_other_content_under_a_version_is_refused_before_anything_is_sent(world: World) -> None:
    """P18, in Distributor: the Region is named, and what to do."""
    publish(world, world.package("csd-same", "1.0.0"), [FAR])
    world.watched.asked.clear()
    with pytest.raises(CsdInputError, match=f"csd-same 1.0.0 in {FAR}: is there with other content.*new version"):
        publish(world, world.package("csd-same", "1.0.0", b"other"))
    assert not any(line.startswith("PUT") for line in world.watched.asked)


def test_one_region_that_fails_leaves_the_other_and_a_new_run_goes_on(world: World) -> None:
    """AWS's reason and the cure for the Region; then --replace-failed publishes there what is missing."""
    package, s3 = world.package("csd-half", "1.0.0"), world.client("s3")
    once = publish(world, package, [HOME])[0]
    assert states(once) == [State.PUBLISHED]
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/csd-half/*.zip"}
    condition = {"StringEquals": {"aws:RequestedRegion": FAR}}
    s3.put_bucket_policy(
        Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [{**deny, "Condition": condition}]})
    )
    told, _ = publish(world, package)
    assert states(told) == [State.THERE, State.FAILED]
    assert "AccessDenied" in told.outcomes[1].said
    assert "you need s3:GetObject on them" in told.outcomes[1].said
    s3.delete_bucket_policy(Bucket=BUCKET)
    with pytest.raises(CsdInputError, match=f"csd-half 1.0.0 in {FAR}: is there, but Failed: .*--replace-failed"):
        publish(world, package)
    assert states(publish(world, package, replace_failed=True)[0]) == [State.THERE, State.PUBLISHED]


def test_a_failed_default_that_others_may_depend_on_is_not_removed(world: World) -> None:
    """Only who has no other version, and shares it with nobody, loses the whole document."""
    package, s3, ssm = world.package("csd-shared", "1.0.0"), world.client("s3"), world.client("ssm")
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/csd-shared/*.zip"}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    address = f"s3://{BUCKET}/csd-shared"
    body = {"Name": "csd-shared", "VersionName": "1.0.0", "Content": (package.folder / "manifest.json").read_text()}
    ssm.create_document(DocumentType="Package", Attachments=[{"Key": "SourceUrl", "Values": [address]}], **body)
    world.watched.simulation.run_for(60)
    s3.delete_bucket_policy(Bucket=BUCKET)
    ssm.modify_document_permission(Name="csd-shared", PermissionType="Share", AccountIdsToAdd=[SHOP])
    told, _ = publish(world, package, [HOME], replace_failed=True)
    assert (states(told), told.outcomes[0].said) == (
        [State.FAILED], f"csd-shared 1.0.0 in {HOME}: is Failed, and shared. Stop sharing the document first.",
    )  # fmt: skip
    ssm.modify_document_permission(Name="csd-shared", PermissionType="Share", AccountIdsToRemove=[SHOP])
    assert states(publish(world, package, [HOME], replace_failed=True)[0]) == [State.PUBLISHED]


def test_what_distributor_holds_is_compared_with_what_was_built(world: World) -> None:
    """A zip that is swapped in the bucket while AWS copies: the version is Active, and the comparison tells it."""
    package = world.package("csd-swapped", "1.0.0")
    name, s3 = package.files[0].name, world.watched.simulation.client("s3")

    def swap(line: str) -> None:
        if line.startswith("PUT") and "manifest.json" in line and package.release:
            s3.put_object(Bucket=BUCKET, Key=f"{package.release.address}/{name}", Body=b"evil")

    world.watched.before = swap
    told, _ = publish(world, package, [HOME])
    if states(told) == [State.FAILED]:  # under the reading by which the service compares
        assert "sha256" in told.outcomes[0].said
    else:
        assert states(told) == [State.DIFFERS]
        assert "Do not share it" in told.outcomes[0].said
        assert f"aws ssm delete-document --name csd-swapped --version-name 1.0.0 --region {HOME}" in told.outcomes[0].said


def test_the_ceiling_is_told_before_it_is_reached_and_nothing_is_sent_beyond(world: World) -> None:
    """Documented: 25 versions of a package. From 20 on every publish warns."""
    first = world.package("csd-many", "1.0")
    assert not any("csd package prune" in line for line in publish(world, first, [HOME])[1])
    add_versions(world, first, 2, 19)
    _, lines = publish(world, world.package("csd-many", "2.0"), [HOME])
    assert (
        "warning: csd-many in us-east-1 has 20 versions of 25 with this one: csd package prune csd-many --regions us-east-1"
        in lines
    )
    add_versions(world, first, 21, 25)
    world.watched.asked.clear()
    with pytest.raises(CsdInputError, match="has 25 versions.*None may go as it is; see why: csd package prune csd-many"):
        publish(world, world.package("csd-many", "2.1"), [HOME])
    assert not any(line.startswith("PUT") for line in world.watched.asked)


def test_exit_codes_and_the_rights_that_suffice(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 done; 1 where a Region refuses, the other is published; the rights are those that the how-to lists."""
    package = world.package("csd-exit", "1.0.0")
    file = {**FILES, "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    here, both = (f"arn:aws:ssm:{region}:111111111111:document/csd-exit" for region in (HOME, "*"))
    reading = {**DOCUMENTS, "Action": ["ssm:ListDocumentVersions", "ssm:GetDocument", "ssm:DescribeDocument"], "Resource": both}
    people = {
        "half": world.person("half", file, FOLDER, {**DOCUMENTS, "Resource": here}, reading),
        "whole": world.person("whole", file, FOLDER, {**DOCUMENTS, "Resource": both}),
    }
    codes, told = {}, {}
    for name, settings in people.items():
        for key, value in settings.items():
            monkeypatch.setenv(key, value)
        codes[name] = run(["publish", str(package.folder), "--bucket", BUCKET, "--regions", f"{HOME}, {FAR}", "--json"])
        told[name] = json.loads(capsys.readouterr().out)["regions"]
    assert codes == {"half": 1, "whole": 0}
    assert {region: one["state"] for region, one in told["half"].items()} == {HOME: "published", FAR: "refused"}
    assert "ssm:CreateDocument" in told["half"][FAR]["said"]
    assert "docs/how-to/publish-a-package.md" in told["half"][FAR]["said"]
    assert {region: one["state"] for region, one in told["whole"].items()} == {HOME: "was there", FAR: "published"}
