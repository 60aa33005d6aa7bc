"""What can go wrong between a passage and an answer.

AssistantError
├── QuestionInvalid   empty, or longer than a question can be
├── NotIndexed        a course or lecture that the index does not hold
├── IndexMissing      nothing has been indexed under this home yet
├── IndexDamaged      a file of the index is missing, altered or not ours
├── IndexBusy         another process is writing the index
├── HomeUnusable      the home folder cannot be written: read-only, full, not a folder
├── ModelUnusable     the encoder's files are missing, altered or of an unknown make
├── PortTaken         the server cannot listen where it was told to
├── EvaluationInvalid a question set or corpus for ``eval`` that does not hold what it must
└── CalibrationInvalid questions the confidence cannot be fitted to, or a stored fit that cannot be read
"""

__all__ = [
    "AssistantError",
    "CalibrationInvalid",
    "EvaluationInvalid",
    "HomeUnusable",
    "IndexBusy",
    "IndexDamaged",
    "IndexMissing",
    "ModelUnusable",
    "NotIndexed",
    "PortTaken",
    "QuestionInvalid",
]


class AssistantError(Exception):
    """Root of every error this package raises; the message says what happened and what to do."""


class QuestionInvalid(AssistantError):
    """The question is empty or too long."""


class NotIndexed(AssistantError):
    """The named course or lecture is not in the index."""


class IndexMissing(AssistantError):
    """There is no index under the home folder."""


class IndexDamaged(AssistantError):
    """A file of the index is missing, altered, of another format version, or not ours."""


class IndexBusy(AssistantError):
    """Another process holds the writer's lock."""


class HomeUnusable(AssistantError):
    """The home folder cannot be created or written."""


class ModelUnusable(AssistantError):
    """The encoder cannot be loaded, or its weights are not the ones expected."""


class PortTaken(AssistantError):
    """The address is in use or not ours to listen on."""


class EvaluationInvalid(AssistantError):
    """A question set or a corpus is not in the evaluation format."""


class CalibrationInvalid(AssistantError):
    """Too few or too one-sided questions to fit the confidence to, or a damaged ``calibration.json``."""
