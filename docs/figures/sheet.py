"""A sheet for drawings of the documentation: few shapes, two themes, and the same bytes each time."""

import base64
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from PIL import Image

# Okabe and Ito's hues, as in the report's figures. A drawing brings its own paper, to be read on any page.
STYLE = """
svg { font-family: system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
.paper { fill: #fffefb; stroke: #d9d6cd; } .ink { fill: #22262b; } .soft { fill: #5d636b; }
.line { stroke: #5d636b; fill: none; stroke-width: 1.6; } .head { fill: #5d636b; }
.blue { fill: #0072b2; stroke: #0072b2; } .orange { fill: #d55e00; stroke: #d55e00; }
.green { fill: #009e73; stroke: #009e73; } .purple { fill: #a8558a; stroke: #a8558a; }
.grey { fill: #6b7077; stroke: #6b7077; }
.tint { fill-opacity: 0.13; stroke-width: 1.5; } .name { stroke: none !important; }
.frame { fill: none !important; stroke-width: 2.4; }
@media (prefers-color-scheme: dark) {
  .paper { fill: #1b1e22; stroke: #3a3f46; } .ink { fill: #e6e4df; } .soft { fill: #a3a8ae; }
  .line { stroke: #a3a8ae; } .head { fill: #a3a8ae; }
  .blue { fill: #56b4e9; stroke: #56b4e9; } .orange { fill: #f0883e; stroke: #f0883e; }
  .green { fill: #3ccf9f; stroke: #3ccf9f; } .purple { fill: #d99ac0; stroke: #d99ac0; }
  .grey { fill: #a3a8ae; stroke: #a3a8ae; }
}
"""
HEAT = ((0, "#fcf6a0", 0.95), (0.35, "#f98e09", 0.85), (0.7, "#bc3754", 0.45), (1, "#57106e", 0))
LEADING = 1.3

Point = tuple[float, float]


class Sheet:
    """A drawing of a width and height in pixels; title and description are for those who do not see it."""

    def __init__(self, width: int, height: int, title: str, description: str) -> None:
        stops = "".join(
            f'<stop offset="{place}" stop-color="{colour}" stop-opacity="{opacity}"/>'
            for place, colour, opacity in HEAT
        )
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="img" aria-labelledby="title description">',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="description">{escape(description)}</desc>',
            f"<style>{STYLE}</style>",
            f'<defs><radialGradient id="heat">{stops}</radialGradient>'
            '<marker id="tip" viewBox="0 0 10 10" refX="8.5" refY="5" markerWidth="7" markerHeight="7" '
            'orient="auto-start-reverse"><path class="head" d="M0 0.8 L9 5 L0 9.2 Z"/></marker></defs>',
            f'<rect class="paper" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="12"/>',
        ]

    def add(self, part: str) -> None:
        """Add SVG as it is."""
        self.parts.append(part)

    def text(
        self,
        place: Point,
        words: str,
        size: float = 13,
        anchor: str = "middle",
        tone: str = "ink",
        bold: bool = False,
    ) -> None:
        """Lines of text around a point; ``tone`` is ``ink``, ``soft`` or a hue."""
        x, y = place
        lines = words.split("\n")
        first = y - (len(lines) - 1) * size * LEADING / 2 + size * 0.35
        weight = ' font-weight="600"' if bold else ""
        for number, line in enumerate(lines):
            down = first + number * size * LEADING
            self.add(
                f'<text class="{tone} name" x="{x:g}" y="{down:.1f}" font-size="{size:g}" '
                f'text-anchor="{anchor}"{weight}>{escape(line)}</text>'
            )

    def box(
        self,
        corner: Point,
        size: Point,
        words: str = "",
        hue: str = "blue",
        text: float = 13,
        note: str = "",
        dashed: bool = False,
    ) -> None:
        """A rounded box with a name, and a note in smaller letters below it."""
        (x, y), (width, height) = corner, size
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
        self.add(f'<rect class="{hue} tint" {place} rx="9"{dash}/>')
        middle, down = x + width / 2, y + height / 2
        lines = note.count("\n") + 1 if note else 0
        up = lines * (text - 2) * LEADING / 2
        if words:
            self.text((middle, down - up), words, text, bold=True)
        if note:
            below = words.count("\n") + 1 if words else 0
            self.text((middle, down + below * text * LEADING / 2), note, text - 2, tone="soft")

    def arrow(self, *points: Point, words: str = "", at: Point = (0, 0), dashed: bool = False):
        """A line through points with a tip at its end, and words about a point."""
        path = f"M{points[0][0]:g} {points[0][1]:g}"
        for before, corner, after in zip(points, points[1:], points[2:], strict=False):
            ends = [_towards(corner, other, 9) for other in (before, after)]
            path += f" L{ends[0][0]:g} {ends[0][1]:g}"
            path += f" Q{corner[0]:g} {corner[1]:g} {ends[1][0]:g} {ends[1][1]:g}"
        path += f" L{points[-1][0]:g} {points[-1][1]:g}"
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.add(f'<path class="line" d="{path}" marker-end="url(#tip)"{dash}/>')
        if words:
            self.text(at, words, 11.5, tone="soft")

    def map(self, corner: Point, side: float, values: np.ndarray, hue: str = "grey") -> None:
        """A map (h, w) in 0..1 as a square of cells."""
        pixels = (255 * colormaps["inferno"](values)[..., :3]).round().astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        data = base64.b64encode(buffer.getvalue()).decode()
        x, y = corner
        place = f'x="{x:g}" y="{y:g}" width="{side:g}" height="{side:g}"'
        self.add(
            f'<image {place} style="image-rendering: pixelated" preserveAspectRatio="none" '
            f'href="data:image/png;base64,{data}"/><rect class="{hue} frame" {place} rx="2"/>'
        )

    def scene(
        self,
        corner: Point,
        width: float,
        body: bool = False,
        head: bool = False,
        heat: Sequence[tuple[float, float, float]] = (),
        part: tuple[float, float, float, float] = (0, 0, 160, 110),
    ) -> None:
        """A room of 160 x 110 with somebody who looks at a ball; ``heat`` are spots x, y and radius in it.

        ``part`` is what is shown of it: x, y, width and height.
        """
        x, y = corner
        parts = [
            '<rect width="160" height="110" rx="6" fill="#efe4d2"/>',
            '<path d="M0 80 H160 V104 Q160 110 154 110 H6 Q0 110 0 104 Z" fill="#b98f68"/>',
            '<rect x="72" y="16" width="30" height="28" fill="#9cc9e0" stroke="#fff" stroke-width="3"/>',
            '<path d="M87 16 V44 M72 30 H102" stroke="#fff" stroke-width="2"/>',
            '<path d="M112 62 H152 V67 H148 V92 H144 V67 H120 V92 H116 V67 H112 Z" fill="#7a5236"/>',
            '<circle cx="134" cy="53" r="9" fill="#d1495b"/>',
            '<path d="M126.5 48 Q134 54 142 49" stroke="#fff" stroke-width="2.5" fill="none"/>',
            '<ellipse cx="80" cy="97" rx="17" ry="5" fill="#a07a58"/>',
            '<path d="M70 96 q-2 -14 10 -14 q12 0 10 14 z" fill="#5b8e7d"/>',
            '<rect x="28" y="76" width="7" height="24" rx="3" fill="#33415c"/>',
            '<rect x="38" y="76" width="7" height="24" rx="3" fill="#33415c"/>',
            '<rect x="24" y="44" width="25" height="38" rx="9" fill="#3a7ca5"/>',
            '<circle cx="38" cy="32" r="12" fill="#e0ac85"/>',
            '<path d="M26 33 Q24 18 39 19 Q48 19 49 26 Q40 24 36 32 Z" fill="#4a3428"/>',
            '<circle cx="45" cy="32" r="1.6" fill="#222"/>',
            '<path d="M50 33 l3 2.5 l-3.5 1" fill="#e0ac85"/>',
        ]
        parts += [
            f'<circle cx="{a:g}" cy="{b:g}" r="{r:g}" fill="url(#heat)"/>' for a, b, r in heat
        ]
        if body:
            parts.append(
                '<rect x="20" y="15" width="35" height="88" fill="none" stroke="#2ecc40" stroke-width="3"/>'
            )
        if head:
            parts.append(
                '<rect x="23" y="16" width="31" height="29" fill="none" stroke="#ffd633" stroke-width="2.5"/>'
            )
        left, up, wide, tall = part
        place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{width * tall / wide:g}"'
        view = f'viewBox="{left:g} {up:g} {wide:g} {tall:g}"'
        self.add(f"<svg {place} {view}>{''.join(parts)}</svg>")

    def save(self, path: Path) -> None:
        """Write the drawing."""
        path.write_text("\n".join([*self.parts, "</svg>\n"]), encoding="utf-8")


def _towards(start: Point, end: Point, length: float) -> Point:
    (x0, y0), (x1, y1) = start, end
    distance = max(1e-9, float(np.hypot(x1 - x0, y1 - y0)))
    part = min(length, distance / 2) / distance
    return x0 + part * (x1 - x0), y0 + part * (y1 - y0)
