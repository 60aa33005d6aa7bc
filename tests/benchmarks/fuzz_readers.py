"""Throw damaged transcripts at every reader: python tests/benchmarks/fuzz_readers.py SECONDS [SEED].

Coverage-guided by atheris where that is installed (pip install atheris), else by random mutation of the
samples below. A failure is any exception but CorpusError, an input that takes more than 5 s, or
a cue that breaks a promise: text, lines and times in order, every cue a slice of the transcript.
"""

import random
import sys
import tempfile
import time
from pathlib import Path

from corpus import CorpusError, Lecture, split_sentences
from corpus.transcripts import parse_transcript

SAMPLES = {
    "a.srt": "1\n00:00:01,000 --> 00:00:02,500\n<i>Hello</i> &amp; welcome.\n\n2\n-0:00:03,0 --> 00:00:04\n[Music]\n\n3\n",
    "a.vtt": "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n\nNOTE no\n\nSTYLE\n::cue {}\n\nid\n"
    "00:01.000 --> 00:02.000 align:start\n<v Anna>Is it</v>\n<v Bo>late?<00:01.500><c> No.</c>\n\n"
    "00:02.000 --> 00:03.000\nlate? No.\nYes.\n\n00:03.000 --> 00:04.000\nYes.\nAnd so.\n",
    "a.sbv": "0:00:01.000,0:00:02.500\nHello[br]there.\n\n0:00:03.000,0:00:04.000\n>> ANNA: Bye.\n",
    "a.ttml": '<?xml version="1.0"?>\n<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" '
    'ttp:frameRate="24" ttp:frameRateMultiplier="1000 1001" ttp:tickRate="10000"><head><metadata>'
    '<ttm:agent xml:id="a"><ttm:name>Anna</ttm:name></ttm:agent></metadata></head><body><div begin="1s">'
    '<p begin="00:00:01:12" dur="2.5s" ttm:agent="a">One<br/>two &amp; &nbsp; three</p>'
    '<p><span begin="10000t" end="3s">four</span></p></div></body></tt>',
    "a.json3": '{"wireMagic":"pb3","events":[{"tStartMs":0,"dDurationMs":9},\n{"tStartMs":1000,"dDurationMs":2000,'
    '"segs":[{"utf8":"hello"},{"utf8":" there\\n","tOffsetMs":120}]},{"aAppend":1,"segs":[{"utf8":"\\n"}]}]}',
    "a.srv3": '<?xml version="1.0"?><timedtext format="3"><body><p t="1000" d="2000" w="1">so<s t="120"> what</s></p>\n'
    '<p t="2000" d="5" a="1">\n</p></body></timedtext>',
    "a.xml": '<transcript><text start="0.5" dur="2.1">it&amp;#39;s</text><text start="3">on</text></transcript>',
    "a.json": '{"text":" a","segments":[{"start":0.0,"end":7.5,"text":" And so","speaker":"S1","words":[{"word":" And",'
    '"start":0.0,"end":1}]},{"timestamp":[8,null],"text":"\\ud800 x"}],"language":"en"}',
    "a.tsv": "start\tend\ttext\n0\t1000\tHello there.\n1000\t2500\tBye.\n",
    "a.txt": "0:00\nhello there\n0:05\n5 seconds\nand so\n1:00:01 we go\n",
    "b.txt": "Anna: Hello, and\n\nBo: welcome.\nAnna: Thanks.\nBo: Bye.\n",
    "a.lrc": "[00:08.62]First things first\n[00:09.64]I am\n[01:14.500 -> 01:15.500]  Okay.\n",
    "a.md": "---\ntitle: x\n---\n# Docker\n\nA [container](x) runs `docker\nrun`.\n\n- item\n",
}
NAMES = list(SAMPLES)
PIECES = [
    *(
        "\n",
        "\r",
        "\x00",
        "\ufeff",
        " --> ",
        "00:00:01,000",
        "-",
        "<v ",
        ">",
        "<",
        "&",
        "&#x0;",
        "&nbsp;",
        "{\\",
        "[",
        "]",
    ),
    *(
        '"',
        "{",
        "}",
        ",",
        ":",
        "9" * 30,
        "NOTE",
        "WEBVTT",
        "♪",
        "\u2028",
        "\ud7ff",
        "😀",
        "\t",
        ">> ",
        "A: ",
        "(",
        ")",
        "---",
    ),
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
    random_ = random.Random(seed)
    done = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        name = random_.choice(NAMES)
        sample = SAMPLES[random_.choice(NAMES) if random_.random() < 0.1 else name]
        data = mutate(sample.encode(), random_)
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
        import corpus.transcripts
        from corpus import CorpusError as Refused
        from corpus.formats import detection
    globals().update(
        parse_transcript=corpus.transcripts.parse_transcript, CorpusError=Refused, detection=detection
    )
    folder = Path(tempfile.mkdtemp(prefix="fuzz-readers-"))
    for number, name in enumerate(NAMES):
        (folder / name).write_bytes(bytes([number]) + SAMPLES[name].encode())

    def one(data: bytes) -> None:
        if data:
            check(NAMES[data[0] % len(NAMES)], data[1:])

    flags = [
        f"-max_total_time={int(seconds)}",
        f"-seed={seed}",
        "-timeout=5",
        "-rss_limit_mb=1024",
        "-max_len=4096",
        f"-artifact_prefix={folder}/",
    ]
    atheris.Setup([sys.argv[0], *flags, "-print_final_stats=1", str(folder)], one)
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
