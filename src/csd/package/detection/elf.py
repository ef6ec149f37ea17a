"""The machine of an ELF program (elf(5))."""

import struct
from pathlib import Path

from csd.package.detection.installer import reading

_MACHINES = {
    3: "i386", 8: "mips", 20: "ppc", 21: "ppc64", 22: "s390x", 40: "arm", 62: "x86_64", 183: "aarch64", 243: "riscv64", 258: "loongarch64",
}  # fmt: skip


def elf_architecture(path: Path, head: bytes) -> str:
    """The machine that the header names, in words."""
    with reading(path, "an ELF program", struct.error):
        order = {1: "<", 2: ">"}[head[5]]
        (machine,) = struct.unpack_from(f"{order}H", head, 18)
        return _MACHINES.get(machine, f"ELF machine {machine}")
