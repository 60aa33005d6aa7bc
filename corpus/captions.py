"""Cues as a format has them → one transcript, and the place of each cue in it."""

from collections.abc import Iterable

from corpus.types import Cue, RawCue

__all__ = ["assemble_transcript"]


def assemble_transcript(raw_cues: Iterable[RawCue]) -> tuple[str, tuple[Cue, ...]]:
    """Join cue texts by single spaces and record where each one stands."""
    parts: list[str] = []
    cues: list[Cue] = []
    position = 0
    for raw in raw_cues:
        end = position + len(raw.text)
        cues.append(
            Cue(
                char_start=position,
                char_end=end,
                line_start=raw.line_start,
                line_end=raw.line_end,
                start_ms=raw.start_ms,
                end_ms=raw.end_ms,
                speaker=raw.speaker,
                starts_block=raw.starts_block,
            )
        )
        parts.append(raw.text)
        position = end + 1
    return " ".join(parts), tuple(cues)
