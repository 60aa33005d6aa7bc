"""Throw damaged transcripts at every reader: python tests/benchmarks/fuzz_readers.py SECONDS [SEED].

Coverage-guided by atheris where that is installed (pip install atheris), else by random mutation of the
samples in tests/data/samples. A failure is any exception but CorpusError, an input that takes more than
5 s, or a cue that breaks a promise: lines and times in order, every cue a slice of the transcript.
"""

import random
import sys
import tempfile
import time
from pathlib import Path

from corpus import CorpusError, Lecture, split_sentences
from corpus.transcripts import parse_transcript

FOLDER = Path(__file__).parents[1] / "data" / "samples"
SAMPLES = {file.name: file.read_bytes() for file in sorted(FOLDER.iterdir())}
NAMES = list(SAMPLES)
PIECES = [
    *("\n", "\r", "\x00", "\ufeff", "\u2028", "\ud7ff", "😀", "\t", "9" * 30, ":", ",", "-", "---"),
    *(" --> ", "00:00:01,000", "<v ", ">", "<", "&", "&#x0;", "&nbsp;", "{\\", "[", "]", "(", ")", "♪"),
    *('"', "{", "}", "NOTE", "WEBVTT", ">> ", "A: "),
]
MOST_SECONDS = 5.0


def check(name: str, data: bytes) -> None:
    """Read ``data`` as a file called ``name``; raise if that breaks a promise."""
    started = time.monotonic()
    try:
        transcript = parse_transcript(data, Path(name))
    except CorpusError:
        return
    finally:
        if time.monotonic() - started > MOST_SECONDS:
            raise AssertionError(f"more than {MOST_SECONDS} s for {len(data)} bytes")
    transcript.text.encode()
    position = 0
    for cue in transcript.cues:
        said = transcript.text[cue.char_start : cue.char_end]
        assert cue.char_start == position, "cues are joined by single spaces"
        assert said.strip() == said != "", "a cue has words and no white space around them"
        assert 1 <= cue.line_start <= cue.line_end, "lines are in order"
        assert cue.start_ms is None or 0 <= cue.start_ms <= (
            cue.start_ms if cue.end_ms is None else cue.end_ms
        )
        position = cue.char_end + 1
    lecture = Lecture("x", "x", None, "en", (), None, name, "", transcript.text, transcript.cues)
    before = 0
    for sentence in split_sentences(lecture, lambda text: len(text) // 4, 20):
        assert before <= sentence.char_start < sentence.char_end <= len(transcript.text)
        before = sentence.char_end


def mutate(data: bytes, random_: random.Random) -> bytes:
    """``data`` with one to eight pieces cut, doubled, moved, overwritten or put in."""
    for _ in range(random_.randint(1, 8)):
        a, b = sorted((random_.randint(0, len(data)), random_.randint(0, len(data))))
        piece = random_.choice(PIECES).encode("utf-8", "surrogatepass")
        data = random_.choice(
            (
                lambda a=a, b=b, data=data: data[:a] + data[min(b, a + 40) :],
                lambda a=a, b=b, data=data: data[:b] + data[a:b] + data[b:],
                lambda a=a, data=data, piece=piece: data[:a] + piece + data[a:],
                lambda a=a, data=data, piece=piece: data[:a] + piece + data[a + len(piece) :],
                lambda a=a, data=data: data[:a] + random_.randbytes(3) + data[a:],
                lambda a=a, data=data, piece=piece: data[:a] + piece * random_.randint(2, 400) + data[a:],
            )
        )()
    encoding = random_.choice(("utf-8",) * 8 + ("utf-16", "cp1252"))
    return data if encoding == "utf-8" else data.decode("utf-8", "replace").encode(encoding, "replace")


def by_mutation(seconds: float, seed: int) -> int:
    random_ = random.Random(seed)  # noqa: S311 - repeatable, and no secret
    done = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        name = random_.choice(NAMES)
        sample = SAMPLES[random_.choice(NAMES) if random_.random() < 0.1 else name]
        data = mutate(sample, random_)
        try:
            check(name, data)
        except Exception:
            print(f"FAILED on {name}: {data!r}", flush=True)
            raise
        done += 1
    return done


def by_coverage(seconds: float, seed: int) -> None:
    """Does not return: libFuzzer ends the process and prints how many inputs it ran."""
    import atheris

    with atheris.instrument_imports(include=["corpus"]):
        for module in [m for m in sys.modules if m == "corpus" or m.startswith("corpus.")]:
            del sys.modules[module]
        import corpus.formats.detection
        import corpus.transcripts
        from corpus import CorpusError as Refused
    # What is fuzzed is the instrumented copy.
    globals().update(parse_transcript=corpus.transcripts.parse_transcript, CorpusError=Refused)
    folder = Path(tempfile.mkdtemp(prefix="fuzz-readers-"))
    for number, name in enumerate(NAMES):
        (folder / name).write_bytes(bytes([number]) + SAMPLES[name])

    def one(data: bytes) -> None:
        if data:
            check(NAMES[data[0] % len(NAMES)], data[1:])

    flags = [
        *(f"-max_total_time={int(seconds)}", f"-seed={seed}", "-print_final_stats=1", "-max_len=4096"),
        *(f"-timeout={MOST_SECONDS:.0f}", "-rss_limit_mb=1024", f"-artifact_prefix={folder}/"),
    ]
    atheris.Setup([sys.argv[0], *flags, str(folder)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    length = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    start_seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    try:
        import atheris as _  # noqa: F401 - only whether it is there
    except ImportError:
        print(f"{by_mutation(length, start_seed):,} mutated inputs, no failure")
    else:
        print(f"{by_mutation(length / 2, start_seed):,} mutated inputs, no failure", flush=True)
        by_coverage(length / 2, start_seed)
