"""Installers that dpkg-deb, rpmbuild and wixl made (real/make.sh), in each compression that vendors use."""

from pathlib import Path

import pytest

from csd.package.detection.detecting import detect
from csd.package.detection.installer import Unrecognised
from csd.package.detection.whole import check_whole

REAL = Path(__file__).parent / "real"
EL9 = tuple((name, "9.*") for name in ("redhat", "centos", "oracle", "rocky", "almalinux"))


@pytest.mark.parametrize(
    ("name", "kind", "version", "upstream", "architecture", "first"),
    [
        ("acme-agent_7.1.0-2_all.deb", "deb", "1:7.1.0-2", "7.1.0", "_any", "debian"),
        ("acme-agent_7.2.0-1_amd64.deb", "deb", "7.2.0-1", "7.2.0", "x86_64", "debian"),
        ("acme-agent_7.1.0~rc1-1_arm64.deb", "deb", "7.1.0~rc1-1", "7.1.0~rc1", "arm64", "debian"),
        ("acme-agent_7.1.0_i386.deb", "deb", "7.1.0", "7.1.0", "386", "debian"),
        ("acme-agent-7.1.0-1.el9.noarch.rpm", "rpm", "7.1.0-1.el9", "7.1.0", "_any", "redhat"),
        ("acme-agent-7.2.0-1.el9.noarch.rpm", "rpm", "7.2.0-1.el9", "7.2.0", "_any", "redhat"),
        ("acme-agent-7.1.0~rc1-1.fc40.x86_64.rpm", "rpm", "7.1.0~rc1-1.fc40", "7.1.0~rc1", "x86_64", "fedora"),
        ("acme-agent-7.1.0-1.amzn2023.aarch64.rpm", "rpm", "7.1.0-1.amzn2023", "7.1.0", "arm64", "amazon"),
        ("acme-agent-7.1.0-1.i686.rpm", "rpm", "7.1.0-1", "7.1.0", "386", "amazon"),
        ("acme-agent-x64.msi", "msi", "7.1.0.4", "7.1.0.4", "x86_64", "windows"),
        ("acme-agent-x86.msi", "msi", "7.1.0.4", "7.1.0.4", "386", "windows"),
    ],
)
def test_what_vendors_tools_write_is_read(
    name: str, kind: str, version: str, upstream: str, architecture: str, first: str, tmp_path: Path
) -> None:
    """Observed: dpkg-deb 1.21, rpmbuild 4.18, wixl 0.101. Under a name that tells nothing, as a download may have."""
    (tmp_path / "download").write_bytes((REAL / name).read_bytes())
    found = detect(tmp_path / "download")
    check_whole(found)
    assert (found.kind, found.version, found.upstream, found.architecture) == (kind, version, upstream, architecture)
    assert found.name == ("Acme Agent" if kind == "msi" else "acme-agent")
    assert (found.platforms[0][0], found.guessed) == (first, frozenset())
    assert ".el9." not in name or found.platforms == EL9


@pytest.mark.parametrize(
    "path", sorted(path for path in REAL.iterdir() if path.suffix in (".deb", ".rpm", ".msi")), ids=lambda p: p.name
)
def test_half_a_download_of_a_real_one_is_refused(path: Path, tmp_path: Path) -> None:
    """Cut off in the middle; the source package is refused whole, too."""
    content = path.read_bytes()
    (tmp_path / "cut").write_bytes(content[: len(content) // 2])
    with pytest.raises(Unrecognised):
        check_whole(detect(tmp_path / "cut"))


def test_a_source_package_is_refused() -> None:
    """Nothing can be installed from it."""
    with pytest.raises(Unrecognised) as refused:
        detect(REAL / "acme-agent-7.1.0-1.src.rpm")
    assert str(refused.value.problem).endswith("is a source package, from which nothing can be installed. Take the built .rpm.")
