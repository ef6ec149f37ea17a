"""Signing a sealed folder: what is signed, by one after another, and what is not signed at all."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from csd.package.release import SIGNED_RELEASE_FILE
from csd.package.sealed import build_package
from csd.package.signing.sign import Wish, prepare
from csd.package.signing.statement import expiry, time_text
from csd_fakes.signing import DAY, NOW, key, refused, sign, trust_of, verify

ALICE, BOB = key(1), key(2)
EXAMPLE = Path(__file__).parents[4] / "examples/packages/csd-hello"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, sealed."""
    folder = tmp_path_factory.mktemp("built") / "sealed"
    build_package(EXAMPLE, folder)
    return folder


@pytest.fixture
def sealed(built: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    folder = tmp_path / "sealed"
    folder.mkdir()
    for path in built.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_two_people_sign_the_same(sealed: Path) -> None:
    """The second signature is over the identical payload, and both are wanted where the trust root says so."""
    sign(sealed, ALICE, expires="30d", floor="1.0.0")
    before = json.loads((sealed / SIGNED_RELEASE_FILE).read_text())["payload"]
    assert "has 1 of 2 signatures" in refused(lambda: verify(sealed, trust_of(ALICE, BOB, threshold=2)))
    assert sign(sealed, BOB, now=NOW + DAY, floor="1.0.0") == (ALICE.public_key.keyid, BOB.public_key.keyid)
    assert json.loads((sealed / SIGNED_RELEASE_FILE).read_text())["payload"] == before
    found = verify(sealed, trust_of(ALICE, BOB, threshold=2))
    assert time_text(found.statement.expires) == "2026-12-25T07:00:00Z"
    assert found.statement.floor == "1.0.0"


def test_signing_twice_is_one_signature(sealed: Path) -> None:
    """The same key again replaces its own."""
    assert sign(sealed, ALICE, ALICE) == (ALICE.public_key.keyid,)


def test_defaults_are_a_year_and_no_floor(sealed: Path) -> None:
    """Without wishes a signature lasts 365 days, and shuts no version out."""
    sign(sealed, ALICE)
    statement = verify(sealed, trust_of(ALICE)).statement
    assert (time_text(statement.issued), time_text(statement.expires)) == ("2026-11-25T07:00:00Z", "2027-11-25T07:00:00Z")
    assert statement.floor == "0"


def test_the_second_signer_changes_nothing(sealed: Path) -> None:
    """Another expiry or floor needs all of them again; so do other files, and a signature that has expired."""
    sign(sealed, ALICE, expires="30d", floor="1.0.0")
    for wish, option in ((Wish(expires="60d"), "--expires"), (Wish(floor="0.9"), "--floor")):
        words = refused(lambda wish=wish: prepare(sealed, wish, NOW))
        assert "is signed already (expires 2026-12-25T07:00:00Z, floor 1.0.0)" in words
        assert f"{option} cannot change that" in words
    assert "has expired at 2026-12-25T07:00:00Z" in refused(lambda: prepare(sealed, Wish(), NOW + 31 * DAY))
    assert sign(sealed, BOB, again=True) == (BOB.public_key.keyid,)


def test_signatures_over_other_files_are_not_extended(sealed: Path, tmp_path: Path) -> None:
    """An envelope that was made over another package is told, not signed."""
    sign(sealed, ALICE)
    (sealed / "release.json").unlink()
    assert "has no release.json, so there is nothing to sign" in refused(lambda: prepare(sealed, Wish(), NOW))
    other = tmp_path / "other"
    build_package(EXAMPLE, other)
    told = json.loads((other / "release.json").read_text())
    told["name"] = "another"
    (other / "release.json").write_text(json.dumps(told))
    (other / SIGNED_RELEASE_FILE).write_bytes((sealed / SIGNED_RELEASE_FILE).read_bytes())
    assert "is over other files than are here" in refused(lambda: prepare(other, Wish(), NOW))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("180d", "2027-05-24T07:00:00Z"),
        ("2027-01-31", "2027-01-31T23:59:59Z"),
        ("2027-01-31T12:00:00Z", "2027-01-31T12:00:00Z"),
    ],
)
def test_when_it_expires(text: str, moment: str) -> None:
    """Days from now, a day's end, or a moment, all UTC."""
    assert time_text(expiry(text, NOW)) == moment


@pytest.mark.parametrize("text", ["", "0d", "1y", "99999d9", "2027-02-30", "2027-01-31T12:00:00", "2027-1-1", "99999d" * 3])
def test_no_expiry(text: str) -> None:
    """What is no expiry is told with what would be one."""
    if text == "2027-1-1":  # strptime takes it; it means what it says
        assert expiry(text, NOW) == datetime(2027, 1, 1, 23, 59, 59, tzinfo=UTC)
    else:
        assert "Say 180d, 2027-01-31 or 2027-01-31T12:00:00Z" in refused(lambda: expiry(text, NOW))


def test_a_past_expiry_is_refused() -> None:
    """A signature that would never hold is a mistake."""
    assert "2026-11-24T23:59:59Z is past" in refused(lambda: expiry("2026-11-24", NOW))


def test_a_floor_above_the_version_is_refused(sealed: Path) -> None:
    """It would shut out the very package."""
    assert "--floor: 2.0 is above the version itself, 1.0.0" in refused(lambda: prepare(sealed, Wish(floor="2.0"), NOW))
