"""Vendors' installers, as small as each format allows."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile

import zstandard
from pymsi.streamname import encode_unicode

from csd.package.archive import Entry, deb_pieces

PACKERS = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress, "zst": zstandard.compress}
CONTROL = "Package: vendor-agent\nVersion: 1:7.1.0-2\nArchitecture: {}\nDescription: x\n Version: in a line that continues\n"


def deb(architecture: str = "amd64", *, compression: str = "", control: bytes | None = None) -> bytes:
    """A .deb of vendor-agent; its control archive compressed as told."""
    told = CONTROL.format(architecture).encode() if control is None else control
    plain = b"".join(deb_pieces([Entry("control", told, executable=False)], []).chunks())
    if not compression:
        return plain
    size = int(plain[72 + 48 : 72 + 58])
    return plain[:72] + ar_member(f"control.tar.{compression}", PACKERS[compression](plain[132 : 132 + size]))


def ar_member(name: str, content: bytes, size: str = "") -> bytes:
    """A member of an ar archive, with the size that is claimed."""
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{size or len(content):<10}`\n".encode()
    return header + content + b"\n" * (len(content) % 2)


def rpm(name: str = "vendor-agent", version: str = "7.1.0", release: str = "2.el9", arch: str = "x86_64") -> bytes:
    """An .rpm, as far as its headers go: a lead, an empty signature, four strings."""
    store = b"".join(value.encode() + b"\0" for value in (name, version, release, arch))
    index, offset = b"", 0
    for tag, value in ((1000, name), (1001, version), (1002, release), (1022, arch)):
        index += struct.pack(">4I", tag, 6, offset, 1)
        offset += len(value) + 1
    magic = b"\x8e\xad\xe8\x01" + bytes(4)
    lead = b"\xed\xab\xee\xdb\x03" + bytes(91)
    return lead + magic + struct.pack(">2I", 0, 0) + magic + struct.pack(">2I", 4, len(store)) + index + store + bytes(64)


def _block(key: str, value: bytes, inner: bytes = b"", *, text: bool = False) -> bytes:
    """A block of a VERSIONINFO."""
    name = key.encode("utf-16-le") + b"\0\0"
    head = name + bytes(-(6 + len(name)) % 4) + value
    body = head + (bytes(-(6 + len(head)) % 4) + inner if inner else b"")
    return struct.pack("<3H", 6 + len(body), len(value) // 2 if text else len(value), text) + body


def version_info(strings: dict[str, str], numbers: tuple[int, int, int, int] = (7, 1, 0, 2)) -> bytes:
    """A VERSIONINFO with one table of strings."""
    lines = b""
    for key, value in strings.items():
        lines += bytes(-len(lines) % 4) + _block(key, value.encode("utf-16-le") + b"\0\0", text=True)
    high, low = numbers[0] << 16 | numbers[1], numbers[2] << 16 | numbers[3]
    fixed = struct.pack("<13I", 0xFEEF04BD, 0x10000, high, low, high, low, *bytes(7))
    info = _block("StringFileInfo", b"", _block("040904b0", b"", lines)) if strings else b""
    return _block("VS_VERSION_INFO", fixed, info)


def exe(machine: int = 0x8664, info: bytes | None = None, *, resource: bytes | None = None, flags: int = 0x22) -> bytes:
    """A program for Windows that has nothing but a version resource (or the resource section as given)."""
    data = version_info({"ProductName": "Vendor Agent", "ProductVersion": "7.1.0"}) if info is None else info
    if resource is None:
        folder = [struct.pack("<3I2H2I", 0, 0, 0, 0, 1, number, at | 0x8000_0000) for number, at in ((16, 24), (1, 48))]
        folder.append(struct.pack("<3I2H2I", 0, 0, 0, 0, 1, 1033, 72))
        resource = b"".join(folder) + struct.pack("<4I", 0x1000 + 88, len(data), 0, 0) + data
    dos = b"MZ" + bytes(58) + struct.pack("<I", 64)
    headers = b"PE\0\0" + struct.pack("<2H3I2H", machine, 1, 0, 0, 0, 240, flags)
    optional = struct.pack("<HBB5IQ2I6H4I2H4Q2I", 0x20B, 14, 0, 0, 0, 0, 0, 0, 0x1_4000_0000, 0x1000, 0x200, *(6, 0, 0, 0, 6, 0),
                           0, 0x3000, 0x200, 0, 3, 0, 0, 0, 0, 0, 0, 16)  # fmt: skip
    folders = struct.pack("<32I", *(0, 0, 0, 0, 0x1000 if resource else 0, len(resource)), *bytes(26))
    section = struct.pack("<8s6I2HI", b".rsrc", len(resource), 0x1000, len(resource), 0x200, 0, 0, 0, 0, 0x4000_0040)
    head = dos + headers + optional + folders + section
    return head + bytes(0x200 - len(head)) + resource


def compound(streams: dict[str, bytes]) -> bytes:
    """A compound file ([MS-CFB], version 3) of small streams, all in its ministream."""
    end, free = 0xFFFF_FFFE, 0xFFFF_FFFF
    table, ministream, entries = [], b"", []
    for name, content in streams.items():
        start, count = len(table), -(-len(content) // 64)
        table += [*range(start + 1, start + count), end] if count else []
        ministream += content + bytes(-len(content) % 64)
        entries.append((name, 2, start if count else end, len(content)))
    folders = -(-(len(entries) + 1) // 4)
    small, minis = -(-len(table) // 128), -(-len(ministream) // 512)
    fat = [0xFFFF_FFFD]
    for count in (folders, small, minis):
        fat += [*range(len(fat) + 1, len(fat) + count), end]
    directory = _entry("Root Entry", 5, 1, free, 1 + folders + small, len(ministream))
    for number, (name, kind, start, size) in enumerate(entries, 1):
        directory += _entry(name, kind, free, number + 1 if number < len(entries) else free, start, size)
    directory += bytes(-len(directory) % 512)
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<9I", 0, 1, 1, 0, 4096, 1 + folders, small, end, 0) + struct.pack("<109I", 0, *[free] * 108)
    pad = [free] * (-len(fat) % 128), [free] * (-len(table) % 128)
    sectors = struct.pack("<128I", *fat, *pad[0]) + directory + struct.pack(f"<{128 * small}I", *table, *pad[1])
    return header + sectors + ministream + bytes(-len(ministream) % 512)


def _entry(name: str, kind: int, child: int, right: int, start: int, size: int) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0"
    return struct.pack("<64sHBB3I16sI2Q3I", text, len(text), kind, 1, 0xFFFF_FFFF, right, child, b"", 0, 0, 0, start, size, 0)


def msi(template: str = "x64;1033", properties: dict[str, str] | None = None) -> bytes:
    """An .msi with a Property table and a template, and nothing to install."""
    told = {"ProductName": "Vendor Agent", "ProductVersion": "7.1.0"} if properties is None else properties
    texts = list(dict.fromkeys(["Property", "Value", *(text for pair in told.items() for text in pair)]))
    number = {text: index for index, text in enumerate(texts, 1)}
    pool = struct.pack("<I", 65001) + b"".join(struct.pack("<2H", len(text.encode()), 1) for text in texts)
    columns = ("Property", "Property"), (0x8001, 0x8002), ("Property", "Value"), (0x2D48 ^ 0x8000, 0x0F00 ^ 0x8000)
    tables = {
        "_StringPool": pool,
        "_StringData": "".join(texts).encode(),
        "_Tables": struct.pack("<H", number["Property"]),
        "_Columns": b"".join(struct.pack("<H", number.get(cell, cell)) for column in columns for cell in column),
        "Property": b"".join(struct.pack("<H", number[text]) for column in (told, told.values()) for text in column),
    }
    return compound({"\x05SummaryInformation": _summary(template), **{encode_unicode(k, True): v for k, v in tables.items()}})


def _summary(template: str) -> bytes:
    text = template.encode() + b"\0"
    body = struct.pack("<4I", 7, 16, 30, len(text)) + text
    fmtid = bytes.fromhex("e0859ff2f94f6810ab9108002b27b3d9")
    return struct.pack("<4H16sI16sI", 0xFFFE, 0, 6, 2, b"", 1, fmtid, 48) + struct.pack("<2I", len(body) + 8, 1) + body


def tarball(compression: str = "") -> bytes:
    """A tar with one file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("agent/install"))
    return PACKERS[compression](out.getvalue()) if compression else out.getvalue()


def zipped() -> bytes:
    """A zip with one file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("agent.txt", "x")
    return out.getvalue()


def elf(machine: int = 62, *, order: str = "<") -> bytes:
    """The header of an ELF program."""
    return b"\x7fELF" + bytes([2, 1 if order == "<" else 2, 1]) + bytes(9) + struct.pack(f"{order}2H", 2, machine) + bytes(44)
