"""Pages hang together: links lead somewhere, commands exist, every state and decision is explained."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import csd.cli.main
import localorg.server.cli
from csd.package.lint.accepting import acceptance_findings
from csd.package.source import read_source
from csd.report.picture import State
from docs.pages import REPOSITORY, anchors, blocks, links, markdown_files
from localorg.server.spec import parse_spec
from tools.docs.commands import command_tree
from tools.docs.supported import engines_in_memory

PAGES = markdown_files()
INLINE = re.compile(r"`((?:csd|localorg) [a-z][^`]*)`")


def named(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    """A file that exists, and in it the heading."""
    broken = []
    for link in links(page):
        if "://" in link or link.startswith("mailto:"):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_the_readme_says_where_to_read_on() -> None:
    """Its last links reach the tutorial, the how-to, the reference, the explanation and the decisions."""
    read_on = (REPOSITORY / "README.md").read_text(encoding="utf-8").partition("## Read on")[2]
    assert {"docs/tutorial", "docs/how-to", "docs/reference", "docs/explanation", "docs/adr", "docs/glossary.md"} <= {
        name
        for link in re.findall(r"\]\(([^)]+)\)", read_on)
        for name in (link.rstrip("/"), str(Path(link).parent))
        if (REPOSITORY / link).exists()
    }


def test_the_index_reaches_every_page() -> None:
    """Nothing under docs/ is an orphan: the index, or the list of decisions, names it."""
    docs = REPOSITORY / "docs"
    reached = {(docs / link).resolve() for link in links(docs / "README.md") if "://" not in link}
    reached |= {(docs / "adr" / link).resolve() for link in links(docs / "adr/README.md")}
    assert {page for page in PAGES if docs in page.parents} - reached == {docs / "README.md"}


COMMANDS = {
    words: command
    for name, app in (("csd", csd.cli.main.app), ("localorg", localorg.server.cli.app))
    for words, command in command_tree(name, app)
}


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_and_option_is_documented(words: str) -> None:
    """The reference has a section for the command, and each of its options in it."""
    program = words.partition(" ")[0]
    page = (REPOSITORY / f"docs/reference/{program}.md").read_text(encoding="utf-8")
    _, heading, section = page.partition(f"## `{words}`\n")
    assert heading
    section = section.partition("\n## ")[0]
    missing = [name for option in _options(COMMANDS[words]) for name in option if f"`{name}`" not in section]
    assert missing == []


def _options(command: Any) -> Iterator[list[str]]:
    for option in command.params:
        if option.param_type_name == "option":
            yield [*option.opts, *option.secondary_opts]


def written_commands(page: Path) -> Iterator[str]:
    """Yield the commands of this project that a page shows, in blocks and in running text."""
    for block in blocks(page):
        if block.language == "sh":
            for line in block.content.replace("\\\n", " ").splitlines():
                yield from re.findall(r"(?:^|\$\()((?:csd|localorg|aws) [^|;)#]+)", line.strip())
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    yield from (found[1] for found in INLINE.finditer(prose))


def wrong_words(line: str) -> list[str]:
    """Return what a command line of ours names that does not exist."""
    words = shlex.split(line.replace("…", "").replace("'", ""))
    known = next((name for size in (3, 2) if (name := " ".join(words[:size])) in COMMANDS), None)
    if known is None:
        return [] if any(name.startswith(" ".join(words[:2])) for name in COMMANDS) else [" ".join(words[:2])]
    options = {name for option in _options(COMMANDS[known]) for name in option} | {"--help"}
    own = words[: words.index("--")] if "--" in words else words
    return [word for word in own if word.startswith("--") and word.partition("=")[0] not in options]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_on_a_page_exists(page: Path) -> None:
    """Commands and options that a page shows are those of the command lines; the aws CLI's are operations that are supported."""
    wrong = []
    for line in written_commands(page):
        if line.startswith("aws "):
            wrong += [] if is_supported(*line.split()[1:3]) else [line]
        else:
            wrong += [f"{word} in `{line}`" for word in wrong_words(line)]
    assert wrong == []


@cache
def operations() -> frozenset[tuple[str, str]]:
    """Every operation, its name written as the aws CLI does: without dashes, in lower case."""
    return frozenset((service, operation.lower()) for service, operation in engines_in_memory().gateway.operations())


def is_supported(service: str, command: str) -> bool:
    """Say whether an aws command works here (`aws s3` is made of S3's own operations)."""
    return service in {"s3", "s3api"} or (service, command.replace("-", "")) in operations()


def test_the_specs_that_are_shown_are_right() -> None:
    """A spec on the page about specs describes an organization."""
    shown = [block.content for block in blocks(REPOSITORY / "docs/how-to/local-organization.md") if block.language == "yaml"]
    assert [parse_spec(text, "the page").organization.management.name for text in shown] == ["hub"]


def test_the_package_that_is_shown_is_right(tmp_path: Path) -> None:
    """The package.yaml on the page about packages is one, also with the parts about shared files, `make` and acceptances in it."""
    shown = [block.content for block in blocks(REPOSITORY / "docs/how-to/make-a-package.md") if block.language == "yaml"]
    whole, sharing, part, accepting = shown
    make = part.partition("    make:\n")[2]
    (tmp_path / "package.yaml").write_text(whole.replace("    targets:\n", f"    make:\n{make}    targets:\n", 1))
    assert [made.as_ for made in read_source(tmp_path).platforms[0].make] == ["my-agent.deb", "my-agent.tar"]
    (tmp_path / "package.yaml").write_text(whole.partition("platforms:")[0] + sharing)
    assert [platform.label for platform in read_source(tmp_path).platforms] == ["amazon-x86_64", "amazon-arm64"]
    (tmp_path / "package.yaml").write_text(accepting + whole)
    assert list(acceptance_findings(read_source(tmp_path).accept, "")) == []


def test_every_state_of_a_node_is_explained() -> None:
    """`csd status` has words; the how-to says what each means and what to do."""
    page = (REPOSITORY / "docs/how-to/read-a-failure.md").read_text(encoding="utf-8")
    assert [state.value for state in State if f"| {state.value} |" not in page] == []
