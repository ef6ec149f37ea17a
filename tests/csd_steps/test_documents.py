"""Publishing, awaiting, sharing and the runbook's copies: one Region after the other, nothing swallowed, everything repeatable."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from csd_fakes.steps import Document, Version, World, manifest
from csd_steps import bring_runbook, check_documents, publish_package, share_documents

HOME, AWAY = "us-east-1", "eu-west-1"
RUNBOOK = "CSD-DistributeSoftwarePackage"


def publish(world: World, region: str = AWAY, **changes: Any) -> Any:
    asked = {
        "name": "csd-hello",
        "version": "1.0.0",
        "bucketName": "packages",
        "bucketPrefix": "hello",
        "home": HOME,
        "region": region,
        "manifest": "",
    }
    return publish_package.handler(asked | changes, None, world.client)


def with_manifest(text: str = "", **state: Any) -> World:
    return World(objects={"packages/hello/manifest.json": text or manifest()}, **state)


def test_a_new_package_is_created_from_its_folder() -> None:
    """Documented: AttachmentsSource API: SourceUrl is one S3 folder."""
    world = with_manifest()
    assert publish(world) == {"published": "csd-hello 1.0.0 created in eu-west-1"}
    created = next(call[3] for call in world.calls if call[2] == "CreateDocument")
    assert created["Attachments"] == [{"Key": "SourceUrl", "Values": ["s3://packages/hello"]}]
    assert (created["DocumentType"], created["VersionName"]) == ("Package", "1.0.0")


@pytest.mark.parametrize(
    ("prefix", "key", "folder"),
    [("", "manifest.json", ""), ("a/b/", "a/b/manifest.json", "/a/b"), ("/a", "a/manifest.json", "/a")],
)
def test_d11_the_folder_with_and_without_prefix(prefix: str, key: str, folder: str) -> None:
    """D11: no global host, no partition, no trailing slash in the source's address."""
    world = World(objects={f"packages/{key}": manifest()})
    publish(world, bucketPrefix=prefix)
    created = next(call[3] for call in world.calls if call[2] == "CreateDocument")
    assert created["Attachments"][0]["Values"] == [f"s3://packages{folder}"]


def test_d4_only_already_exists_means_exists() -> None:
    """D4: every other refusal of CreateDocument reaches the operator as it is."""
    for code in ("AccessDeniedException", "DocumentLimitExceeded", "InvalidDocumentContent", "ThrottlingException"):
        world = with_manifest(refuse={"CreateDocument": code})
        with pytest.raises(ClientError, match=code):
            publish(world)
        assert world.count("UpdateDocument") == 0


def test_d7_the_same_version_again_changes_nothing() -> None:
    """D7: equal content, compared as content, is no new version, however its JSON is spaced."""
    world = with_manifest()
    publish(world)
    world.objects["packages/hello/manifest.json"] = manifest().replace(" ", "  ")
    assert publish(world)["published"] == "csd-hello 1.0.0 was there in eu-west-1"
    assert world.count("UpdateDocument") == 0


def test_d7_changed_files_need_a_new_version() -> None:
    """D7: the same version name with other content is refused, not taken for the same."""
    world = with_manifest()
    publish(world)
    world.objects["packages/hello/manifest.json"] = manifest(digest="cd")
    with pytest.raises(ValueError, match="exists in eu-west-1 with other content: publish changed files as a new version"):
        publish(world)


def test_d7_going_back_to_an_older_version() -> None:
    """D7: an existing version that is not the default is found and used again."""
    world = with_manifest()
    publish(world)
    world.objects["packages/hello/manifest.json"] = manifest("2.0.0")
    publish(world, version="2.0.0")
    world.documents[AWAY, "csd-hello"].default = "2"
    world.objects["packages/hello/manifest.json"] = manifest()
    assert publish(world)["published"] == "csd-hello 1.0.0 was there in eu-west-1"


def test_d8_the_version_must_be_the_manifests() -> None:
    """D8: the two must be equal, and the message says both."""
    with pytest.raises(ValueError, match=r"manifest.json says version '1.0.0', asked for '1.0.1'"):
        publish(with_manifest(), version="1.0.1")


def test_d10_only_the_manifest_is_read() -> None:
    """D10: no listing of the bucket; a missing manifest is named."""
    world = World()
    with pytest.raises(ValueError, match=r"s3://packages/hello/manifest.json does not exist: upload the package first"):
        publish(world)
    assert [call[2] for call in world.calls] == ["GetObject"]


def ready(status: str = "Active", reason: str = "", regions: tuple[str, ...] = (HOME, AWAY)) -> World:
    """Runbook Active everywhere; the package's version 2 (not the default) in the given state in the last Region."""
    world = World()
    for region in regions:
        world.documents[region, RUNBOOK] = Document("Automation", [Version("1", "", "{}", world.now)])
        state = (status, reason) if region == regions[-1] else ("Active", "")
        versions = [
            Version("1", "1.0.0", "old", world.now),
            Version("2", "2.0.0", "new", world.now, *state),
        ]
        world.documents[region, "csd-hello"] = Document("Package", versions)
    return world


def check(world: World, action: str = "Install", look: int = 1) -> Any:
    asked = {"action": action, "runbook": RUNBOOK, "name": "csd-hello", "version": "2.0.0", "regions": [HOME, AWAY]}
    return check_documents.handler(asked | {"look": look}, None, world.client)


def test_d5_every_region_is_looked_at() -> None:
    """D5: the run waits for the Region that is not ready, wherever it is."""
    found = check(ready("Creating"))
    assert (found["state"], found["waiting"]) == ("Waiting", "csd-hello 2.0.0 in eu-west-1 is Creating")
    assert check(ready())["state"] == "Active"


def test_d5_the_home_region_need_not_be_a_target() -> None:
    """D5: only target Regions are asked."""
    world = ready(regions=(AWAY,))
    asked = {"action": "Install", "runbook": RUNBOOK, "name": "csd-hello", "version": "2.0.0", "regions": [AWAY]}
    assert check_documents.handler(asked | {"look": 1}, None, world.client)["state"] == "Active"


def test_d5_failed_ends_the_run_with_awss_reason() -> None:
    """D5: Failed is an end, not something to wait for. Documented: DocumentStatus, StatusInformation."""
    with pytest.raises(RuntimeError, match=r"csd-hello 2.0.0 in eu-west-1: no such bucket.*Remove the failed version"):
        check(ready("Failed", reason="no such bucket"))


def test_the_default_version_is_not_mistaken_for_the_new_one() -> None:
    """The version asked for is looked at by name. Documented: reads without a version return the default."""
    world = ready("Creating")
    assert world.documents[AWAY, "csd-hello"].default == "1"
    assert check(world)["state"] == "Waiting"


def test_uninstall_waits_for_the_runbook_alone() -> None:
    """A package that is being removed need not have a version in the making."""
    assert check(ready("Creating"), "Uninstall")["state"] == "Active"


@pytest.mark.parametrize(("look", "wait"), [(1, "PT2S"), (4, "PT6S"), (10, "PT27S"), (22, "PT120S"), (100, "PT120S")])
def test_waits_grow_from_look_to_look(look: int, wait: str) -> None:
    """Small packages are looked at after seconds, large ones every two minutes."""
    assert check(ready("Creating"), look=look)["wait"] == wait


def test_a_hundred_looks_reach_over_two_hours() -> None:
    """Sized for 20 files of 1 GB. Documented: a loop has at most 100 iterations."""
    seconds = sum(int(check(ready("Creating"), look=look)["wait"][2:-1]) for look in range(1, 101))
    assert 2 * 3600 < seconds < 4 * 3600


def share(world: World, accounts: list[str], action: str = "Install") -> Any:
    asked = {
        "action": action,
        "runbook": RUNBOOK,
        "name": "csd-hello",
        "version": "2.0.0",
        "accounts": ",".join(accounts),
        "region": AWAY,
    }
    return share_documents.handler(asked, None, world.client)


def test_d15_shared_with_exactly_the_targets() -> None:
    """D15: accounts that left lose the share, all pages of the permission are read, and batches hold at most 20."""
    world = ready()
    held = world.documents[AWAY, "csd-hello"].shared
    held.update({f"{n:012d}": "$ALL" for n in range(30, 75)} | {"all": "$DEFAULT"})
    wanted = [f"{n:012d}" for n in range(1, 46)]
    share(world, wanted)
    assert held == dict.fromkeys(wanted, "$ALL")


def test_a_default_only_share_is_widened() -> None:
    """What an older tool shared by its default version is shared with $ALL. Documented: ModifyDocumentPermission API."""
    world = ready()
    world.documents[AWAY, "csd-hello"].shared["222222222222"] = "$DEFAULT"
    share(world, ["222222222222"])
    assert world.documents[AWAY, "csd-hello"].shared == {"222222222222": "$ALL"}


def test_d18_the_runbook_is_shared_in_the_region_and_never_taken_away() -> None:
    """D18: members can read the runbook; other packages' targets keep it."""
    world = ready()
    world.documents[AWAY, RUNBOOK].shared["999999999999"] = "$DEFAULT"
    share(world, ["222222222222"], "Uninstall")
    assert set(world.documents[AWAY, RUNBOOK].shared) == {"222222222222", "999999999999"}
    assert world.documents[AWAY, "csd-hello"].shared == {}


def test_d6_default_only_when_active_and_shared() -> None:
    """D6: a version in the making never becomes the default; an Active one does, after sharing."""
    world = ready("Creating")
    with pytest.raises(RuntimeError, match="csd-hello 2.0.0 is still Creating"):
        share(world, ["222222222222"])
    assert world.documents[AWAY, "csd-hello"].default == "1"
    world = ready()
    share(world, ["222222222222"])
    operations = [call[2] for call in world.calls]
    assert operations.index("UpdateDocumentDefaultVersion") > max(
        i for i, o in enumerate(operations) if o == "ModifyDocumentPermission"
    )
    assert world.documents[AWAY, "csd-hello"].default == "2"


def test_sharing_twice_changes_nothing() -> None:
    """Idempotent: the second run asks, and changes nothing."""
    world = ready()
    share(world, ["222222222222"])
    world.calls.clear()
    share(world, ["222222222222"])
    assert {call[2] for call in world.calls} == {"DescribeDocumentPermission", "DescribeDocument"}


def bring(world: World, region: str = AWAY) -> str:
    return str(bring_runbook.handler({"runbook": RUNBOOK, "home": HOME, "region": region}, None, world.client)["brought"])


def test_d18_the_runbook_follows_the_home_regions_default() -> None:
    """D18: created once, left alone while equal, updated and made the default when the home version changes, and back again."""
    world = World()
    home = world.documents[HOME, RUNBOOK] = Document(
        "Automation", [Version("1", "", "one", world.now), Version("2", "", "two", world.now)]
    )
    assert bring(world) == "created"
    assert bring(world) == "it was there"
    home.default = "2"
    assert bring(world) == "updated"
    away = world.documents[AWAY, RUNBOOK]
    assert (away.default, away.versions[-1].content) == ("2", "two")
    assert bring(world, HOME) == "it is at home here"


def test_an_update_that_was_cut_off_is_finished() -> None:
    """The newest version is right but not the default: it becomes the default, no version is added."""
    world = World()
    world.documents[HOME, RUNBOOK] = Document("Automation", [Version("1", "", "two", world.now)])
    away = world.documents[AWAY, RUNBOOK] = Document(
        "Automation", [Version("1", "", "one", world.now), Version("2", "", "two", world.now)]
    )
    assert bring(world) == "updated"
    assert (away.default, len(away.versions)) == ("2", 2)


def test_a_runbook_that_goes_back_is_found_among_all_versions() -> None:
    """Assumed either way: AWS may call content a duplicate of any version, not only of the newest."""
    world = World(all_versions_compared=True)
    home = world.documents[HOME, RUNBOOK] = Document("Automation", [Version("1", "", "one", world.now)])
    away = world.documents[AWAY, RUNBOOK] = Document(
        "Automation", [Version("1", "", "one", world.now), Version("2", "", "two", world.now)], default="2"
    )
    assert bring(world) == "updated"
    assert (home.default, away.default, len(away.versions)) == ("1", "1", 2)


def test_a_refusal_while_bringing_is_not_swallowed() -> None:
    """Only InvalidDocument means that the Region has no copy."""
    world = World(refuse={"CreateDocument": "AccessDeniedException"})
    world.documents[HOME, RUNBOOK] = Document("Automation", [Version("1", "", "one", world.now)])
    with pytest.raises(ClientError, match="AccessDenied"):
        bring(world)
