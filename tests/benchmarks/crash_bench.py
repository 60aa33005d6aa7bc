"""The index that every crash starts from, children to crash in, and whether anything was lost."""

import json
import os
import re
import shutil
import signal
import time
import traceback
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from assistant.checking import verify_home
from assistant.config import Settings
from assistant.embedding import EncodedText
from assistant.errors import AssistantError
from assistant.indexing import index_paths
from assistant.model_files import file_sha256, locate_model
from assistant.onnx_export import ENCODER_CHECKSUMS, exported_folder
from assistant.service import LectureAssistant

FILLER = " ".join(f"Sentence number {i} says that thing {i * i} is one more." for i in range(120))
OLD = {
    "apples": f"Apples are red. They grow on trees. {FILLER}",
    "boats": "Boats float on water. A boat has a sail.",
    "cats": "Cats sleep all day. Do cats dream? They do.",
}
NEW = {
    "apples": OLD["apples"],
    "boats": "Boats sink in storms.",
    "dogs": f"Dogs bark at night. {FILLER[:2000]}.",
}


class WordEncoder:
    """Each word counts in one of 32 places by its checksum."""

    def encode_question(self, text: str) -> EncodedText:
        """As ``encode_passages`` would."""
        words = list(re.finditer(r"\w+", text))
        places = [zlib.crc32(word[0].lower().encode()) % 32 for word in words]
        tokens = np.eye(32, dtype=np.float32)[places]
        total = tokens.sum(axis=0)
        vector = (total / np.linalg.norm(total)).astype(np.float32)
        return EncodedText(vector, tokens, tuple(word.span() for word in words))

    def encode_passages(self, texts: Sequence[str], progress: Callable[[int], None]) -> Iterator[EncodedText]:
        """One by one."""
        for text in texts:
            yield self.encode_question(text)
            progress(1)


class Bench:
    """The homes and folders that the cases start from."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.old, self.new = scratch / "old", scratch / "new"
        for folder, texts in ((self.old, OLD), (self.new, NEW)):
            folder.mkdir()
            for name, text in texts.items():
                (folder / f"{name}.txt").write_text(text, encoding="utf-8")
        self.lectures = scratch / "lectures"
        self.model = scratch / "model"  # a tokenizer is all that is asked of it
        self.model.mkdir()
        real = locate_model(None).folder
        for name in ("modules.json", "tokenizer.json", "config.json"):
            shutil.copyfile(real / name, self.model / name)
        self.pristine = scratch / "pristine"
        self.pristine.mkdir()
        fake = exported_folder(self.pristine, locate_model(str(self.model)).sha256)
        fake.mkdir(parents=True)
        described = {}
        for name, key in ENCODER_CHECKSUMS.items():
            (fake / name).write_bytes(name.encode())
            described[key] = file_sha256(fake / name)
        (fake / "encoder.json").write_text(json.dumps(described), encoding="utf-8")
        self.sources(self.old)
        outcome = in_child(lambda: self.index(self.pristine))
        assert outcome == "done", outcome

    def sources(self, of: Path) -> None:
        """Let the transcripts be those of the old or the new index."""
        shutil.rmtree(self.lectures, ignore_errors=True)
        shutil.copytree(of, self.lectures)

    def fresh(self, where: Path | None = None) -> Path:
        """A copy of the old index, about to be made the new one."""
        home = where or self.scratch / "home"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self.pristine, home)
        self.sources(self.new)
        return home

    def index(self, home: Path) -> str:
        """Index the transcripts as they are; ``done`` or the error."""
        settings = Settings(home=home, model=str(self.model))
        try:
            index_paths([self.lectures], settings, lambda *_: None, encoder=WordEncoder())
        except AssistantError as error:
            return f"{type(error).__name__}: {error}"
        return "done"

    def answers(self, home: Path) -> str:
        """``old`` or ``new``: which index answers, all of it and nothing else. Else what is wrong."""
        assistant = LectureAssistant(Settings(home=home, model=str(self.model)), WordEncoder())
        held = {h.lecture_id: assistant.lecture(h.lecture_id).transcript for h in assistant.lectures()}
        which = "old" if held == OLD else "new" if held == NEW else "a mix"
        found = assistant.search("What do boats do on water or in storms?").results
        quotes = [citation.quote for citation in found if citation.lecture_id == "boats"]
        if quotes != [held.get("boats")]:
            return f"search gives {quotes} of the {which}"
        for citation in found:
            if held[citation.lecture_id][citation.char_start : citation.char_end] != citation.quote:
                return f"wrong quote {citation.quote!r}"
        assistant.ask("What do boats do?")
        faults = verify_home(home, sample=0)
        return faults[0] if faults else which


def in_child(work: Callable[[], str], kill_after: float | None = None) -> str:
    """What ``work`` gives in a process of its own, or how that ended."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        try:
            result = work()
        except BaseException:  # noqa: BLE001 (reported to the parent)
            result = traceback.format_exc()
        os.write(writer, result.encode()[:60_000])
        os._exit(0)
    os.close(writer)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(pid, signal.SIGKILL)
    with os.fdopen(reader, "rb") as pipe:
        result = pipe.read().decode()
    _, status = os.waitpid(pid, 0)
    return f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else result


def after(bench: Bench, home: Path, ended: str) -> str:
    """``old``, ``new``, or what was lost."""
    which = in_child(lambda: bench.answers(home))
    if which not in {"old", "new"}:
        return f"lost: after {ended!r}: {which}"
    again = in_child(lambda: bench.index(home))
    now = in_child(lambda: bench.answers(home))
    folders = [path.name for path in (home / "generations").iterdir()]
    if (again, now, len(folders)) != ("done", "new", 1):
        return f"lost: the next run: {again}, {now}, {folders}"
    return which


def refused(bench: Bench, home: Path, ended: str, kind: type[Exception]) -> str:
    """``after`` of a run that should have gone through or said why not."""
    if ended != "done" and not ended.startswith(kind.__name__):
        return f"lost: {ended}"
    return after(bench, home, ended)
