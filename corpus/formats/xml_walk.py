"""XML as a stream of starts, words and ends, each with the line it is on.

No document type is accepted: captions need none, and entities that expand into each other (a
"billion laughs") or that fetch a file are what one would be used for.
"""

import html
import re
from collections.abc import Callable
from xml.parsers import expat

from corpus.errors import TranscriptUnreadable
from corpus.formats.markup import resolve_references
from corpus.types import Problem

__all__ = ["root_element", "walk_xml"]

_MARGIN = "\ufeff \t\n"
_REFERENCE = re.compile(r"&(?:#\w{1,10};|(?P<name>[A-Za-z]\w{0,31});)?")
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ROOT = re.compile(r"<(?:[\w.-]+:)?(?P<name>[A-Za-z][\w.-]*)[\s/>]")
_MAX_DEPTH = 200


def root_element(text: str) -> str | None:
    """The first element's name in lower case, without prefix, or ``None`` if ``text`` is no XML."""
    head = text[:65_536].lstrip(_MARGIN)
    if not head.startswith("<"):
        return None
    match = _ROOT.search(head)
    return match["name"].lower() if match else None


def walk_xml(
    text: str,
    path: str,
    *,
    start: Callable[[str, dict[str, str], int], None],
    words: Callable[[str, int], None],
    end: Callable[[str, int], None],
) -> list[Problem]:
    """Call back for each tag and text with its line; names come without their prefix.

    Names that HTML has, such as ``&nbsp;``, and a bare ``&`` are read as they are meant. What
    follows a fault is lost, and reported in the one problem that is returned.

    Raises:
        TranscriptUnreadable: a document type is declared, or elements are nested deeper than 200.
    """
    body = text.lstrip(_MARGIN)
    above = text.count("\n", 0, len(text) - len(body))
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    depth = 0

    def line() -> int:
        return parser.CurrentLineNumber + above

    def on_start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _MAX_DEPTH:
            reason = f"elements are nested deeper than {_MAX_DEPTH}; export the captions again"
            raise TranscriptUnreadable(reason, path=path, line=line())
        start(_local(name), {_local(key): value for key, value in attributes.items()}, line())

    def on_end(name: str) -> None:
        nonlocal depth
        depth -= 1
        end(_local(name), line())

    def on_doctype(*_: object) -> None:
        reason = "a document type is declared, whose entities can expand without bound; remove <!DOCTYPE …>"
        raise TranscriptUnreadable(reason, path=path, line=line())

    parser.StartElementHandler = on_start
    parser.EndElementHandler = on_end
    parser.StartDoctypeDeclHandler = on_doctype
    parser.CharacterDataHandler = lambda data: words(data, line())
    try:
        parser.Parse(_UNPRINTABLE.sub("\ufffd", _REFERENCE.sub(_resolve, body)).encode(), True)
    except expat.ExpatError as error:
        message = expat.errors.messages[error.code]
        return [Problem(path, error.lineno + above, f"the rest left out: the XML breaks here ({message})")]
    return []


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _resolve(reference: re.Match[str]) -> str:
    meant = resolve_references(reference[0])
    return html.escape(meant, quote=False)
