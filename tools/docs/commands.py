"""The pages of the two command lines, from what their own --help is made of.

Flow: a Typer application -> its commands and parameters -> a section for each command. The width of a terminal takes no part.
"""

import re
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import typer

import csd.cli.main
import localorg.server.cli
from tools.docs.markdown import block, code, page, table

CODES = re.compile(r"Exit codes: (.+?)\.(?:\s|\Z)", re.DOTALL)


def csd_page() -> str:
    """Return docs/reference/csd.md."""
    return _page("csd", csd.cli.main.app, str(csd.cli.__doc__))


def localorg_page() -> str:
    """Return docs/reference/localorg.md."""
    return _page("localorg", localorg.server.cli.app, str(localorg.server.cli.__doc__))


def command_tree(name: str, app: typer.Typer) -> Iterator[tuple[str, Any]]:
    """Yield (words of the command line, command) for everything that can be run."""
    yield from _leaves(name, typer.main.get_command(app))


def _leaves(words: str, command: Any) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield words, command
        return
    for name in command.list_commands(None):  # as --help shows them
        yield from _leaves(f"{words} {name}", inner[name])


def _page(name: str, app: typer.Typer, codes_text: str) -> str:
    sections = [_section(words, command) for words, command in command_tree(name, app)]
    return page(f"`{name}`", _sentence(typer.main.get_command(app).help), *sections, "## Exit codes", exit_codes(codes_text))


def exit_codes(text: str) -> str:
    """Return the table of exit codes from the paragraph that begins with "Exit codes:". Raises ValueError without one."""
    found = CODES.search(text)
    if found is None:
        raise ValueError("the module of a command line says its exit codes in a paragraph that begins with `Exit codes:`")
    rows = []
    for part in " ".join(found[1].rstrip(".").split()).split("; "):
        number, _, meaning = part.partition(" ")
        rows.append((code(number), meaning) if number.isdigit() else ("others", part))
    return table(("code", "meaning"), rows)


def _section(words: str, command: Any) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and not one.hidden]
    usage = [words, *("[OPTIONS]" if options else "",), *(_argument_words(one) for one in arguments)]
    parts = [f"## `{words}`", _sentence(command.help), block(" ".join(part for part in usage if part))]
    if arguments:
        parts.append(table(("argument", "meaning"), [(code(_metavar(one)), one.help or "") for one in arguments]))
    if options:
        rows = [(_names(one), _value(one), _default(one), one.help or "") for one in options]
        parts.append(table(("option", "value", "default", "meaning"), rows))
    return "\n\n".join(parts)


def _sentence(text: str | None) -> str:
    return " ".join((text or "").split())


def _metavar(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _argument_words(argument: Any) -> str:
    name = _metavar(argument) + ("..." if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def _names(option: Any) -> str:
    return " / ".join(", ".join(code(name) for name in names) for names in (option.opts, option.secondary_opts) if names)


def _value(option: Any) -> str:
    if option.is_flag:
        return ""
    kind = _kind(option.type_descriptor.annotation)
    if option.min is not None or option.max is not None:
        kind += f", {option.min} to {option.max}"
    return kind + (", may be repeated" if option.multiple else "")


def _kind(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return " or ".join(code(word) for word in get_args(annotation))
    names = {"str": "text", "Path": "path", "int": "number"}
    for name, word in names.items():
        if re.search(rf"\b{name}\b", getattr(annotation, "__name__", "") if isinstance(annotation, type) else str(annotation)):
            return word
    raise ValueError(f"tools.docs.commands has no word for the type {annotation!r} yet")


def _default(option: Any) -> str:
    shown = "needed" if option.required else "" if option.default in (None, "", False) else code(str(option.default))
    return f"{shown} (or `{option.envvar}` of the environment)".strip() if option.envvar else shown
