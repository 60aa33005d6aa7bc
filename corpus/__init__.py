"""A transcript file becomes passages with exact offsets, lines and times.

This package knows no model and no index.
"""

from typing import TYPE_CHECKING

from corpus.exports import exported

if TYPE_CHECKING:
    from corpus.describing import Source
    from corpus.errors import CorpusError
    from corpus.formats.clock import parse_time
    from corpus.library import lecture_from_text, read_lecture
    from corpus.passages import build_passages
    from corpus.sentences import split_sentences
    from corpus.sources import find_sources, shipped_lectures
    from corpus.types import Cue, Lecture, Passage, Problem, Sentence

__all__ = [
    "CorpusError",
    "Cue",
    "Lecture",
    "Passage",
    "Problem",
    "Sentence",
    "Source",
    "build_passages",
    "find_sources",
    "lecture_from_text",
    "parse_time",
    "read_lecture",
    "shipped_lectures",
    "split_sentences",
]

_MODULES = {
    "CorpusError": "errors",
    "Cue": "types",
    "Lecture": "types",
    "Passage": "types",
    "Problem": "types",
    "Sentence": "types",
    "Source": "describing",
    "build_passages": "passages",
    "find_sources": "sources",
    "lecture_from_text": "library",
    "parse_time": "formats.clock",
    "read_lecture": "library",
    "shipped_lectures": "sources",
    "split_sentences": "sentences",
}

if not TYPE_CHECKING:  # a checker that saw it would take any name for one of the package's
    __getattr__, __dir__ = exported(__name__, _MODULES)
