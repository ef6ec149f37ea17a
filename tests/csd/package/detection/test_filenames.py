"""What a file's name suggests."""

import pytest

from csd.package.detection.filenames import guess

NAMES = [
    ("agent-7.1.0-linux-x86_64.tar.gz", "agent", "7.1.0", "x86_64", "amazon"),
    ("node_exporter-1.8.2.linux-amd64.tar.gz", "node_exporter", "1.8.2", "amd64", "amazon"),
    ("splunkforwarder-9.3.1-0b8d769cb912-Linux-x86_64.tgz", "splunkforwarder", "9.3.1", "x86_64", "amazon"),
    ("vector-0.41.1-aarch64-unknown-linux-musl.tar.gz", "vector", "0.41.1", "aarch64", "amazon"),
    ("falcon-sensor_7.18.0-17106_amd64.bin", "falcon-sensor", "7.18.0-17106", "amd64", ""),
    ("NessusAgent-10.8.2-x64.msi", "NessusAgent", "10.8.2", "x64", ""),
    ("agent_1.0-rc1_windows_arm64.zip", "agent", "1.0-rc1", "arm64", "windows"),
    ("agent-2.0.0b3.run", "agent", "2.0.0b3", "", ""),
    ("jdk-17_macos-x64.tar.gz", "jdk", "17", "x64", "mac_os_x"),
    ("agent-v2.sh", "agent", "2", "", ""),
    ("setup-64.exe", "setup-64", "", "", ""),
    ("python3.11.tar.xz", "python3.11", "", "", ""),
    ("agent-i686-6.0.exe", "agent", "6.0", "i686", ""),
    ("7zip.exe", "7zip", "", "", ""),
    ("1.2.3.zip", "1.2.3", "", "", ""),
    ("settings.yaml", "settings.yaml", "", "", ""),
    ("darwinism-1.0.zip", "darwinism", "1.0", "", ""),
    ("a\nb-1.0.zip", "", "", "", ""),
    ("agent-" + "1" * 200 + ".1" * 20 + "x.zip", "agent-" + "1" * 200 + ".1" * 20 + "x", "", "", ""),
]


@pytest.mark.parametrize(("file", "name", "version", "architecture", "platform"), NAMES, ids=[repr(row[0][:40]) for row in NAMES])
def test_a_name_suggests_what_people_write_into_it(file: str, name: str, version: str, architecture: str, platform: str) -> None:
    """Name, version, system and architecture, in the ways that vendors have; nothing rather than something wrong."""
    found = guess(file)
    assert (found.name, found.version, found.architecture) == (name, version, architecture)
    assert (found.platforms[0][0] if found.platforms else "") == platform
