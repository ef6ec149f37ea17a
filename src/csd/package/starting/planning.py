"""Installers -> the package that they make, or all that is wrong with them.

Flow: one version -> one zip for each installer (plain files share one) -> native packages before what is for any Linux -> whose each
target is -> no node falls between -> labels.
Rules: pure. A node gets exactly one zip, so two installers for one target are refused, and a target that a narrower one would shut out
is given to it too. Refuses to know: how files are recognised and written.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from csd.errors import Problem
from csd.package.detection.installer import Installer
from csd.package.matching.reach import holes, unreachable, witnesses
from csd.package.matching.targets import Triple, packages_of
from csd.package.matching.walk import ANY, Entry, Match, going_back, version_key, which_zip
from csd.package.source import VERSION_PATTERN
from csd.package.starting.kinds import WINDOWS, Way, way_problem, ways

_LINUX_INSTALLERS = {"deb", "rpm", "tar", "zip", "binary"}
_NATIVE, _ANY_LINUX = ("deb", "rpm"), ("tar", "zip", "files")  # folders of scripts


@dataclass(frozen=True, slots=True)
class PlannedZip:
    """One zip: what tells it from the others, its folders of scripts, (installer, name in the zip), and who gets it."""

    label: str
    scripts: tuple[str, ...]
    files: tuple[tuple[Path, str], ...]
    targets: tuple[Triple, ...]


@dataclass(frozen=True, slots=True)
class Start:
    """A package that can be written. `notes` are what a person should look at."""

    name: str
    version: str
    zips: tuple[PlannedZip, ...]
    notes: tuple[str, ...]


def plan_start(name: str, version: str, installers: Sequence[Installer], where: str) -> tuple[Start, list[Problem]]:
    """What would be written, and all that speaks against it. An empty `version` is the installers'."""
    problems = [problem for each in installers if (problem := way_problem(each))]
    problems += _stray_files(installers)
    chosen, wrong = _version(version, installers, where)
    zips, native, idle = _native_first(_zips(installers))
    zips, emulated = _with_64_bits(zips)
    problems += idle
    owners, twice = _owners(zips)
    zips, wider = _without_holes(zips, owners)
    if twice or problems:
        wider = []  # of what has to change anyway
    return Start(
        name, chosen, tuple(_labelled(zips)), (*_guesses(installers), *native, *emulated, *wider)
    ), problems + wrong + twice


def _stray_files(installers: Sequence[Installer]) -> list[Problem]:
    """Plain files beside installers, and a script that may be a helper of one of them."""
    strays = []
    if any(each.kind != "file" for each in installers):
        strays += [(each, "plain file") for each in installers if each.kind == "file"]
    if any(each.kind in _LINUX_INSTALLERS for each in installers):
        strays += [(each, "script") for each in installers if each.kind == "script" and not each.architecture]
    remedy = "Take it out of the folder; name it under 'files' in package.yaml afterwards, for the zips that need it."
    return [
        Problem(str(each.path), f"is a {word} beside installers; which of them needs it is not told.", remedy)
        for each, word in strays
    ]


def _version(given: str, installers: Sequence[Installer], where: str) -> tuple[str, list[Problem]]:
    if given:
        return given, []
    firm = [each for each in installers if each.upstream and each.kind != "file"]
    told: dict[str, list[Installer]] = {}
    for each in firm or [each for each in installers if each.upstream]:
        told.setdefault(re.sub(r"(\.0)+$", "", each.upstream), []).append(each)
    if not told:
        return "", [Problem(where, "has no file that tells its version.", "Give --version.")]
    if len(told) > 1:
        listed = "; ".join(f"{each[0].upstream} ({', '.join(i.path.name for i in each)})" for each in told.values())
        return "", [Problem(where, f"has installers of different versions: {listed}.", "Take some out, or give --version.")]
    ((first, *others),) = told.values()
    version = min((each.upstream for each in (first, *others)), key=len)
    if not re.match(VERSION_PATTERN, version):
        what = f"is version {version!r}, and AWS takes only letters, digits, '_', '-' and '.' in the name of a version."
        return "", [Problem(str(first.path), what, "Give --version.")]
    return version, []


def _zips(installers: Sequence[Installer]) -> list[PlannedZip]:
    """A zip for each way of each installer; all plain files go the same way, so they are one."""
    zips: dict[tuple[str, str], PlannedZip] = {}
    for each in installers:
        for way in ways(each):
            key = (way.label, "" if each.kind == "file" else str(each.path))
            held = zips.get(key)
            file = (each.path, way.placed)
            zips[key] = replace(held, files=(*held.files, file)) if held else _zip(each, way, file)
    return list(zips.values())


def _zip(each: Installer, way: Way, file: tuple[Path, str]) -> PlannedZip:
    architecture = ANY if each.kind == "file" else each.architecture or ANY
    return PlannedZip(way.label, way.scripts, (file,), tuple((platform, key, architecture) for platform, key in way.platforms))


def _native_first(zips: Sequence[PlannedZip]) -> tuple[list[PlannedZip], list[str], list[Problem]]:
    """A .deb or .rpm before an archive or a program: that is for the systems which no native package serves. And what was so decided."""
    native = {triple: planned for planned in zips if planned.scripts[-1] in _NATIVE for triple in planned.targets}
    kept, notes, problems = [], [], []
    for planned in zips:
        name = planned.files[0][0].name
        rivals = {} if planned.scripts[-1] not in _ANY_LINUX else {t: at for t in planned.targets if (at := _served(t, native))}
        others = " and ".join(dict.fromkeys(rival.files[0][0].name for rival in rivals.values()))
        if rivals and len(rivals) == len(planned.targets):
            what = f"is for systems that all get {others}, the package of their own kind."
            problems.append(Problem(str(planned.files[0][0]), what, "Take it out of the folder."))
        elif rivals:
            systems = ", ".join(dict.fromkeys(_system(triple) for triple in rivals))
            notes.append(f"{name} is for the other systems: {systems} get {others}, the package of their own kind")
        kept.append(replace(planned, targets=tuple(t for t in planned.targets if t not in rivals)))
    return [planned for planned in kept if planned.targets], notes, problems


def _served(triple: Triple, native: Mapping[Triple, PlannedZip]) -> PlannedZip | None:
    """The native package for all nodes of a target."""
    platform, version, architecture = triple
    wider = (
        (platform, each, machine) for each in dict.fromkeys((version, ANY)) for machine in dict.fromkeys((architecture, ANY))
    )
    return next((native[each] for each in wider if each in native), None)


def _with_64_bits(zips: Sequence[PlannedZip]) -> tuple[list[PlannedZip], list[str]]:
    """A 32-bit installer is for 64-bit Windows too, which runs it, where no other one is: hardly a node has 32 bits any more."""
    taken = {triple for planned in zips for triple in planned.targets}
    grown, notes = [], []
    for planned in zips:
        more = tuple(
            (platform, version, "x86_64")
            for platform, version, machine in planned.targets
            if (platform, machine) == (WINDOWS, "386")
        )
        more = tuple(each for each in more if each not in taken and (*each[:2], ANY) not in taken)
        if more:
            notes.append(
                f"{planned.files[0][0].name} has 32 bits; it is listed for windows on x86_64 too, for which there is no other"
            )
        taken.update(more)
        grown.append(replace(planned, targets=planned.targets + more))
    return grown, notes


def _owners(zips: Sequence[PlannedZip]) -> tuple[dict[Triple, int], list[Problem]]:
    """{target: index of its zip}, and a problem for each two zips that want the same."""
    owners: dict[Triple, int] = {}
    both: dict[tuple[int, int], list[Triple]] = {}
    for index, planned in enumerate(zips):
        for triple in planned.targets:
            if (other := owners.setdefault(triple, index)) != index:
                both.setdefault((other, index), []).append(triple)
    problems = []
    for (one, two), triples in both.items():
        more = f" and {len(triples) - 1} more" if len(triples) > 1 else ""
        what = f"is for {Entry(*triples[0])}{more}, and so is {zips[one].files[0][0].name}."
        problems.append(Problem(str(zips[two].files[0][0]), what, "A node gets exactly one zip: take one of them out."))
    return owners, problems


def _without_holes(zips: Sequence[PlannedZip], owners: Mapping[Triple, int]) -> tuple[list[PlannedZip], list[str]]:
    """The zips with every target that the agent's walk, which does not go back, would else not find; and what was added."""
    grown = dict(owners)
    while missing := _fallen(grown):
        grown |= missing
    packages = packages_of((triple, str(index)) for triple, index in grown.items())
    if unreachable(packages) or holes(packages):
        raise AssertionError(f"planned targets do not reach their nodes: {unreachable(packages)} {holes(packages)}")
    added = {triple: index for triple, index in grown.items() if triple not in owners}
    notes = [
        f"{zips[index].files[0][0].name} is listed for {Entry(*triple)} too: the agent does not fall back to a wider target"
        for triple, index in added.items()
    ]
    more = [tuple(triple for triple, index in added.items() if index == number) for number in range(len(zips))]
    return [replace(planned, targets=planned.targets + more[number]) for number, planned in enumerate(zips)], notes


def _fallen(owners: Mapping[Triple, int]) -> dict[Triple, int]:
    packages = packages_of((triple, str(index)) for triple, index in owners.items())
    missing: dict[Triple, int] = {}
    for node in witnesses(packages):
        wider = None if isinstance(which_zip(packages, node), Match) else going_back(packages, node)
        if wider:
            platform = node.platform if node.platform in packages else ANY
            version = version_key(node.version, packages[platform]) or ANY
            owner = owners[wider.platform, wider.version, wider.architecture]
            missing.setdefault((platform, version, wider.architecture), owner)
    return missing


def _labelled(zips: Sequence[PlannedZip]) -> list[PlannedZip]:
    """Kind and architecture; with the first system where that is not enough, and a number where that is not."""
    short = [f"{each.label}-{_word(each.targets[0][2])}" for each in zips]
    counts = Counter(short)
    long = [
        label if counts[label] == 1 else "-".join((each.label, _system(each.targets[0]), _word(each.targets[0][2])))
        for label, each in zip(short, zips, strict=True)
    ]
    seen: Counter[str] = Counter()
    labelled = []
    for label, each in zip(long, zips, strict=True):
        seen[label] += 1
        labelled.append(replace(each, label=label if seen[label] == 1 else f"{label}-{seen[label]}"))
    return labelled


def _word(key: str) -> str:
    return "all" if key == ANY else key


def _system(triple: Triple) -> str:
    return triple[0] + triple[1].removeprefix(ANY).removesuffix(".*")


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _guesses(installers: Sequence[Installer]) -> list[str]:
    notes = []
    for each in installers:
        guessed = sorted(each.guessed - {"name"})  # the package's name is the operator's
        if guessed:
            verb = "is" if len(guessed) == 1 and guessed != ["platforms"] else "are"
            notes.append(f"{each.path.name}: {_listed(guessed)} {verb} guessed from its name; look at package.yaml")
        if not each.architecture and each.kind not in ("script", "file"):
            notes.append(f"{each.path.name}: tells no architecture, so it is listed for all; look at package.yaml")
        if each.kind == "exe":
            switches = "its vendor's silent switches in scripts/exe/product.ps1; it refuses to run until then"
            notes.append(f"{each.path.name}: fill in {switches}" + (f"; it was {each.hint}" if each.hint else ""))
    return notes
