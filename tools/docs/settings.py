"""The page of the files that people write and the switches they set: read from the pydantic models and the command line.

Flow: model -> its keys (type, limits, default), and the models inside it -> a section for each; the examples as they are committed.
"""

import ast
import builtins
import inspect
import re
import types
import typing
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

import localorg.server.cli
from csd.package.source import PackageSource
from localorg.server.spec import EXPLANATIONS, Spec
from tools.docs.commands import command_tree
from tools.docs.markdown import block, code, codes, page, table

SWITCHES = ("--port", "--tls-port", "--state", "--detach", "--isolation", "--reading")
UP = "localorg up"
PLAIN = {str: "text", int: "number", bool: "`true` or `false`"}
LIMITS = ("pattern", "ge", "le", "min_length", "max_length")


def settings_page(repository: Path) -> str:
    """Return docs/reference/settings.md."""
    return page(
        "Files and switches",
        "A key that is not listed here is refused; so is a value outside its limits. All problems of a file are told at once.",
        "Personas are listed in [what localorg supports](supported.md#nodes).",
        "## An organization's spec",
        *_sections(Spec),
        "`examples/organization.yaml`:",
        block((repository / "examples/organization.yaml").read_text(encoding="utf-8"), "yaml"),
        "## A package's `package.yaml`",
        *_sections(PackageSource),
        "`examples/packages/csd-hello/package.yaml`:",
        block((repository / "examples/packages/csd-hello/package.yaml").read_text(encoding="utf-8"), "yaml"),
        "## Switches of `localorg up`",
        _switches(),
    )


def _switches() -> str:
    up = dict(command_tree("localorg", localorg.server.cli.app))[UP]
    by_name = {option.opts[0]: option for option in up.params}
    rows = []
    for name in SWITCHES:
        option = by_name[name]
        has_default = not option.is_flag and option.default is not None
        rows.append((code(name), code(str(option.default)) if has_default else "", option.help))
    return table(("switch", "default", "meaning"), rows)


def keys_of(model: type[BaseModel], before: str = "", above: tuple[type[BaseModel], ...] = ()) -> Iterator[str]:
    """Yield the path of every key; a list's items are `[]`, a model inside itself is shown once."""
    for name, field in model.model_fields.items():
        inner, many = _inner_model(field.annotation)
        path = f"{before}{field.alias or name}{'[]' if many else ''}"
        if inner is None or inner in above:
            yield path
        else:
            yield from keys_of(inner, f"{path}.", (*above, inner))


def _sections(model: type[BaseModel]) -> Iterator[str]:
    """Yield heading, purpose, table and notes of `model` and of each model inside it, once each."""
    for entry, places in _places(model).items():
        yield f"### {codes(places) if places[0] else 'The file'}"
        yield " ".join((entry.__doc__ or "").split())
        yield table(("key", "value", "default"), [_row(name, field) for name, field in entry.model_fields.items()])
        yield "\n".join(f"* {code(name)}: {' '.join(note.split())}" for name, note in _notes(entry).items())


def _places(model: type[BaseModel]) -> dict[type[BaseModel], list[str]]:
    """Return every model reachable from `model`, outermost first, with the paths at which it stands."""
    found: dict[type[BaseModel], list[str]] = {model: [""]}
    waiting = [model]
    while waiting:
        outer = waiting.pop(0)
        for name, field in outer.model_fields.items():
            inner, many = _inner_model(field.annotation)
            if inner is None or inner is outer:
                continue
            if inner not in found:
                waiting.append(inner)
            path = f"{field.alias or name}{'[]' if many else ''}"
            found.setdefault(inner, []).append(f"{found[outer][0]}.{path}".lstrip("."))
    return found


def _notes(model: type[BaseModel]) -> dict[str, str]:
    """Return what the source says of a key in a text below it."""
    body = ast.parse(inspect.getsource(model)).body[0]
    statements = body.body if isinstance(body, ast.ClassDef) else []
    return {
        key.target.id: note.value.value
        for key, note in pairwise(statements)
        if isinstance(key, ast.AnnAssign) and isinstance(key.target, ast.Name)
        if isinstance(note, ast.Expr) and isinstance(note.value, ast.Constant) and isinstance(note.value.value, str)
    }


def _row(name: str, field: FieldInfo) -> tuple[str, str, str]:
    annotation: Any = typing.Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    return code(field.alias or name), _words(annotation), _default(field)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined or value is None or value in ((), {}, ""):
        return "none"
    if isinstance(value, bool):
        return code(str(value).lower())
    return codes(value) if isinstance(value, tuple) else code(str(value))


def _inner_model(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """Return the model that `annotation` holds, if any, and whether it holds many."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    if get_origin(annotation) is tuple:
        return _inner_model(get_args(annotation)[0])[0], True
    if get_origin(annotation) in {typing.Annotated, typing.Union, types.UnionType}:
        return _inner_model(get_args(annotation)[0])
    return None, False


def _words(annotation: Any) -> str:
    """Return what a value must be, in words."""
    arguments = get_args(annotation)
    match get_origin(annotation):
        case typing.Annotated:
            words = _limited(arguments[0], arguments[1:])
        case typing.Literal:
            listed = codes(str(value) for value in arguments)
            words = f"one of {listed}" if len(arguments) > 1 else listed
        case builtins.tuple:
            words = "list, see below" if _inner_model(annotation)[0] else f"list of {_words(arguments[0])}"
        case builtins.dict:
            words = f"mapping of {_words(arguments[0])} to {_words(arguments[1])}"
        case typing.Union | types.UnionType:
            words = _words(next(argument for argument in arguments if argument is not type(None)))
        case _:
            words = PLAIN.get(annotation, "mapping, see below")
    return words


def _limited(annotation: Any, constraints: tuple[Any, ...]) -> str:
    flat = [
        one for constraint in constraints for one in (constraint.metadata if isinstance(constraint, FieldInfo) else [constraint])
    ]
    limits = {name: value for one in flat for name in LIMITS if (value := getattr(one, name, None)) is not None}
    pattern = str(limits.get("pattern", ""))
    if pattern in EXPLANATIONS:
        return re.sub(r"^an? (.+?) (?:is|looks like) (.+)$", r"\1 (\2)", EXPLANATIONS[pattern])
    words = [_words(annotation)]
    if pattern:
        words.append(f"matching {code(pattern.removeprefix('^').removesuffix('$'))}")
    for least, most, unit in (("ge", "le", ""), ("min_length", "max_length", " characters" if annotation is str else " of them")):
        match limits.get(least), limits.get(most):
            case None, None:
                pass
            case low, None:
                words.append(f"at least {low}{unit}")
            case low, high:
                words.append(f"{low or 0} to {high}{unit}")
    return ", ".join(words)
