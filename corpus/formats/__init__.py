"""One reader per transcript format: text → cues, and the problems met on the way.

A new format is one file with one function, one line in ``detection.py`` and its suffixes here.
"""

__all__ = ["SHARED_SUFFIXES", "SUFFIXES"]

SHARED_SUFFIXES = frozenset({".json", ".tsv", ".xml"})
"""Suffixes that other files have too: in a folder, such a file is looked into first."""
SUFFIXES = SHARED_SUFFIXES | {
    *(".txt", ".text", ".md", ".markdown", ".srt", ".vtt", ".sbv", ".sub", ".lrc"),
    *(".ttml", ".dfxp", ".json3", ".srv1", ".srv2", ".srv3"),
}
