"""PowerPoint (.pptx), by python-pptx: a paragraph is a cue, and its slide stands where others have a line.

Only ``corpus.slide_process`` calls this, in a process whose time and memory are bounded.
"""

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from corpus.errors import in_one_line
from corpus.formats.markup import collapse
from corpus.formats.slide_page import SlideLine, SlidePage, SlidesUnreadable

if TYPE_CHECKING:
    from pptx.slide import Slide

__all__ = ["open_pptx", "page_of_pptx"]

_MAX_PARTS = 50_000
_MAX_UNPACKED = 2**29
_MAX_RATIO = 200
"""XML compresses some ten times, and tables of nothing but borders a hundred."""
_SMALL = 2**20
_DEPTH = 50
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_DIAGRAM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"


def open_pptx(data: bytes) -> "Sequence[Slide]":
    """The slides of a presentation, in order; hidden ones too.

    Raises:
        SlidesUnreadable: it is damaged, or would unpack to far more than it is.
    """
    from pptx import Presentation

    try:
        _refuse_bombs(data)
        slides = list(Presentation(io.BytesIO(data)).slides)
    except (SlidesUnreadable, MemoryError):
        raise
    except Exception as error:
        # zipfile, lxml and python-pptx each have errors of their own, and a part that lacks raises KeyError.
        raise SlidesUnreadable(f"damaged presentation ({in_one_line(error)}); save it again") from error
    if not slides:
        raise SlidesUnreadable("no slide in it; save it again")
    return slides


def page_of_pptx(slide: "Slide", number: int) -> SlidePage:
    """The title, the other text in the order of the slide's shapes, then the speaker's notes."""
    pictures: list[str] = []
    title = slide.shapes.title
    shapes = [shape for shape in slide.shapes if title is None or shape.shape_id != title.shape_id]
    lines = list(_lines_of([title, *shapes] if title is not None else shapes, pictures))
    notes = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
    if notes is not None:
        lines += [SlideLine(line.text, line.starts_block, is_note=True) for line in _paragraphs(notes)]
    left_out = f"no text on this slide, only {pictures[0]}" if pictures and not lines else None
    return SlidePage(number, tuple(lines), left_out)


def _refuse_bombs(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        infos = packed.infolist()
    total = sum(info.file_size for info in infos)
    if len(infos) > _MAX_PARTS or total > _MAX_UNPACKED:
        raise SlidesUnreadable(
            f"it would unpack to {len(infos):,} parts and {total:,} bytes, {_MAX_PARTS:,} and "
            f"{_MAX_UNPACKED:,} at most are read; split it, or take its videos out"
        )
    for info in infos:
        if info.file_size > _SMALL and info.file_size > _MAX_RATIO * max(info.compress_size, 1):
            raise SlidesUnreadable(
                f"{info.filename!r} in it would unpack to {info.file_size:,} bytes from "
                f"{info.compress_size:,}; save the presentation again"
            )


def _lines_of(shapes: Iterable[Any], pictures: list[str], depth: int = 0) -> Iterator[SlideLine]:
    """Lines of shapes and of the groups among them; what else is shown goes on ``pictures``."""
    from pptx.enum.shapes import MSO_SHAPE_TYPE, PP_PLACEHOLDER

    # They say the same on every slide.
    running = (PP_PLACEHOLDER.SLIDE_NUMBER, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.DATE)
    for shape in shapes:
        if shape.is_placeholder and shape.placeholder_format.type in running:
            continue
        # A group's type is asked for first: every other type is worked out, or not known.
        if hasattr(shape, "shapes"):
            if depth < _DEPTH:
                yield from _lines_of(shape.shapes, pictures, depth + 1)
        elif shape.has_text_frame:
            yield from _paragraphs(shape.text_frame)
        elif getattr(shape, "has_table", False):
            for row in shape.table.rows:
                for cell in row.cells:
                    yield from _paragraphs(cell.text_frame)
        elif getattr(shape, "has_chart", False):
            pictures.append("a chart")
            if shape.chart.has_title and shape.chart.chart_title.has_text_frame:
                yield from _paragraphs(shape.chart.chart_title.text_frame)
        elif (diagram := _diagram(shape)) is not None:
            yield from diagram
        elif shape.shape_type in (MSO_SHAPE_TYPE.PICTURE, MSO_SHAPE_TYPE.LINKED_PICTURE):
            pictures.append("a picture")


def _paragraphs(frame: Any) -> Iterator[SlideLine]:
    for paragraph in frame.paragraphs:
        # A line break inside a paragraph is a vertical tab to python-pptx.
        if text := collapse(paragraph.text):
            yield SlideLine(text, starts_block=True)


def _diagram(shape: Any) -> list[SlideLine] | None:
    """The words of SmartArt, which python-pptx keeps as XML."""
    from lxml import etree

    found = shape.element.find(f".//{{{_DIAGRAM}}}relIds")
    if found is None:
        return None
    blob = shape.part.related_part(found.get(f"{_RELATION}dm")).blob
    root = etree.fromstring(blob, etree.XMLParser(resolve_entities=False, no_network=True))
    paragraphs = (
        collapse("".join(run.text or "" for run in paragraph.iter(f"{_DRAWING}t")))
        for paragraph in root.iter(f"{_DRAWING}p")
    )
    return [SlideLine(text, starts_block=True) for text in paragraphs if text]
