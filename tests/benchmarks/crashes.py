"""Whether anything of an index is ever lost: killed writers, full disks, altered bytes and the like.

    python tests/benchmarks/crashes.py [--kills 200] [--full 40] [--real-kills 10] [--flips 200]

Each case starts from a whole index of three lectures and runs one that adds a lecture, changes one and
removes one. A case is lost if afterwards neither the index before nor the one after answers, or a mix of
both does, or the next run does not go through. Prints a table; exits with 1 if anything was lost.

Every run is a process of its own, forked after the imports; an encoder that counts words stands in for
the model, but for the real kills and the altered bytes.
"""

import argparse
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from altered_bytes import flipped
from crash_bench import NEW, OLD, Bench, WordEncoder, after, in_child, refused

from assistant.building import GenerationBuilder
from assistant.checking import verify_home
from assistant.config import Settings
from assistant.earlier import open_earlier
from assistant.errors import HomeUnusable, IndexBusy
from assistant.indexing import index_paths
from assistant.service import LectureAssistant
from assistant.store import current_generation, open_current

UNPRIVILEGED = 65534


def die_at(moment: int) -> Callable[[], int]:
    """Kill this process at its n-th call that changes the disk; returns how many there were."""
    seen = 0

    def step() -> None:
        nonlocal seen
        seen += 1
        if seen == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event: str, values: tuple[Any, ...]) -> None:
        if event == "open":
            _, mode, flags = values
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if writes or (isinstance(mode, str) and set(mode) & set("wax+")):
                step()
        elif event in {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "sqlite3.connect"}:
            step()

    sys.addaudithook(hook)
    fsync = os.fsync

    def counted(descriptor: int) -> None:
        step()
        fsync(descriptor)

    os.fsync = counted
    return lambda: seen


def killed(bench: Bench, count: int) -> Iterator[tuple[str, str]]:
    """Kill the writer at every kind of moment, then ask, then index again."""

    def count_calls() -> str:
        total = die_at(0)
        outcome = bench.index(home)
        return str(total()) if outcome == "done" else outcome

    home = bench.fresh()
    calls = int(in_child(count_calls))
    home = bench.fresh()
    started = time.perf_counter()
    in_child(lambda: bench.index(home))
    duration = time.perf_counter() - started
    chosen = random.Random(1)  # noqa: S311 (moments, not keys)
    for number in range(count):
        home = bench.fresh()
        if number % 2:
            ended = in_child(lambda home=home: bench.index(home), kill_after=chosen.uniform(0, duration))
        else:
            moment = 1 + (number // 2) * calls // max((count + 1) // 2, 1)

            def run(home: Path = home, moment: int = moment) -> str:
                die_at(moment)
                return bench.index(home)

            ended = in_child(run)
        yield "kill -9 of the writer", after(bench, home, ended)


def full(bench: Bench, count: int) -> Iterator[tuple[str, str]]:
    """A disk that takes no more after so many bytes, and files that may be no longer than that."""
    # Files take whole blocks of 4 KiB.
    blocks = sum(-(-path.stat().st_size // 4096) + 1 for path in bench.pristine.rglob("*"))
    for number in range(count):
        home = bench.fresh()
        limit = 1 + number * 120_000 // max(count - 1, 1)

        def limited(home: Path = home, limit: int = limit) -> str:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            return bench.index(home)

        ended = in_child(limited)
        yield "files limited in size", refused(bench, home, ended, HomeUnusable)
    if os.geteuid() != 0:
        return
    for number in range(count):
        with mounted(bench.scratch / "disk", 4 * blocks + 8 + number * 80 // max(count - 1, 1)) as disk:
            home = bench.fresh(disk / "home")
            ended = in_child(lambda home=home: bench.index(home))
            if ended == "done":
                yield "full disk", after(bench, home, ended)
                continue
            which = in_child(lambda home=home: bench.answers(home))
            told = ended.startswith("HomeUnusable") and "disk is full" in ended
            yield "full disk", which if told and which == "old" else f"lost: {ended} {which}"


@contextmanager
def mounted(where: Path, kibibytes: int) -> Iterator[Path]:
    """A file system of its own; as root on Linux."""
    where.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", str(where)]
    subprocess.run(mount, check=True)
    try:
        yield where
    finally:
        subprocess.run(["umount", str(where)], check=True)


def unwritable(bench: Bench) -> Iterator[tuple[str, str]]:
    """Homes that can be read and not written: asked they answer, indexed they refuse."""
    if os.geteuid() != 0:
        return
    with mounted(bench.scratch / "disk", 20_000) as disk:
        home = bench.fresh(disk / "home")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        ended = in_child(lambda: bench.index(home))
        which = in_child(lambda: bench.answers(home))
        yield "read-only file system", told(ended, which)
    home = bench.fresh()
    for path in [home, *home.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    bench.scratch.chmod(0o755)

    def unprivileged(work: Callable[[Path], str]) -> str:
        bench.answers(home)  # what is imported late may stand where an unprivileged child cannot read
        os.setresgid(UNPRIVILEGED, UNPRIVILEGED, UNPRIVILEGED)
        os.setresuid(UNPRIVILEGED, UNPRIVILEGED, UNPRIVILEGED)
        return work(home)

    ended = in_child(lambda: unprivileged(bench.index))
    yield "permission denied", told(ended, in_child(lambda: unprivileged(bench.answers)))


def told(ended: str, which: str) -> str:
    """``old`` if the writer was refused with advice and the old index answers."""
    sound = ended.startswith("HomeUnusable") and "cannot be written" in ended and which == "old"
    return "old" if sound else f"lost: {ended}, {which}"


def backwards(bench: Bench) -> Iterator[tuple[str, str]]:
    """Clocks that go back: the machine's between two runs, and the files' own times."""
    home = bench.fresh()

    def run() -> str:
        settings = Settings(home=home, model=str(bench.model))
        for year in (2030, 1970):
            earlier = open_earlier(home)
            assert earlier
            lectures = earlier.catalog.lectures()[: 2 if year == 2030 else 1]
            builder = GenerationBuilder(settings, lambda *_: None, WordEncoder())
            builder.build(lectures, earlier, now=lambda year=year: datetime(year, 1, 2, tzinfo=UTC))
        times = {r.lecture_id: r.retired_at[:4] for r in open_current(home).catalog.retired()}
        return "done" if times == {"cats": "2030", "boats": "1970"} else str(times)

    ended = in_child(run)
    for path in bench.lectures.iterdir():
        os.utime(path, (0, 0))
    again = in_child(lambda: bench.index(home))
    which = in_child(lambda: bench.answers(home))
    yield "clock going backwards", which if (ended, again) == ("done", "done") else f"lost: {ended}, {again}"


def two_writers(bench: Bench, count: int) -> Iterator[tuple[str, str]]:
    """Two at once: one waits its turn or is refused."""
    for _ in range(count):
        home = bench.fresh()
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.write(writer, in_child(lambda home=home: bench.index(home)).encode())
            os._exit(0)
        os.close(writer)
        here = in_child(lambda home=home: bench.index(home))
        with os.fdopen(reader, "rb") as pipe:
            there = pipe.read().decode()
        os.waitpid(pid, 0)
        ends = {here.partition(":")[0], there.partition(":")[0]}
        fine = "done" in ends and ends <= {"done", IndexBusy.__name__}
        yield "two writers at once", after(bench, home, here) if fine else f"lost: {here} {there}"


def reader_over_swaps(bench: Bench) -> Iterator[tuple[str, str]]:
    """Ten swaps under a reader: what it opened stays, what it asks next is the newest."""
    home = bench.fresh()

    def run() -> str:
        held = open_current(home)
        assistant = LectureAssistant(Settings(home=home, model=str(bench.model)), WordEncoder())
        for swap in range(10):
            bench.sources(bench.new if swap % 2 == 0 else bench.old)
            command = [sys.executable, __file__, "--index", str(home), str(bench.lectures), str(bench.model)]
            subprocess.run(command, check=True)
            if {x.lecture_id: x.transcript for x in held.catalog.lectures()} != OLD:
                return "the reader lost its generation"
            held.vectors.search(WordEncoder().encode_question("boats").vector, 3)
            now = {h.lecture_id: h.transcript for h in assistant.lectures()}
            if now != (NEW if swap % 2 == 0 else OLD):
                return f"swap {swap} is not seen"
        kept = sorted(path.name for path in (home / "generations").iterdir())
        if kept != sorted([held.folder.name, current_generation(home).name]):
            return f"kept {kept}"
        held.close()
        return "old"

    ended = in_child(run)
    yield "a reader over ten swaps", "old" if ended == "old" else f"lost: {ended}"


def killed_for_real(scratch: Path, count: int) -> Iterator[tuple[str, str]]:
    """Kill ``assistant index`` with the real model; the lecture that was there or both must answer."""
    pristine, home, file = scratch / "shipped", scratch / "killed", scratch / "cats.txt"
    command = [sys.executable, "-m", "assistant", "--home"]
    subprocess.run([*command, str(pristine), "index"], check=True, capture_output=True)
    file.write_text(NEW["dogs"], encoding="utf-8")

    def answers() -> str:
        faults = verify_home(home)
        assistant = LectureAssistant(Settings(home=home))
        quote = assistant.ask("What is Docker?").citations[0].quote
        ids = [header.lecture_id for header in assistant.lectures()]
        which = {1: "old", 2: "new"}.get(len(ids), "a mix")
        return which if not faults and "Docker is a software" in quote else f"{faults} {quote}"

    duration = 0.0
    chosen = random.Random(3)  # noqa: S311 (moments, not keys)
    for number in range(count + 1):
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(pristine, home)
        started = time.perf_counter()
        run = subprocess.Popen(
            [*command, str(home), "index", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if not number:  # the first says how long a run takes
            run.wait()
            duration = time.perf_counter() - started
            continue
        # The second half is where it embeds and writes; the first is loading.
        time.sleep(chosen.uniform(duration / 2, duration))
        run.kill()
        run.wait()
        which = in_child(answers)
        yield "kill -9, real model", which if which in {"old", "new"} else f"lost: {which}"


def main() -> None:
    """Try everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--real-kills", type=int, default=10)
    parser.add_argument("--full", type=int, default=40)
    parser.add_argument("--writers", type=int, default=10)
    parser.add_argument("--flips", type=int, default=200)
    parser.add_argument(
        "--index", nargs=3, type=Path, metavar=("HOME", "LECTURES", "MODEL"), help="(its own)"
    )
    options = parser.parse_args()
    if options.index:
        home, lectures, model = options.index
        index_paths([lectures], Settings(home=home, model=str(model)), lambda *_: None, encoder=WordEncoder())
        return
    tried: dict[str, Counter[str]] = {}
    lost = []
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Path(scratch))
        cases: list[Iterator[tuple[str, str]]] = [killed(bench, options.kills)]
        if options.full:
            cases += [full(bench, options.full), unwritable(bench)]
        cases += [backwards(bench), two_writers(bench, options.writers), reader_over_swaps(bench)]
        if options.real_kills:
            cases.append(killed_for_real(Path(scratch), options.real_kills))
        if options.flips:
            cases.append(flipped(Path(scratch), options.flips))
        for case in cases:
            for name, outcome in case:
                tried.setdefault(name, Counter())[outcome.partition(":")[0]] += 1
                if outcome.startswith("lost"):
                    lost.append(f"{name}: {outcome}")
                    print(lost[-1], file=sys.stderr, flush=True)
    for name, outcomes in tried.items():
        parts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items() if outcome != "lost")
        print(f"{name:28} tried {outcomes.total():4}   lost {outcomes['lost']:3}   {parts}")
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
