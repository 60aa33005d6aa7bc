"""The live index of a home, open with all that reads it."""

import logging
import threading
from dataclasses import dataclass

from assistant.answering import Reader
from assistant.calibration import calibrated, calibration_stamp, read_calibration
from assistant.config import Settings
from assistant.embedding import OnnxEncoder, QuestionEncoder
from assistant.errors import CalibrationInvalid, IndexOutdated
from assistant.onnx_export import exported_folder
from assistant.products import on_one_thread
from assistant.ranking import load_ranker
from assistant.reranking import Reranker, load_reranker
from assistant.store import Generation, current_generation, open_current, prune

__all__ = ["LiveIndex", "OpenIndex", "open_index"]


_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenIndex:
    """A generation with all that reads it, replaced as a whole when a newer one is published."""

    generation: Generation
    encoder: QuestionEncoder
    reader: Reader


def open_index(
    settings: Settings,
    *,
    encoder: QuestionEncoder | None = None,
    reranker: Reranker | None = None,
    calibrate: bool = True,
) -> OpenIndex:
    """The live index of the home, upgraded first if an earlier version wrote it.

    From then on NumPy's products take one thread in the whole process (``products.on_one_thread``).
    ``encoder`` stands in for the exported one, ``reranker`` for that of the settings; without
    ``calibrate`` the confidence is the one that ships.

    Raises:
        IndexMissing: nothing has been indexed.
        IndexDamaged: a file of the index is not what the manifest says.
        IndexTooNew: a later version of this program wrote the index.
        HomeUnusable: an earlier one did, and the index cannot be upgraded where it is.
        IndexBusy: an earlier one did, and another process is writing.
        ModelUnusable: the exported encoder or the cross-encoder cannot be loaded.
        CalibrationInvalid: the stored calibration cannot be read.
    """
    on_one_thread()
    try:
        generation = open_current(settings.home)
    except IndexOutdated:
        from assistant.migration import upgrade_home

        upgrade_home(settings.home)
        generation = open_current(settings.home)
    model_sha256 = generation.manifest.model_sha256
    encoder = encoder or OnnxEncoder(exported_folder(settings.home, model_sha256))
    ranker = load_ranker()
    if calibrate:
        ranker = calibrated(ranker, read_calibration(settings, model_sha256))
    reranker = reranker or load_reranker(settings.cross_encoder)
    return OpenIndex(
        generation, encoder, Reader(generation, encoder, ranker, settings.passages_retrieved, reranker)
    )


class LiveIndex:
    """The generation that is live, opened once, and again when another one or a calibration is published."""

    def __init__(self, settings: Settings, encoder: QuestionEncoder | None) -> None:
        """Open it; raises what ``open_index`` does."""
        self._settings = settings
        self._given_encoder = encoder
        self._reranker = load_reranker(settings.cross_encoder)
        self._lock = threading.Lock()
        self._calibration = calibration_stamp(settings.home)
        self._opened = self._open()

    def current(self) -> OpenIndex:
        """What is live now; who holds what was live before may go on reading it.

        Raises:
            IndexDamaged: a file of it was cut or removed since it was opened; one that is cut while it is
                read ends the process.
            ModelUnusable: the encoder was cut.
            AssistantError: another one is live and cannot be opened, as ``open_index`` says. A calibration
                that cannot be read is logged, and the one before stays.
        """
        if not self._is_current():
            with self._lock:
                if not self._is_current():
                    self._renew()
        self._opened.generation.check_sizes()
        if isinstance(self._opened.encoder, OnnxEncoder):
            self._opened.encoder.check_weights()
        return self._opened

    def _renew(self) -> None:
        home = self._settings.home
        stamp = calibration_stamp(home)
        try:
            # With the last who reads it the old one is closed.
            self._opened = self._open()
        except CalibrationInvalid as error:
            if current_generation(home) != self._opened.generation.folder:
                raise
            _logger.warning("%s; the confidence stays as it was", error)
        self._calibration = stamp
        prune(home)

    def _is_current(self) -> bool:
        home = self._settings.home
        is_live = current_generation(home) == self._opened.generation.folder
        return is_live and calibration_stamp(home) == self._calibration

    def _open(self) -> OpenIndex:
        return open_index(self._settings, encoder=self._given_encoder, reranker=self._reranker)
