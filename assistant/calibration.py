"""The confidence fitted to one library: slope and offset of its log-odds, kept in ``HOME/calibration.json``.

The shipped confidence is calibrated on lectures of one course (``ranking.json``). Other recordings, another
encoder or other kinds of questions move it; ``assistant calibrate`` fits it again. The file is a JSON object
with the fields of ``Calibration``. It holds for one set of weights, one encoder and one cross-encoder or
none; with any other the shipped confidence is used until ``assistant calibrate`` is run again.
"""

import hashlib
import json
import math
import os
from dataclasses import asdict, dataclass, fields, replace
from importlib import resources
from pathlib import Path

from assistant.config import Settings
from assistant.disk import home_errors, replace_file, writer_lock
from assistant.errors import CalibrationInvalid, HomeUnusable
from assistant.ranking import Ranker

__all__ = [
    "Calibration",
    "calibrated",
    "calibration_stamp",
    "read_calibration",
    "remove_calibration",
    "weights_sha256",
    "write_calibration",
]

_NAME = "calibration.json"
_WEIGHTS = ("matching.npz", "ranking.json", "verifier.npz")


@dataclass(frozen=True, slots=True)
class Calibration:
    """``log_odds * slope + offset`` in place of the shipped log-odds, and how it came about.

    Errors are mean log losses in nats per question, each question judged by a line fitted on others.
    """

    slope: float
    offset: float
    date: str
    """ISO 8601, UTC."""
    questions: int
    right: int
    """Of how many of them one of the first three quotes hit."""
    error_before: float
    error_after: float
    weights_sha256: str
    """Of the weights that it was fitted on."""
    model_sha256: str
    """Of the encoder that it was fitted on."""
    cross_encoder: str
    """The name of the cross-encoder that it was fitted on; empty for none."""


def read_calibration(settings: Settings, model_sha256: str) -> Calibration | None:
    """What is stored under the home; ``None`` if there is nothing, or it holds for other models.

    Raises:
        CalibrationInvalid: the file is not what ``write_calibration`` writes.
    """
    path = settings.home / _NAME
    try:
        record = json.loads(path.read_bytes())
        kept = Calibration(**{field.name: record[field.name] for field in fields(Calibration)})
        slope, offset = float(kept.slope), float(kept.offset)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise CalibrationInvalid(
            f"{path}: not a calibration ({error!r}); remove it: `assistant calibrate --reset`"
        ) from error
    if not (0.0 < slope < math.inf and math.isfinite(offset)):
        raise CalibrationInvalid(
            f"{path}: slope {slope} and offset {offset} turn no confidence into one; "
            "remove it: `assistant calibrate --reset`"
        )
    holds = (
        kept.model_sha256 == model_sha256
        and kept.cross_encoder == (settings.cross_encoder or "")
        and kept.weights_sha256 == weights_sha256()
    )
    return kept if holds else None


def calibration_stamp(home: Path) -> tuple[int, int, int] | None:
    """What tells a stored calibration from another one without reading it; ``None`` where there is none."""
    try:
        found = (home / _NAME).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def write_calibration(home: Path, calibration: Calibration) -> Path:
    """Store it; a reader sees the old file or the new one, never a part. Returns where.

    Raises:
        HomeUnusable: the folder cannot be written.
        IndexBusy: another process is writing in it.
    """
    path = home / _NAME
    with writer_lock(home), home_errors(home):
        replace_file(path, (json.dumps(asdict(calibration), indent=1) + "\n").encode())
    return path


def remove_calibration(home: Path) -> bool:
    """Go back to the shipped confidence; whether there was anything to remove.

    Raises:
        HomeUnusable: the folder cannot be written, or what is there is a folder itself.
    """
    path = home / _NAME
    if path.is_dir():
        raise HomeUnusable(f"{path} is a folder and no calibration; remove it")
    with home_errors(home):
        there = os.path.lexists(path)
        path.unlink(missing_ok=True)
    return there


def calibrated(ranker: Ranker, calibration: Calibration | None) -> Ranker:
    """The same weights with ``calibration`` applied to the confidence."""
    if calibration is None:
        return ranker
    return replace(ranker, confidence=ranker.confidence.moved(calibration.slope, calibration.offset))


def weights_sha256() -> str:
    """Hexadecimal SHA-256 of the weights that ship."""
    folder = resources.files("assistant")
    stored = b"".join(folder.joinpath(name).read_bytes() for name in _WEIGHTS)
    return hashlib.sha256(stored).hexdigest()
