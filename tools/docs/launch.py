"""The table of parameters on the page about launching by hand; the rest of the page is written by people.

Flow: the rendered template -> the console's groups, labels and descriptions -> a table between two marks.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tools.docs.markdown import code, table

PAGE = "docs/how-to/launch-by-hand.md"
BEGIN, END = "<!-- parameters -->", "<!-- /parameters -->"


def launch_page(repository: Path) -> str:
    """Return docs/how-to/launch-by-hand.md with the table made anew."""
    before, _, rest = (repository / PAGE).read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    template = yaml.safe_load((repository / "artifacts/CentralizedSoftwareDistributor.yaml").read_text(encoding="utf-8"))
    heads = ("the console asks for", "parameter", "without it", "meaning")
    return f"{before}{BEGIN}\n{table(heads, _rows(template))}\n{END}{after}"


def _rows(template: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    form, parameters = template["Metadata"]["AWS::CloudFormation::Interface"], template["Parameters"]
    for group in form["ParameterGroups"]:
        yield f"**{group['Label']['default']}**", "", "", ""
        for name in group["Parameters"]:
            told = parameters[name]
            default = (code(told["Default"]) if told["Default"] else "empty") if "Default" in told else "needed"
            yield form["ParameterLabels"][name]["default"], code(name), default, told["Description"]
