"""Everything that can be wrong with a signed folder is refused, each with its own sentence; every bit of it matters."""

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from csd.errors import CsdInputError
from csd.package.release import SIGNED_RELEASE_FILE, canonical
from csd.package.signing.envelope import ENVELOPE_BYTES_MAX
from csd.package.signing.floors import raise_floor, read_floors
from csd.package.signing.verify import Expected, verify_folder
from csd_fakes.signing import DAY, NOW, key, payload, put_envelope, put_files, refused, trust_of, verify

ALICE, BOB, MALLORY = key(1), key(2), key(3)


def folder_of(tmp_path: Path, *signers: Any, **changes: Any) -> Path:
    folder = tmp_path / "sealed"
    put_envelope(folder, payload(put_files(folder), **changes), *(signers or (ALICE,)))
    return folder


def test_what_was_signed_is_verified(tmp_path: Path) -> None:
    """A whole folder passes, and says by whose key; a signer that nobody trusts is told and ignored."""
    folder = folder_of(tmp_path, ALICE, MALLORY)
    found = verify(folder, trust_of(ALICE, BOB), name="tiny", version="1.2.0", floor="1.0")
    assert found.keyids == (ALICE.public_key.keyid,)
    assert found.ignored == (MALLORY.public_key.keyid,)
    assert (found.statement.release.name, found.statement.release.version) == ("tiny", "1.2.0")


def test_a_threshold_counts_keys(tmp_path: Path) -> None:
    """Two of three: two keys pass, one does not, and one key that signs twice is one."""
    trust = trust_of(ALICE, BOB, key(4), threshold=2)
    folder = folder_of(tmp_path, ALICE, BOB)
    assert len(verify(folder, trust).keyids) == 2
    told = json.loads((folder / SIGNED_RELEASE_FILE).read_text())
    told["signatures"] = [one for one in told["signatures"] if one["keyid"] == ALICE.public_key.keyid] * 2
    (folder / SIGNED_RELEASE_FILE).write_text(json.dumps(told))
    assert "has 1 of 2 signatures that the trust root asks for" in refused(lambda: verify(folder, trust))


STALE: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"expires": "2026-11-25T07:00:00Z"}, {}, "has expired at 2026-11-25T07:00:00Z. Have it signed anew"),
    ({"issued": "2026-11-25T07:10:01Z"}, {}, "was issued at 2026-11-25T07:10:01Z, which is to come"),
    ({}, {"floor": "1.10.0"}, "is version 1.2.0, below the floor 1.10.0: an older release that must not come back"),
    ({}, {"floor": "1.0", "floors": {"tiny": "2"}}, "below the floor 2"),
    ({}, {"name": "other"}, "is of package tiny, not other"),
    ({}, {"version": "1.2.1"}, "is of version 1.2.0, not 1.2.1"),
    ({"floor": "1.3"}, {}, "1.3 is above the version itself"),
    ({"floor": "a/b"}, {}, "'a/b' is no version"),
    ({"floor": None}, {}, "floor: found None"),
    ({"expires": "2027-11-25"}, {}, "has no time it can be judged by"),
    ({"name": "../x"}, {}, "name: found '../x'"),
    ({"more": 1}, {}, "says more than this csd knows"),
    ({"files": {"a.zip": {"sha256": "x", "size": 1}}}, {}, "files.a.zip: is no digest"),
]


@pytest.mark.parametrize(("changes", "expected", "words"), STALE, ids=[str(number) for number in range(len(STALE))])
def test_truly_signed_and_still_refused(tmp_path: Path, changes: dict[str, Any], expected: dict[str, Any], words: str) -> None:
    """A signature says who, not that it is still good, or that it is for this."""
    folder = folder_of(tmp_path, **changes)
    assert words in refused(lambda: verify(folder, trust_of(ALICE), **expected))


def test_who_signed_matters(tmp_path: Path) -> None:
    """Unsigned, signed by nobody who is trusted, and signed wrongly are three things."""
    folder = tmp_path / "sealed"
    release = put_files(folder)
    assert "there is no such folder" in refused(lambda: verify(tmp_path / "nowhere", trust_of(ALICE)))
    assert "is not signed: there is no release.dsse.json" in refused(lambda: verify(folder, trust_of(ALICE)))
    put_envelope(folder, payload(release), MALLORY)
    assert "which the trust root does not know" in refused(lambda: verify(folder, trust_of(ALICE)))
    told = json.loads((folder / SIGNED_RELEASE_FILE).read_text())
    told["signatures"][0]["keyid"] = ALICE.public_key.keyid
    (folder / SIGNED_RELEASE_FILE).write_text(json.dumps(told))
    assert "does not hold" in refused(lambda: verify(folder, trust_of(ALICE)))


def test_a_wrong_signature_spoils_right_ones(tmp_path: Path) -> None:
    """A signature of a trusted key that does not hold is a sign of tampering, however many others hold."""
    folder = folder_of(tmp_path, ALICE, BOB)
    told = json.loads((folder / SIGNED_RELEASE_FILE).read_text())
    wrong = bytearray(base64.b64decode(told["signatures"][1]["sig"]))
    wrong[0] ^= 1
    told["signatures"][1]["sig"] = base64.b64encode(bytes(wrong)).decode()
    (folder / SIGNED_RELEASE_FILE).write_text(json.dumps(told))
    assert "does not hold" in refused(lambda: verify(folder, trust_of(ALICE, BOB)))


FILES: list[tuple[Callable[[Path], object], str]] = [
    (lambda folder: (folder / "a.zip").write_bytes(b"b.zip 1.2.0"), "has sha256"),
    (lambda folder: (folder / "a.zip").write_bytes(b"longer than it was"), "has 18 bytes; signed are 11"),
    (lambda folder: (folder / "a.zip").unlink(), "a.zip: is signed, and is not here"),
    (lambda folder: (folder / "c.zip").write_bytes(b""), "c.zip: is no file of the signed release"),
    (lambda folder: (folder / "sbom.cdx.json").write_bytes(b"[]"), "sbom.cdx.json: has sha256"),
    (lambda folder: (folder / "release.json").write_text("{}\n"), "tells something else than what was signed"),
    (lambda folder: _to_link(folder / "a.zip"), "a.zip: is no plain file"),
    (lambda folder: _to_pipe(folder / "b.zip"), "b.zip: is no plain file"),
    (lambda folder: _to_link(folder / SIGNED_RELEASE_FILE), "release.dsse.json: is no plain file"),
]


def _to_link(path: Path) -> None:
    moved = path.parent.parent / path.name
    path.rename(moved)
    path.symlink_to(moved)


def _to_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(("change", "words"), FILES, ids=[str(number) for number in range(len(FILES))])
def test_every_file_is_the_signed_one(tmp_path: Path, change: Callable[[Path], object], words: str) -> None:
    """A zip swapped, cut, missing or more, and what stands beside: each is named with what was signed."""
    folder = folder_of(tmp_path)
    change(folder)
    assert words in refused(lambda: verify(folder, trust_of(ALICE)))


def test_a_manifest_of_other_files_is_refused(tmp_path: Path) -> None:
    """The signer's own mistakes: a manifest of another version, or of other zips than are signed."""
    folder = tmp_path / "sealed"
    release = put_files(folder, "1.2.0")
    put_envelope(folder, payload(release, version="1.3.0"), ALICE)
    assert "is not of version 1.3.0, which is signed" in refused(lambda: verify(folder, trust_of(ALICE)))
    told = payload(release)
    files = {name: digest for name, digest in told["files"].items() if name != "b.zip"}
    put_envelope(folder, {**told, "files": files}, ALICE)
    (folder / "b.zip").unlink()
    assert "lists other zips than are signed" in refused(lambda: verify(folder, trust_of(ALICE)))


HOSTILE: list[tuple[bytes, str]] = [
    (b"", "is not the JSON of an envelope"),
    (b"[" * 100_000, "is not the JSON of an envelope"),
    (b" " * (ENVELOPE_BYTES_MAX + 1), "is larger than"),
    (b"\xff\xfe", "is not the JSON of an envelope"),
    (b"[]", "is no envelope"),
    (b'{"payload":"","payload":"","payloadType":"","signatures":[]}', "a name comes twice"),
    (b'{"payload":"","payloadType":"x","signatures":[]}', "carries 'x', not application/vnd.csd.release+json"),
    (b'{"payload":1,"payloadType":"x","signatures":[]}', "is no envelope"),
    (b'{"payload":"","payloadType":"application/vnd.csd.release+json","signatures":[]}', "has 0 signatures"),
    (b'{"payload":"","payloadType":"application/vnd.csd.release+json","signatures":[{}]}', "has no keyid or no sig"),
    (
        b'{"payload":"!","payloadType":"application/vnd.csd.release+json","signatures":[{"keyid":"k","sig":"YQ=="}]}',
        "is not base64",
    ),
    (
        b'{"payload":"YR==","payloadType":"application/vnd.csd.release+json","signatures":[{"keyid":"k","sig":"YQ=="}]}',
        "is not base64 as it is written",
    ),
    (
        b'{"payload":"","payloadType":"application/vnd.csd.release+json","signatures":'
        + json.dumps([{"keyid": f"{number}", "sig": "YQ=="} for number in range(11)]).encode()
        + b"}",
        "has 11 signatures; it must have 1 to 10",
    ),
    (
        b'{"payload":"","payloadType":"application/vnd.csd.release+json","signatures":[{"keyid":"k","sig":""}]}',
        "is 0 bytes long",
    ),
]


@pytest.mark.parametrize(("content", "words"), HOSTILE, ids=[str(number) for number in range(len(HOSTILE))])
def test_hostile_envelopes(tmp_path: Path, content: bytes, words: str) -> None:
    """What strangers write is measured before it is parsed, and never half read."""
    folder = tmp_path / "sealed"
    put_files(folder)
    (folder / SIGNED_RELEASE_FILE).write_bytes(content)
    assert words in refused(lambda: verify(folder, trust_of(ALICE)))


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"a":NaN}', b'{"a":1.0}', b"\xff", b'{"a": 1}', b"[" * 50_000])
def test_hostile_payloads_of_a_trusted_key(tmp_path: Path, content: bytes) -> None:
    """A signature does not make a payload well formed."""
    folder = tmp_path / "sealed"
    put_files(folder)
    put_envelope(folder, content, ALICE)
    assert "payload" in refused(lambda: verify(folder, trust_of(ALICE)))


def test_a_payload_has_one_spelling(tmp_path: Path) -> None:
    """The same value written otherwise is refused, so that no reader can be told something else."""
    folder = tmp_path / "sealed"
    told = payload(put_files(folder))
    put_envelope(folder, json.dumps(told).encode(), ALICE)
    assert "is not written as a statement is" in refused(lambda: verify(folder, trust_of(ALICE)))
    twice = canonical(told).replace('"name":"tiny"', '"name":"evil","name":"tiny"').encode()
    put_envelope(folder, twice, ALICE)
    assert "is not written as a statement is" in refused(lambda: verify(folder, trust_of(ALICE)))


def test_a_path_that_was_signed_leads_nowhere(tmp_path: Path) -> None:
    """Names of files are names of files of the folder, even when a trusted key has signed others."""
    folder = tmp_path / "sealed"
    told = payload(put_files(folder))
    put_envelope(folder, {**told, "files": {**told["files"], "../secret": told["files"]["a.zip"]}}, ALICE)
    assert "'../secret' is no name of a file beside it" in refused(lambda: verify(folder, trust_of(ALICE)))


def test_floors_are_remembered(tmp_path: Path) -> None:
    """A state file raises its floors, and never lowers them; the next verification refuses what is older."""
    state = tmp_path / "floors.json"
    assert read_floors(state) == {}
    folder = folder_of(tmp_path, floor="1.2.0")
    raise_floor(state, verify(folder, trust_of(ALICE)).statement)
    assert read_floors(state) == {"tiny": "1.2.0"}
    lower = folder_of(tmp_path, floor="1.0")
    raise_floor(state, verify(lower, trust_of(ALICE)).statement)
    assert read_floors(state) == {"tiny": "1.2.0"}
    older = tmp_path / "older"
    put_envelope(older, payload(put_files(older, "1.1.9")), ALICE)
    assert "below the floor 1.2.0" in refused(lambda: verify(older, trust_of(ALICE), floors=read_floors(state)))
    state.write_text("[]")
    assert "is no file of floors" in refused(lambda: read_floors(state))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_every_bit_matters(tmp_path: Path, data: st.DataObject) -> None:
    """A folder in which any one bit of any one file differs is refused."""
    folder = tmp_path / "sealed"
    if not folder.exists():
        folder_of(tmp_path, ALICE, BOB)
    trust = trust_of(ALICE, BOB, threshold=2)
    path = folder / data.draw(st.sampled_from(sorted(path.name for path in folder.iterdir())))
    whole = path.read_bytes()
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    changed = bytearray(whole)
    changed[bit // 8] ^= 1 << bit % 8
    path.write_bytes(bytes(changed))
    try:
        with pytest.raises(CsdInputError):
            verify_folder(folder, trust, Expected(), NOW)
    finally:
        path.write_bytes(whole)
    assert verify_folder(folder, trust, Expected(), NOW + DAY)
