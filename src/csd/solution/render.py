"""Render the solution: put the scripts into the documents and the documents into the template.

    python -m csd.solution.render            writes artifacts/ of the working folder

Flow: source YAML -> replace the markers -> YAML text. The markers: {csd_step: FILE} is a script's text, {csd_document: NAME,
defaults: {...}} a document, {csd_text: NAME} another source as text.

Rules: pure apart from reading the sources; the output is a function of them alone. Scripts are read as text, never imported.
Refuses to know: what CloudFormation or Systems Manager make of it.
"""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from csd.solution.names import HUB_DOCUMENT, MEMBER_DOCUMENT, TEMPLATE

SOURCES = Path(__file__).parent / "sources"
STEPS = Path(__file__).parents[2] / "csd_steps"

# AWS: CreateStack API, TemplateBody: at most 51,200 bytes; a larger one would need a bucket.
TEMPLATE_BYTES_MAX = 51_200
# AWS: CreateDocument API, MaxDocumentSizeExceeded: 64 KB.
DOCUMENT_BYTES_MAX = 64_000

_HEADER = "# Rendered from src/csd/solution/sources and src/csd_steps by `python -m csd.solution.render`. Edit those, not this.\n"


def render_document(name: str) -> str:
    """One Automation document as YAML text."""
    return _HEADER + _dump(_document(name, {}))


def render_template() -> str:
    """The CloudFormation template as YAML text, documents included."""
    return _HEADER + _dump(_fill(_source(TEMPLATE)))


def render_template_body() -> str:
    """The same template as one line of JSON, which fits CloudFormation's TemplateBody."""
    return json.dumps(_fill(_source(TEMPLATE)), separators=(",", ":"), ensure_ascii=False)


def artifacts() -> dict[str, str]:
    """{path below artifacts/: text} of everything that is rendered."""
    documents = {f"documents/{name}.yaml": render_document(name) for name in (HUB_DOCUMENT, MEMBER_DOCUMENT)}
    return {f"{TEMPLATE}.yaml": render_template(), f"{TEMPLATE}.json": render_template_body() + "\n", **documents}


def _source(name: str) -> Any:
    return yaml.safe_load((SOURCES / f"{name}.yaml").read_text(encoding="utf-8"))


def _document(name: str, defaults: dict[str, Any]) -> Any:
    document = _fill(_source(name))
    for parameter, default in defaults.items():
        document["parameters"][parameter]["default"] = default
    return document


def _fill(value: Any) -> Any:
    """Replace the two kinds of marker, at any depth."""
    match value:
        case {"csd_step": str(file)} if len(value) == 1:
            return (STEPS / file).read_text(encoding="utf-8")
        case {"csd_document": str(name)}:
            return _document(name, value.get("defaults", {}))
        case {"csd_text": str(name)} if len(value) == 1:
            return json.dumps(_source(name), separators=(",", ":"))
        case dict():
            return {key: _fill(item) for key, item in value.items()}
        case list():
            return [_fill(item) for item in value]
        case _:
            return value


class _Dumper(yaml.SafeDumper):
    """Long text as it is written; nothing is abbreviated by anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the method's signature is PyYAML's.
        return True


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def _dump(value: Any) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=4096, allow_unicode=True)


def main() -> None:
    """Write artifacts/ in the working folder."""
    for path, text in artifacts().items():
        target = Path("artifacts") / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
        sys.stderr.write(f"{target}: {len(text.encode())} bytes\n")


if __name__ == "__main__":
    main()
