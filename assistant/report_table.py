"""A table of HTML with named rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Row", "table"]


@dataclass(frozen=True, slots=True)
class Row:
    """A name and the texts beside it; those numbered in ``best`` are bold."""

    name: str
    cells: Sequence[str]
    best: frozenset[int] = frozenset()


def table(head: Sequence[str], rows: Sequence[Row]) -> str:
    """``head`` names the columns after the first."""
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in ("", *head))
    body = "".join(f'<tr><th scope="row">{escape(row.name)}</th>{_cells(row)}</tr>' for row in rows)
    return f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'


def _cells(row: Row) -> str:
    return "".join(
        f"<td{' class=best' if i in row.best else ''}>{escape(cell)}</td>" for i, cell in enumerate(row.cells)
    )
