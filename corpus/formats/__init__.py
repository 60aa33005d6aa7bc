"""One reader per transcript format: text → cues, and the problems met on the way.

A new format is one file with one function, one line in ``detection.py`` and its suffixes here. Slides are
no text: their readers are called by ``corpus.slides``.
"""

__all__ = ["SHARED_SUFFIXES", "SLIDE_SUFFIXES", "SUFFIXES"]

SHARED_SUFFIXES = frozenset({".json", ".tsv", ".xml"})
"""Suffixes that other files have too: in a folder, such a file is looked into first."""
SLIDE_SUFFIXES = frozenset({".pdf", ".pptx"})
"""Suffixes of slides, which often lie beside the captions of the same lecture."""
SUFFIXES = frozenset(
    {
        *SHARED_SUFFIXES,
        *SLIDE_SUFFIXES,
        *(".txt", ".text", ".md", ".markdown", ".srt", ".vtt", ".sbv", ".sub", ".lrc"),
        *(".ttml", ".dfxp", ".json3", ".srv1", ".srv2", ".srv3"),
    }
)
