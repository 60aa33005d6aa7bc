"""What can go wrong between a passage and an answer.

AssistantError
├── QuestionInvalid   empty, or longer than a question can be
├── NotIndexed        a course, lecture or passage that the index does not hold
│   └── PassageRetired    it held that passage once; its lecture changed or went
├── NothingReadable   no file that was to be indexed can be read, and nothing was indexed before
├── IndexMissing      nothing has been indexed under this home yet
├── IndexDamaged      a file of the index is missing, altered or not ours
├── IndexOutdated     an earlier version of this program wrote the index; it can be upgraded
├── IndexTooNew       a later version of this program wrote the index
├── ArchiveInvalid    a file to import that is no archive of an index, or not a whole one
├── IndexBusy         another process is writing the index
├── HomeUnusable      the home folder cannot be written: read-only, full, not a folder
├── ModelUnusable     the encoder's files are missing, altered or of an unknown make
├── PortTaken         the server cannot listen where it was told to
├── SettingInvalid    a setting whose value cannot be used
├── KeyInvalid        an API key's name that is empty, taken or unknown
├── UploadInvalid     a transcript sent to the server, or what it says of it, cannot be used
├── LectureConflict   a lecture cannot be added or removed as the index stands
├── EvaluationInvalid a question set or corpus for ``eval`` that does not hold what it must
└── CalibrationInvalid questions the confidence cannot be fitted to, or a stored fit that cannot be read
"""

__all__ = [
    "ArchiveInvalid",
    "AssistantError",
    "CalibrationInvalid",
    "EvaluationInvalid",
    "HomeUnusable",
    "IndexBusy",
    "IndexDamaged",
    "IndexMissing",
    "IndexOutdated",
    "IndexTooNew",
    "KeyInvalid",
    "LectureConflict",
    "ModelUnusable",
    "NotIndexed",
    "NothingReadable",
    "PassageRetired",
    "PortTaken",
    "QuestionInvalid",
    "SettingInvalid",
    "UploadInvalid",
]


class AssistantError(Exception):
    """Root of every error this package raises; the message says what happened and what to do."""


class QuestionInvalid(AssistantError):
    """The question holds no word or is too long."""


class NotIndexed(AssistantError):
    """The named course, lecture or passage is not in the index."""


class PassageRetired(NotIndexed):
    """The passage was in the index; its lecture has changed since or was removed."""


class NothingReadable(AssistantError):
    """Each of the files to be indexed failed, and there is no index that would stay."""


class IndexMissing(AssistantError):
    """There is no index under the home folder."""


class IndexDamaged(AssistantError):
    """A file of the index is missing, altered, or not ours."""


class IndexOutdated(AssistantError):
    """An earlier version of this program wrote the index."""


class IndexTooNew(AssistantError):
    """A later version of this program wrote the index; nothing is written over it."""


class ArchiveInvalid(AssistantError):
    """A file to import is no archive of an index, or was cut or altered."""


class IndexBusy(AssistantError):
    """Another process holds the writer's lock."""


class HomeUnusable(AssistantError):
    """The home folder cannot be created or written."""


class ModelUnusable(AssistantError):
    """The encoder cannot be loaded, or its weights are not the ones expected."""


class PortTaken(AssistantError):
    """The address is in use or not ours to listen on."""


class SettingInvalid(AssistantError):
    """The value of a setting is not one it can have."""


class KeyInvalid(AssistantError):
    """The name of an API key is empty, taken, or nobody's."""


class UploadInvalid(AssistantError):
    """An upload is no transcript, or its name, title or course cannot be used."""


class LectureConflict(AssistantError):
    """The lecture to be added is there already, or the one to be removed is the last."""


class EvaluationInvalid(AssistantError):
    """A question set or a corpus is not in the evaluation format."""


class CalibrationInvalid(AssistantError):
    """Too few or too one-sided questions to fit the confidence to, or a damaged ``calibration.json``."""
