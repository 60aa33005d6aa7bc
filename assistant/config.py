"""The settings, one frozen value made at the edge and passed in."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

__all__ = ["CITED", "PASSAGES_READ", "QUESTION_CHARACTERS", "Settings"]

CITED = 3
"""How many quotes an answer cites unless told otherwise; its confidence is of these."""
PASSAGES_READ = 18
"""How many fused passages are read for an answer unless told otherwise."""
QUESTION_CHARACTERS = 2000
"""The longest question that is read unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a user can set.

    A change of ``model``, ``passage_tokens`` or ``overlap_tokens`` makes the next ``index`` run
    embed every lecture again.
    """

    home: Path
    model: str | None = None
    """A sentence-transformers folder or hub name; ``None`` for the encoder that is installed."""
    passage_tokens: int = 128
    overlap_tokens: int = 48
    passages_retrieved: int = PASSAGES_READ
    question_characters: int = QUESTION_CHARACTERS
    cross_encoder: str | None = None
    """A sentence-transformers cross-encoder, folder or hub name, that puts the answers in order."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], home: Path | None = None) -> "Settings":
        """Settings from the variables ``ASSISTANT_HOME``, ``_MODEL`` and ``_CROSS_ENCODER``.

        ``home`` goes before the first.
        """
        named = environment.get("ASSISTANT_HOME")
        return cls(
            home=home or (Path(named) if named else user_data_path("lecture-assistant")),
            model=environment.get("ASSISTANT_MODEL") or None,
            cross_encoder=environment.get("ASSISTANT_CROSS_ENCODER") or None,
        )
