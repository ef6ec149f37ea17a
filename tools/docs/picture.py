"""The picture of a rollout: boxes in four columns, one for each machine that works on it, and the arrows between them.

Flow: `BOXES` and `ARROWS` -> SVG text. Colours follow the reader's scheme (light or dark), and the ground is drawn, so that the picture
is readable wherever it is shown.
"""

from dataclasses import dataclass
from html import escape

COLUMNS = ("Your desk", "The hub account", "Each account and Region", "Each node")
BOX_W, BOX_H, COLUMN_W, ROW_H, LEFT, TOP = 214, 62, 254, 96, 24, 62
APART = 12
STYLE = """
  .ground { fill: #ffffff; } .column { fill: #f3f5f8; } .box { fill: #ffffff; stroke: #4a5a70; stroke-width: 1.3; }
  text { fill: #1c2530; font: 12px system-ui, sans-serif; text-anchor: middle; } .head { font-weight: 700; font-size: 14px; }
  .title { font-weight: 600; } .small { font-size: 11px; } .number { fill: #ffffff; font-weight: 700; font-size: 11px; }
  .go { stroke: #1f6feb; stroke-width: 2; fill: none; } .back { stroke: #b3541e; stroke-width: 1.6; fill: none; stroke-dasharray: 5 4; }
  .dot, .tip { fill: #1f6feb; } .tipback { fill: #b3541e; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0f141a; } .column { fill: #1a212b; } .box { fill: #232c38; stroke: #8ea2bd; } text { fill: #e8edf3; }
    .go { stroke: #6cb0ff; } .dot, .tip { fill: #6cb0ff; } .number { fill: #0f141a; } .back { stroke: #ff9d66; } .tipback { fill: #ff9d66; }
  }"""


@dataclass(frozen=True)
class Box:
    """A thing that works: where it stands, its name, what it does."""

    column: int
    row: int
    title: str
    lines: tuple[str, ...] = ()

    @property
    def left(self) -> float:
        """The left edge."""
        return LEFT + self.column * COLUMN_W + (COLUMN_W - 16 - BOX_W) / 2

    @property
    def top(self) -> float:
        """The upper edge."""
        return TOP + self.row * ROW_H


@dataclass(frozen=True)
class Arrow:
    """Who starts whom; `number` counts the steps, `answered` adds the way back of the result."""

    source: str
    target: str
    number: int
    answered: bool = False


BOXES = {
    "build": Box(0, 0, "csd package build", ("zips, manifest.json, sha256",)),
    "publish": Box(0, 1, "csd publish"),
    "bucket": Box(1, 1, "S3 bucket", ("the sealed package",)),
    "associate": Box(0, 2, "csd distribute", ("or aws ssm create-association",)),
    "manager": Box(1, 2, "State Manager", ("runs it now, or on a schedule",)),
    "add": Box(1, 3, "CSD-AddSoftwarePackage…", ("publishes, awaits every Region,", "shares, distributes, judges")),
    "distribute": Box(2, 3, "CSD-DistributeSoftware…", ("under the execution role;", "sends, waits, judges")),
    "command": Box(2, 4, "Run Command", ("AWS-ConfigureAWSPackage",)),
    "agent": Box(3, 4, "SSM Agent", ("sha256, unpack, sh install.sh",)),
    "package": Box(1, 5, "Package document", ("in every Region, shared",)),
    "fetch": Box(3, 5, "its platform's zip"),
    "status": Box(0, 6, "csd status", ("every node, in its own words",)),
    "hubreader": Box(1, 6, "CSD-FleetReaderHubRole"),
    "reader": Box(2, 6, "CSD-FleetReaderRole", ("what each node told Run Command",)),
}
ARROWS = (
    Arrow("build", "publish", 1),
    Arrow("publish", "bucket", 2),
    Arrow("associate", "manager", 3),
    Arrow("manager", "add", 4, answered=True),
    Arrow("add", "distribute", 5, answered=True),
    Arrow("distribute", "command", 6, answered=True),
    Arrow("command", "agent", 7, answered=True),
    Arrow("agent", "fetch", 8),
    Arrow("fetch", "package", 8),
    Arrow("status", "hubreader", 9),
    Arrow("hubreader", "reader", 9),
)


def rollout_picture() -> str:
    """Return docs/explanation/how-a-rollout-works.svg."""
    width = 2 * LEFT + len(COLUMNS) * COLUMN_W - 16
    height = TOP + 7 * ROW_H
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">',
        "<!-- Made by `make docs` (tools/docs/picture.py). -->",
        "<title>How a rollout works</title>",
        f"<style>{STYLE}\n</style>",
        "<defs>",
        *(_tip(name) for name in ("tip", "tipback")),
        "</defs>",
        f'<rect class="ground" width="{width}" height="{height}"/>',
        *(_column(number, name, height) for number, name in enumerate(COLUMNS)),
        *(_box(box) for box in BOXES.values()),
        *(_arrow(arrow) for arrow in ARROWS),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _tip(name: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto" '
        f'markerUnits="userSpaceOnUse"><path class="{name}" d="M0 0L8 4L0 8z"/></marker>'
    )


def _column(number: int, name: str, height: int) -> str:
    left = LEFT + number * COLUMN_W
    width = COLUMN_W - 16
    return (
        f'<rect class="column" x="{left}" y="12" width="{width}" height="{height - 24}" rx="8"/>'
        f'<text class="head" x="{left + width / 2:g}" y="40">{escape(name)}</text>'
    )


def _box(box: Box) -> str:
    middle, lines = box.left + BOX_W / 2, (box.title, *box.lines)
    first = box.top + BOX_H / 2 - (len(lines) - 1) * 8 + 4
    texts = [
        f'<text class="{"title" if number == 0 else "small"}" x="{middle:g}" y="{first + number * 16:g}">{escape(line)}</text>'
        for number, line in enumerate(lines)
    ]
    return f'<rect class="box" x="{box.left:g}" y="{box.top:g}" width="{BOX_W}" height="{BOX_H}" rx="6"/>' + "".join(texts)


def _arrow(arrow: Arrow) -> str:
    source, target = BOXES[arrow.source], BOXES[arrow.target]
    aside = APART if arrow.answered else 0
    if source.column == target.column:
        x = source.left + BOX_W / 2
        start, end = source.top + BOX_H, target.top
        go, back = (x - aside, start, x - aside, end), (x + aside, end, x + aside, start)
        at = (x - aside, (start + end) / 2 - 2)
    else:
        forward = source.column < target.column
        y = source.top + BOX_H / 2
        start = source.left + BOX_W if forward else source.left
        end = target.left if forward else target.left + BOX_W
        go, back = (start, y - aside, end, y - aside), (end, y + aside, start, y + aside)
        at = ((start + end) / 2 - (3 if forward else -3), y - aside)
    lines = [_line("go", "tip", go), *([_line("back", "tipback", back)] if arrow.answered else [])]
    x, y = at
    dot = f'<circle class="dot" cx="{x:g}" cy="{y:g}" r="9"/><text class="number" x="{x:g}" y="{y + 4:g}">{arrow.number}</text>'
    return "".join([*lines, dot])


def _line(kind: str, tip: str, points: tuple[float, float, float, float]) -> str:
    x1, y1, x2, y2 = points
    return f'<path class="{kind}" marker-end="url(#{tip})" d="M{x1:g} {y1:g}L{x2:g} {y2:g}"/>'
