"""A transcript file becomes passages with exact offsets, lines and times.

This package knows no model and no index.
"""

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
