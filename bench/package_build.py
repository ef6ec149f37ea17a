"""How long `csd package build` takes for a large payload, beside what a person would type instead.

    python -m bench.package_build [--mib 512] [--runs 5] [--most 1.5]

Every candidate makes a stored zip of one payload and its SHA-256 in a process of its own; runs are interleaved, figures are medians.
CPU seconds are what to compare: wall time moves with the neighbours. More than `--most` times the CPU of the nearest, Python's zipfile and
hashlib, is a failure. csd reads the payload once more than the others, for the digests of what went in.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

CSD = Path(sys.executable).parent / "csd"
SOURCE = """name: bench
version: "1"
platforms:
  - {folder: linux, targets: [{platform: _any}]}
"""
ZIPFILE = """
import hashlib, sys, zipfile
with zipfile.ZipFile(sys.argv[2], "w", zipfile.ZIP_STORED) as archive:
    archive.write(sys.argv[1], "payload")
with open(sys.argv[2], "rb") as stream:
    print(hashlib.file_digest(stream, "sha256").hexdigest())
"""
ANCHOR = "python zipfile + hashlib"


@dataclass
class Candidate:
    command: list[str]
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def run(self) -> None:
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(self.command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.wall.append(time.perf_counter() - start)
        self.cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def source(root: Path, mib: int) -> Path:
    folder = root / "source"
    (folder / "linux").mkdir(parents=True)
    (folder / "package.yaml").write_text(SOURCE)
    for action in ("install", "uninstall"):
        (folder / "linux" / f"{action}.sh").write_text("#!/bin/sh\n")
    with (folder / "linux/payload").open("wb") as out:
        for _ in range(mib):
            out.write(os.urandom(1 << 20))
    return folder


def candidates(folder: Path, out: Path) -> dict[str, Candidate]:
    payload = folder / "linux/payload"
    return {
        "csd package build": Candidate([str(CSD), "package", "build", str(folder), "--output", str(out / "csd")]),
        "zip -0 + sha256sum": Candidate(["sh", "-c", f"zip -q -0 -j {out}/zip.zip {payload} && sha256sum {out}/zip.zip"]),
        ANCHOR: Candidate([sys.executable, "-c", ZIPFILE, str(payload), str(out / "zipfile.zip")]),
        "cp + sha256sum": Candidate(["sh", "-c", f"cp {payload} {out}/copy && sha256sum {out}/copy"]),
    }


def measure(mib: int, runs: int) -> dict[str, Candidate]:
    with tempfile.TemporaryDirectory() as made:
        folder, out = source(Path(made), mib), Path(made) / "out"
        found = candidates(folder, out)
        for _ in range(runs):
            for candidate in found.values():
                shutil.rmtree(out, ignore_errors=True)
                out.mkdir()
                candidate.run()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=512)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--most", type=float, default=1.5)
    wanted = parser.parse_args()
    found = measure(wanted.mib, wanted.runs)
    anchor = statistics.median(found[ANCHOR].cpu)
    print(f"{wanted.mib} MiB of noise, medians of {wanted.runs} runs")
    print(f"{'':28}{'CPU s':>8}{'wall s':>8}{'MiB/s':>8}{'CPU ratio':>11}")
    for name, candidate in found.items():
        cpu, wall = statistics.median(candidate.cpu), statistics.median(candidate.wall)
        print(f"{name:28}{cpu:8.2f}{wall:8.2f}{wanted.mib / wall:8.0f}{cpu / anchor:11.2f}")
    ratio = statistics.median(found["csd package build"].cpu) / anchor
    if ratio > wanted.most:
        print(f"csd package build needs {ratio:.2f} times the CPU of {ANCHOR}; at most {wanted.most} is allowed")
    return int(ratio > wanted.most)


if __name__ == "__main__":
    sys.exit(main())
