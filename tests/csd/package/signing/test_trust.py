"""A trust root changes hands as TUF lets it: enough keys of the version before, and enough of its own."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import Signer, SSlibKey
from tuf.api.metadata import Metadata, Root

from csd.package.signing.trust import accept, missing, new_root, next_root, put_root, read_root, sign_root, verified
from csd_fakes.signing import DAY, NOW, key, payload, put_envelope, put_files, refused, trust_of, verify

ALICE, BOB, CAROL = key(1), key(2), key(3)
LATER = NOW + 400 * DAY


def root_of(*signers: Signer, threshold: int = 1) -> Metadata[Root]:
    return new_root([signer.public_key for signer in signers], threshold, LATER)


def signed(root: Metadata[Root], *signers: Signer, before: Metadata[Root] | None = None) -> Metadata[Root]:
    for signer in signers:
        sign_root(root, signer, "trust.json", before)
    return root


def test_two_people_hand_over_a_key_without_downtime(tmp_path: Path) -> None:
    """Bob joins, releases of both pass; Alice leaves, hers pass no more: each step is signed by the keys before and after."""
    first = signed(root_of(ALICE), ALICE)
    second = signed(next_root(first, [BOB.public_key], [], None, LATER), ALICE)
    both = accept(second, first, "next", NOW)
    third = signed(next_root(second, [], [ALICE.public_key.keyid], None, LATER), ALICE, BOB, before=second)
    one = accept(third, second, "next", NOW)
    old, new = tmp_path / "old", tmp_path / "new"
    put_envelope(old, payload(put_files(old)), ALICE)
    put_envelope(new, payload(put_files(new)), BOB)
    assert [verify(folder, both).keyids for folder in (old, new)] == [(ALICE.public_key.keyid,), (BOB.public_key.keyid,)]
    assert verify(new, one).keyids == (BOB.public_key.keyid,)
    assert "which the trust root does not know" in refused(lambda: verify(old, one))


def test_who_takes_over_needs_those_before() -> None:
    """A root that only its own keys have signed is not the next one; nor is one that its own keys have not."""
    first = signed(root_of(ALICE, BOB, threshold=2), ALICE, BOB)
    coup = signed(next_root(first, [CAROL.public_key], [BOB.public_key.keyid], 1, LATER), CAROL, ALICE, before=first)
    assert missing(coup, first) == (1, 0)
    assert "lacks 1 signatures of the keys that are trusted now" in refused(lambda: accept(coup, first, "next", NOW))
    half = signed(
        next_root(first, [CAROL.public_key], [ALICE.public_key.keyid, BOB.public_key.keyid], 1, LATER), ALICE, BOB, before=first
    )
    assert "lacks 1 signatures of its own keys" in refused(lambda: accept(half, first, "next", NOW))


def test_versions_come_one_after_another() -> None:
    """A root that skips a version, or is an old one, is not accepted."""
    first = signed(root_of(ALICE), ALICE)
    second = signed(next_root(first, [BOB.public_key], [], None, LATER), ALICE)
    third = signed(next_root(second, [CAROL.public_key], [], None, LATER), ALICE)
    assert "is version 3; after version 1 comes 2" in refused(lambda: accept(third, first, "next", NOW))
    assert "is version 1; after version 2 comes 3" in refused(lambda: accept(first, second, "next", NOW))


def test_a_root_counts_signed_and_in_time() -> None:
    """Unsigned and past roots are believed by nobody."""
    root = root_of(ALICE)
    assert "lacks 1 signatures of its own keys" in refused(lambda: verified(root, "trust.json", NOW))
    signed(root, ALICE)
    assert verified(root, "trust.json", NOW).threshold == 1
    assert "has expired" in refused(lambda: verified(root, "trust.json", LATER + timedelta(seconds=1)))


def test_a_past_root_still_hands_over() -> None:
    """Who comes late takes the next version from one that has expired: its keys are still the ones that were believed."""
    first = signed(new_root([ALICE.public_key], 1, NOW + DAY), ALICE)
    second = signed(next_root(first, [BOB.public_key], [], None, LATER), ALICE)
    assert accept(second, first, "next", NOW + 30 * DAY).version == 2


def test_strangers_do_not_sign_a_root() -> None:
    """Only a key of this version or of the one before has a signature to give."""
    assert "is no key of this trust root" in refused(lambda: signed(root_of(ALICE), BOB))


def test_one_key_is_one_key() -> None:
    """A key under two names would let one holder count twice."""
    again = SSlibKey("arn:aws:kms:x", "ed25519", "ed25519", dict(ALICE.public_key.keyval))
    assert "is the same key as" in refused(lambda: new_root([ALICE.public_key, again], 2, LATER))


@pytest.mark.parametrize("threshold", [0, -1, 3])
def test_a_threshold_can_be_met(threshold: int) -> None:
    """At least one, at most as many as there are keys."""
    assert f"wants {threshold} signatures of 2 keys" in refused(lambda: root_of(ALICE, BOB, threshold=threshold))


def test_an_unknown_key_is_not_removed() -> None:
    """Removing what is not there is a mistake, and is told."""
    first = signed(root_of(ALICE), ALICE)
    assert "x is no key of this trust root" in refused(lambda: next_root(first, [], ["x"], None, LATER))


def test_a_file_keeps_it(tmp_path: Path) -> None:
    """What is written is read back; what was changed in it does not count as signed."""
    path = tmp_path / "trust.json"
    put_root(path, signed(root_of(ALICE), ALICE))
    assert verified(read_root(path), str(path), NOW).keys == trust_of(ALICE).keys
    told = json.loads(path.read_text())
    told["signed"]["expires"] = "2099-01-01T00:00:00Z"
    path.write_text(json.dumps(told))
    assert "lacks 1 signatures of its own keys" in refused(lambda: verified(read_root(path), str(path), NOW))


def _targets(told: dict[str, Any]) -> None:
    told["signed"]["roles"]["targets"]["threshold"] = 2


def _kind(told: dict[str, Any]) -> None:
    told["signed"]["_type"] = "timestamp"


def _strange_key(told: dict[str, Any]) -> None:
    next(iter(told["signed"]["keys"].values())).update(keytype="ecdsa", scheme="ecdsa-sha2-nistp256")


def _nothing(told: dict[str, Any]) -> None:
    told.clear()


@pytest.mark.parametrize("change", [_targets, _kind, _strange_key, _nothing])
def test_hostile_roots(tmp_path: Path, change: Any) -> None:
    """What is no trust root of ours is refused when it is read."""
    path = tmp_path / "trust.json"
    put_root(path, signed(root_of(ALICE), ALICE))
    told = json.loads(path.read_text())
    change(told)
    path.write_text(json.dumps(told))
    assert "trust.json" in refused(lambda: read_root(path))
    path.write_bytes(b"[" * 100_000)
    assert "is no trust root" in refused(lambda: read_root(path))
    path.write_bytes(b" " * 300_000)
    assert "is larger than" in refused(lambda: read_root(path))
