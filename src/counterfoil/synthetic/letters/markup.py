"""Pages as HTML in the ways of several systems: tables, old tables, boxes, definition lists."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from counterfoil.synthetic.letters.model import Stay
from counterfoil.synthetic.letters.page import STYLES, Block, Page, page


def _cells(cells: tuple[str, ...], tag: str = "td") -> str:
    return "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells)


def _plain_table(block: Block, none: str) -> str:
    if not block.rows:
        return f"<h2>{escape(block.heading)}</h2><p>{none}</p>"
    rows = "\n".join(f"<tr>{_cells(cells)}</tr>" for _, cells in block.rows)
    return (
        f"<h2>{escape(block.heading)}</h2>\n<table><thead><tr>{_cells(block.heads, 'th')}</tr></thead>"
        f"<tbody>\n{rows}\n</tbody></table>"
    )


def clean(told: Page) -> str:
    """A page with a proper table under each heading."""
    facts = "".join(f"<dt>{a}</dt><dd>{escape(b)}</dd>" for a, b in told.labels)
    words = "".join(
        f"<h2>{a}</h2><p>{escape(b)}</p>" if a else f"<p>{escape(b)}</p>"
        for a, b in told.paragraphs
    )
    tables = "\n".join(_plain_table(block, told.none) for block in told.blocks)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{told.title}</title></head><body><h1>{escape(told.trust)}</h1><p>{told.ward}</p>"
        f"<dl>{facts}</dl>{words}\n{tables}<p>{told.sign}</p></body></html>\n"
    )


def old(told: Page) -> str:
    """Upper-case tags, layout tables, hard spaces and line breaks, as exported years ago."""
    facts = "<BR>".join(f"<B>{a}:</B>&nbsp;{escape(b)}" for a, b in told.labels)
    words = "<BR>".join(f"<B>{a}:</B> {escape(b)}" if a else escape(b) for a, b in told.paragraphs)
    out = [
        f"<HTML><BODY><FONT face=Arial size=2><CENTER><B>{escape(told.trust)}</B><BR>{told.ward}</CENTER>",
        f"<TABLE width=100%><TR><TD>{facts}</TD></TR></TABLE><P>{words}</P>",
    ]
    for block in told.blocks:
        out.append(f"<P><U><B>{block.heading}</B></U></P>")
        if not block.rows:
            out.append(f"<P>{told.none}</P>")
            continue
        out.append(
            "<TABLE border=1 cellspacing=0><TR>"
            + _cells(block.heads, "TD").replace("<TD>", "<TD bgcolor=#cccccc>")
            + "</TR>"
        )
        for _, cells in block.rows:
            filled = "".join(
                f"<TD><FONT size=2>{escape(cell) or '&nbsp;'}</FONT></TD>" for cell in cells
            )
            out.append(f"<TR>{filled}</TR>")
        out.append("</TABLE>")
    return "\n".join([*out, f"<P>{told.sign}</P></FONT></BODY></HTML>"]) + "\n"


def boxes(told: Page) -> str:
    """No tables at all: each medicine is a box with labelled lines."""
    facts = "".join(f'<div class="fact"><b>{a}:</b> {escape(b)}</div>' for a, b in told.labels)
    words = "".join(
        f"<h3>{a}</h3><p>{escape(b)}</p>" if a else f"<p>{escape(b)}</p>"
        for a, b in told.paragraphs
    )
    out = [f"<html><body><h1>{escape(told.trust)}</h1><h2>{told.title}</h2>{facts}{words}"]
    for block in told.blocks:
        out.append(f"<h3>{block.heading}</h3>")
        if not block.rows:
            out.append(f"<p>{told.none}</p>")
        for _, cells in block.rows:
            lines = "".join(
                f"<div>{head}: {escape(cell)}</div>"
                for head, cell in zip(block.heads[1:], cells[1:], strict=True)
                if cell and cell != "-"
            )
            out.append(f'<div class="medicine"><div><b>{escape(cells[0])}</b></div>{lines}</div>')
    return "\n".join([*out, f"<p>{told.sign}</p></body></html>"]) + "\n"


def listed(told: Page) -> str:
    """Ordered lists, one sentence an item."""
    facts = "<br>".join(f"{a}: {escape(b)}" for a, b in told.labels)
    words = "".join(f"<p>{a + ': ' if a else ''}{escape(b)}</p>" for a, b in told.paragraphs)
    out = [
        f"<html><body><p><strong>{escape(told.trust)}</strong> {told.ward}</p><p>{facts}</p>{words}"
    ]
    for block in told.blocks:
        out.append(f"<h2>{block.heading}</h2>")
        rows = [
            ", ".join(cell for cell in cells if cell and cell != "-") for _, cells in block.rows
        ]
        entries = "".join(f"<li>{escape(row)}</li>\n" for row in rows)
        out.append(f"<ol>\n{entries}</ol>" if rows else f"<p>{told.none}</p>")
    return "\n".join([*out, f"<p>{told.sign}</p></body></html>"]) + "\n"


def _of(style: str, render: Callable[[Page], str]) -> Callable[[Stay], tuple[bytes, Page]]:
    def write(stay: Stay) -> tuple[bytes, Page]:
        told = page(stay, STYLES[style])
        return render(told).encode("utf-8"), told

    return write


HTML = "text/html"
LAYOUTS: dict[str, tuple[Callable[[Stay], tuple[bytes, Page]], str, str]] = {
    "html_clean": (_of("wharfside", clean), HTML, "html"),
    "html_status": (_of("kingsbarrow", clean), HTML, "html"),
    "html_old": (_of("st_brides", old), HTML, "html"),
    "html_boxes": (_of("eastmoor", boxes), HTML, "html"),
    "html_ordered": (_of("lowfell", listed), HTML, "html"),
}
"""Every HTML layout of this module: its writer, media type and file ending."""
