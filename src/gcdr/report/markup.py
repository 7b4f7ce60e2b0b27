"""Elements of a page: pictures, figures, and tables that stack on narrow screens. All text is escaped."""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from gcdr.base.errors import InputError
from gcdr.report.typeset import ABSENT

_MEDIA = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"<?xml": "image/svg+xml"}


@dataclass(frozen=True)
class Picture:
    """A picture of a page.

    Attributes:
        data: an encoded PNG, JPEG or SVG.
        alt: what the picture shows, for those who do not see it.
        caption: text below it; may be empty.
        dark: the same picture for dark pages, None where one picture serves both.
    """

    data: bytes
    alt: str
    caption: str = ""
    dark: bytes | None = None


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: what stands in it.
        small: a second line, such as an interval.
        css: class names.
        link: id of what explains it, on the same page.
    """

    text: str
    small: str = ""
    css: str = ""
    link: str = ""


def image(picture: Picture) -> Markup:
    """An ``img`` with its data inside, in a ``picture`` where there is a dark version.

    Raises:
        InputError: the bytes are not of a PNG, JPEG or SVG.
    """
    tag = Markup('<img src="{}" alt="{}">').format(_uri(picture.data), picture.alt)
    if picture.dark is None:
        return tag
    return Markup(
        '<picture><source media="(prefers-color-scheme: dark)" srcset="{}">{}</picture>'
    ).format(_uri(picture.dark), tag)


def _uri(data: bytes) -> str:
    media = next((name for magic, name in _MEDIA.items() if data.startswith(magic)), None)
    if media is None:
        raise InputError("picture: expected the bytes of a PNG, JPEG or SVG file")
    return f"data:{media};base64,{base64.b64encode(data).decode()}"


def figure(picture: Picture | None) -> Markup:
    """A picture with its caption; nothing for None."""
    if picture is None:
        return Markup("")
    below = element("figcaption", picture.caption) if picture.caption else ""
    return Markup("<figure>\n{}{}\n</figure>\n").format(image(picture), below)


def element(tag: str, *content: str, css: str = "", name: str = "") -> Markup:
    """An element that holds text, or markup that was made here.

    Args:
        tag: its name.
        content: one after the other.
        css: class names.
        name: its id.
    """
    attributes = [Markup(' class="{}"').format(css)] if css else []
    attributes += [Markup(' id="{}"').format(name)] if name else []
    start = Markup("<{}{}>").format(tag, Markup("").join(attributes))
    return Markup("{}{}</{}>").format(start, Markup("").join(content), tag)


def listing(items: Iterable[str], css: str = "") -> Markup:
    """A list of points; nothing where there is none."""
    points = [element("li", item) for item in items]
    return element("ul", *points, css=css) if points else Markup("")


def definitions(entries: Iterable[tuple[str, str]], stem: str = "", css: str = "") -> Markup:
    """A list of terms and what they mean.

    Args:
        entries: term and definition.
        stem: each term's id is this with its number; none where it is empty.
        css: class names of the list.
    """
    parts = [
        element("dt", term, name=f"{stem}{number}" if stem else "") + element("dd", text)
        for number, (term, text) in enumerate(entries)
    ]
    return element("dl", *parts, css=css)


def grid(
    caption: str,
    labels: Sequence[str | Cell],
    rows: Sequence[Sequence[str | Cell]],
    *,
    spans: Sequence[tuple[str, int]] = (),
    borders: Sequence[int] = (),
    total: bool = False,
) -> Markup:
    """A table in a region that scrolls, whose rows stack on narrow screens, each value beside its heading.

    Roles are spelt out since a table whose cells are blocks is no table to a screen reader otherwise.

    Args:
        caption: what it is of; also the region's name.
        labels: headings of the columns.
        rows: the cells; the first of a row is its heading.
        spans: headings above the columns: text and number of columns, from the left.
        borders: rows above which a line is drawn.
        total: whether the last row is a sum.
    """
    heads = [_as_cell(label) for label in labels]
    above = [
        Markup('<th role="columnheader" scope="colgroup" colspan="{}">{}</th>').format(width, text)
        if text
        else Markup('<td role="cell" colspan="{}"></td>').format(width)
        for text, width in spans
    ]
    top = _row(above, "group") if above else Markup("")
    top += _row([_cell("th", "columnheader", head, scope="col") for head in heads])
    lines = [
        _row(
            [
                _cell("th", "rowheader", _as_cell(row[0]), scope="row"),
                *(
                    _cell("td", "cell", _as_cell(cell), head)
                    for cell, head in zip(row[1:], heads[1:], strict=True)
                ),
            ],
            "border" if number in borders else "",
        )
        for number, row in enumerate(rows)
    ]
    body, foot = (lines[:-1], lines[-1:]) if total else (lines, [])
    groups = [("thead", [top]), ("tbody", body), ("tfoot", foot)]
    return Markup(
        '<div class="scroll" tabindex="0" role="region" aria-label="{}">\n<table role="table">\n'
        "<caption>{}</caption>\n{}</table>\n</div>\n"
    ).format(
        caption,
        caption,
        Markup("").join(
            Markup('<{} role="rowgroup">\n{}</{}>\n').format(tag, Markup("").join(found), tag)
            for tag, found in groups
            if found
        ),
    )


def _as_cell(value: str | Cell) -> Cell:
    return value if isinstance(value, Cell) else Cell(value)


def _row(cells: Sequence[str], css: str = "") -> Markup:
    named = Markup(' class="{}"').format(css) if css else ""
    return Markup('<tr role="row"{}>{}</tr>\n').format(named, Markup("").join(cells))


def _cell(tag: str, role: str, cell: Cell, head: Cell | None = None, scope: str = "") -> Markup:
    attributes = {"scope": scope, "class": cell.css}
    if head is not None:
        attributes["data-label"] = f"{head.text} {head.small}".strip()
        absent = cell.text == ABSENT and not cell.small
        attributes["class"] = f"{cell.css} absent".strip() if absent else cell.css
    written = Markup("").join(
        Markup(' {}="{}"').format(name, value) for name, value in attributes.items() if value
    )
    text = Markup('<a href="#{}">{}</a>').format(cell.link, cell.text) if cell.link else cell.text
    small = element("span", cell.small, css="small") if cell.small else ""
    content = (
        element("span", text, small) if head is not None else Markup("{}{}").format(text, small)
    )
    return Markup('<{} role="{}"{}>{}</{}>').format(tag, role, written, content, tag)
