"""One byte of one file altered: ``verify`` sees it, and no answer cites what the lecture does not say."""

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from crash_bench import in_child

from assistant.checking import verify_home
from assistant.citations import CharRange, Citation, cite
from assistant.config import Settings
from assistant.errors import AssistantError
from assistant.service import LectureAssistant
from assistant.store import open_current


def flipped(scratch: Path, count: int) -> Iterator[tuple[str, str]]:
    """Alter one byte of one file: ``verify`` sees it, and no answer cites what the lecture does not say."""
    home, lectures = scratch / "real", scratch / "timed"
    lectures.mkdir()
    (lectures / "tides.srt").write_text(
        "".join(
            f"{i}\n00:{i:02}:01,000 --> 00:{i:02}:05,000\nThe tide rises for reason {i}, says the moon.\n\n"
            for i in range(1, 50)
        ),
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "assistant", "--home", str(home), "index"]
    subprocess.run(command, check=True, capture_output=True)
    subprocess.run([*command, str(lectures)], check=True, capture_output=True)
    truth = scratch / "truth"
    shutil.copytree(home, truth)
    assert in_child(lambda: str(verify_home(home))) == "[]"
    files = [path for path in sorted(home.rglob("*")) if path.is_file() and path.stat().st_size]
    chosen = random.Random(2)  # noqa: S311 (places, not keys)
    for number in range(count):
        path = files[number % len(files)]
        at, mask = chosen.randrange(path.stat().st_size), chosen.randrange(1, 256)
        flip(path, at, mask)
        seen = in_child(lambda: json.dumps(verify_home(home)))
        asked = in_child(lambda: asked_rightly(home, truth))
        flip(path, at, mask)
        where = f"{path.relative_to(home)} byte {at} ^ {mask}"
        yield "one byte altered: verify", "found" if seen.startswith('["') else f"lost: {where}: {seen}"
        yield "one byte altered: ask", asked if asked in RIGHT else f"lost: {where}: {asked}"


RIGHT = ("an error that names the file", "as before", "other quotes, all right")


def flip(path: Path, at: int, mask: int) -> None:
    """Alter a byte; twice is as it was."""
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ mask]))


def asked_rightly(home: Path, truth: Path) -> str:
    """How the index answers, held against the untouched one."""
    catalog = open_current(truth).catalog
    try:
        assistant = LectureAssistant(Settings(home=home))
        given = cited(assistant)
    except AssistantError as error:
        return RIGHT[0] if str(home) in str(error) else f"vague: {error}"
    for citation in given:
        where = CharRange(citation.char_start, citation.char_end)
        right = cite(
            catalog,
            citation.lecture_id,
            where,
            citation.passage_id,
            number=citation.number,
            score=citation.score,
            highlight=citation.highlight,
        )
        if asdict(right) != asdict(citation):
            return f"wrong citation {citation}"
    return RIGHT[1] if given == cited(LectureAssistant(Settings(home=truth))) else RIGHT[2]


def cited(assistant: LectureAssistant) -> list[Citation]:
    """Every citation of some answers and a search."""
    citations = list(assistant.search("moon and tide").results)
    for question in ("What is Docker?", "Why does the tide rise?", "Where do you store Docker images?"):
        answer = assistant.ask(question)
        citations += [*answer.citations, *answer.nearest]
    return citations
