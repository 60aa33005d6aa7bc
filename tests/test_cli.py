"""The command line as a user meets it: real processes, real index."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from assistant.cli import main
from assistant.keys import KeyStore
from assistant.rendering import progress_bar

SRT = "1\n00:00:01,000 --> 00:00:04,000\nA pod is the smallest unit of Kubernetes.\n\n"


def run(*arguments: str | Path, home: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "assistant", "--home", str(home), *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )


def test_an_answer_is_all_that_standard_output_holds(indexed_home: Path) -> None:
    done = run("ask", "What is Docker?", home=indexed_home)
    assert done.returncode == 0
    assert "Docker is a software development platform to deploy apps." in done.stdout.splitlines()[0]
    assert re.search(r"^  \[1\] docker-on-aws, lines \d+ to \d+$", done.stdout, re.MULTILINE)
    assert done.stderr == ""
    assert "\x1b" not in done.stdout


def test_not_covered_is_exit_code_1_and_says_what_is_near(indexed_home: Path) -> None:
    done = run("ask", "What is the capital of France?", home=indexed_home)
    assert done.returncode == 1
    assert done.stdout.startswith("I found no answer in the lectures; they may not cover this.\n")
    assert "The nearest passages, which are not an answer:" in done.stdout


def test_json_is_the_object_of_the_http_contract(indexed_home: Path) -> None:
    done = run("ask", "-", "--json", home=indexed_home, stdin="What is ECS?\n")
    answer = json.loads(done.stdout)
    assert list(answer) == [
        "question",
        "standalone_question",
        "answered",
        "answer",
        "confidence",
        "citations",
        "nearest",
        "unsupported",
        "timing_ms",
    ]
    assert list(answer["citations"][0]) == [
        "number",
        "lecture_id",
        "title",
        "course",
        "passage_id",
        "quote",
        "char_start",
        "char_end",
        "highlight",
        "line_start",
        "line_end",
        "start_ms",
        "end_ms",
        "page",
        "page_kind",
        "speaker",
        "url",
        "score",
    ]
    assert answer["question"] == "What is ECS?"


def test_history_is_read_from_a_file(indexed_home: Path, tmp_path: Path) -> None:
    turns = tmp_path / "turns.json"
    turns.write_text(json.dumps([{"role": "user", "content": "What is ECS?"}]), encoding="utf-8")
    done = run("ask", "And what about EKS?", "--history", turns, home=indexed_home)
    assert done.returncode == 0
    assert "Understood as: What is EKS?" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["ask", " "], 2, "the question is empty"),
        (["ask", "word " * 10_000], 2, "characters, 2000 at most are read"),
        (["ask", "What?", "--course", "nope"], 2, "there is no course 'nope'"),
        (["ask", "What?", "--lecture", "nope"], 2, "there is no lecture 'nope'"),
        (["show", "nope"], 2, "there is no lecture 'nope'"),
        (["show", "docker-on-aws", "--at", "1:00"], 2, "docker-on-aws has no times to start at"),
        (["show", "docker-on-aws", "--at", "soon"], 2, "'soon' is not a time"),
        (["show", "docker-on-aws", "--at", "90", "--line", "5"], 2, "give --at or --line, not both"),
        (["index", "no/such/file.srt"], 3, "no/such/file.srt: no such file or folder"),
        (["eval", "no/such/questions.jsonl"], 3, "no/such/questions.jsonl: cannot be read"),
        (["frobnicate"], 2, "No such command 'frobnicate'"),
    ],
)
def test_a_mistake_is_one_clear_line_and_its_code(
    indexed_home: Path, arguments: list[str], code: int, message: str
) -> None:
    done = run(*arguments, home=indexed_home)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_second_index_run_embeds_nothing_and_says_so(indexed_home: Path) -> None:
    done = run("index", home=indexed_home)
    assert done.stdout == "1 unchanged · 14 passages, none embedded\n"


def test_a_lecture_whose_file_is_gone_is_named_with_how_to_remove_it(
    indexed_home: Path, tmp_path: Path
) -> None:
    home = shutil.copytree(indexed_home, tmp_path / "home")
    file = tmp_path / "pods.srt"
    file.write_text(SRT, encoding="utf-8")
    assert run("index", file, home=home).stderr == ""
    for at in ("0:03", "3.5"):
        assert run("show", "pods", "--at", at, home=home).stdout.startswith("    0:01  A pod is")
    late = run("show", "pods", "--at", "4", home=home)
    assert late.returncode == 2
    assert "pods ends at 0:04, nothing is said from 4 on" in late.stderr
    file.unlink()
    again = run("index", home=home)
    assert (again.returncode, again.stdout) == (0, "2 unchanged · 15 passages, none embedded\n")
    assert again.stderr == f"gone: {file}; the lecture stays until `assistant remove pods`\n"
    unknown = run("remove", "docker-on-aws", "pod", home=home)
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "there is no lecture 'pod'; did you mean pods? (`assistant lectures` lists all)" in unknown.stderr
    removed = run("remove", "pods", "--json", home=home)
    assert json.loads(removed.stdout)["removed"] == ["pods"]
    last = run("remove", "docker-on-aws", home=home)
    assert (last.returncode, last.stdout) == (3, "")
    assert "'docker-on-aws' is the last lecture" in last.stderr
    assert run("index", home=home).stderr == ""


def test_chat_keeps_the_conversation(indexed_home: Path) -> None:
    done = run("chat", home=indexed_home, stdin="What is ECS?\nAnd what about EKS?\n\n")
    assert done.returncode == 0
    assert "Understood as: What is EKS?" in done.stdout
    assert "Amazon Elastic Kubernetes Service" in done.stdout


def test_chat_ends_where_one_says_so(indexed_home: Path) -> None:
    done = run("chat", home=indexed_home, stdin="Quit\nWhat is ECS?\n")
    assert (done.returncode, done.stdout) == (0, "")


def test_a_question_needs_no_quotes(indexed_home: Path) -> None:
    quoted, plain = (
        json.loads(run("ask", "--json", *words, home=indexed_home).stdout)
        for words in (["What is Docker?"], ["What", "is", "Docker?"])
    )
    assert {**plain, "timing_ms": None} == {**quoted, "timing_ms": None}


def test_questions_from_a_pipe_go_on_after_an_empty_line(indexed_home: Path) -> None:
    done = run("chat", home=indexed_home, stdin="What is ECS?\n\nAnd what about EKS?\n")
    assert "Understood as: What is EKS?" in done.stdout


def test_home_after_the_command_is_told_its_place(tmp_path: Path) -> None:
    done = run("lectures", "--home", tmp_path, home=tmp_path)
    assert done.returncode == 2
    assert "--home goes before the command: assistant --home DIR COMMAND …" in done.stderr


def test_what_was_not_read_is_counted_beside_the_rest(tmp_path: Path) -> None:
    (tmp_path / "pods.srt").write_text(SRT)
    (tmp_path / "week").mkdir()
    (tmp_path / "week" / "lecture.toml").write_text("title = ")
    done = run("index", tmp_path, home=tmp_path / "home")
    assert done.returncode == 3
    assert done.stdout == "1 added · 1 passages, 1 embedded · 1 not read\n"
    assert f"not read: {tmp_path / 'week' / 'lecture.toml'}: not valid TOML" in done.stderr


def test_one_path_that_is_not_there_keeps_all_from_the_index_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "pods.srt").write_text(SRT)
    home = tmp_path / "home"
    done = run("index", tmp_path / "pods.srt", tmp_path / "gone.srt", home=home)
    assert done.returncode == 3
    assert done.stderr == (
        "nothing was indexed, for one of the paths cannot be:\n"
        f"error: {tmp_path / 'gone.srt'}: no such file or folder\n"
    )
    assert not (home / "CURRENT").exists()


def test_an_export_replaces_a_file_only_if_that_is_meant(indexed_home: Path, tmp_path: Path) -> None:
    kept = tmp_path / "thesis.zip"
    kept.write_bytes(b"years of work")
    done = run("export", kept, home=indexed_home)
    assert done.returncode == 2
    assert f"{kept} exists; give --replace to write over it" in done.stderr
    assert kept.read_bytes() == b"years of work"
    assert run("export", kept, "--replace", home=indexed_home).returncode == 0
    assert kept.stat().st_size > 1_000_000


def test_there_is_nothing_to_repair_where_nothing_was(tmp_path: Path) -> None:
    home = tmp_path / "mistyped"
    done = run("repair", home=home)
    assert done.returncode == 3
    assert done.stderr == f"error: {home} holds no index yet; run `assistant index PATH...`\n"
    assert not home.exists()


def test_questions_about_lectures_that_are_not_indexed_are_told(indexed_home: Path, tmp_path: Path) -> None:
    places = [{"doc_id": "elsewhere", "char_start": 0, "char_end": 9}]
    question = {"id": "1", "question": "What is Docker?", "doc_id": "elsewhere", "answerable": True}
    file = tmp_path / "questions.jsonl"
    file.write_text(json.dumps({**question, "evidence": places}) + "\n")
    done = run("eval", file, "--json", home=indexed_home)
    assert "warning: not indexed, so that their questions count as missed: elsewhere\n" in done.stderr
    assert json.loads(done.stdout)[0]["hit_1"] == 0.0


def test_a_search_says_which_of_its_words_no_lecture_has(indexed_home: Path) -> None:
    found = json.loads(run("search", "photosynthesis", "of", "images", "--json", home=indexed_home).stdout)
    assert found["unknown"] == ["photosynthesis"]
    shown = run("search", "photosynthesis of images", home=indexed_home)
    assert shown.stdout.startswith("No lecture says: photosynthesis\n\n[1] ")


def test_lectures_and_search_and_show(indexed_home: Path) -> None:
    listed = run("lectures", "--json", home=indexed_home)
    assert [item["lecture_id"] for item in json.loads(listed.stdout)] == ["docker-on-aws"]
    found = run("search", "private images", "--limit", "2", "--json", home=indexed_home)
    assert len(json.loads(found.stdout)["results"]) == 2
    shown = run("show", "docker-on-aws", home=indexed_home)
    assert shown.stdout.splitlines()[0] == "       1  Hello, and welcome to this section"
    cited = json.loads(run("ask", "What is Docker?", "--json", home=indexed_home).stdout)["citations"][0]
    place = str(cited["line_start"])
    opened = run("show", "docker-on-aws", "--line", place, home=indexed_home).stdout.splitlines()[0]
    assert opened.split()[0] == place
    assert cited["quote"].startswith(opened.split(maxsplit=1)[1])
    past = run("show", "docker-on-aws", "--line", "100000", home=indexed_home)
    assert (past.returncode, past.stdout) == (2, "")
    assert "docker-on-aws ends at line 249, before 100000" in past.stderr
    assert run("verify", home=indexed_home).stdout == "the index is sound\n"


def test_verify_names_what_is_damaged_beside_the_index(indexed_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(indexed_home, home)
    KeyStore(home).create("teacher")
    assert run("verify", home=home).stdout == "the index is sound\n"
    (home / "keys.sqlite").write_bytes(b"no database " * 100)
    (home / "calibration.json").write_text("{bad")
    done = run("verify", home=home)
    assert done.returncode == 3
    told = json.loads(run("verify", "--json", home=home).stdout)
    assert told == {"problems": done.stdout.splitlines()}
    keys, calibration = done.stdout.splitlines()
    assert keys.startswith(f"{home / 'keys.sqlite'}: damaged (file is not a database); restore it")
    assert calibration.startswith(f"{home / 'calibration.json'}: not a calibration")
    assert calibration.endswith("remove it: `assistant calibrate --reset`")


def test_what_keeps_an_index_speaks_json(indexed_home: Path, tmp_path: Path) -> None:
    archive, home = tmp_path / "index.zip", tmp_path / "home"
    exported = json.loads(run("export", archive, "--json", home=indexed_home).stdout)
    assert exported["lectures"] == 1
    imported = json.loads(run("import", archive, "--json", home=home).stdout)
    assert imported == exported
    assert json.loads(run("verify", "--json", home=home).stdout) == {"problems": []}
    repaired = json.loads(run("repair", "--json", home=home).stdout)
    assert repaired["lost"] == []
    made = json.loads(run("keys", "create", "teacher", "--json", home=home).stdout)
    assert made["name"] == "teacher"
    assert KeyStore(home).all()[0].name == "teacher"


def test_a_malformed_cue_is_reported_and_the_rest_is_kept(indexed_home: Path, tmp_path: Path) -> None:
    file = tmp_path / "pods.srt"
    file.write_text(SRT + "2\n00:00:xx,000 --> 00:00:06,000\nLost.\n", encoding="utf-8")
    home = tmp_path / "home"
    (home / "models").parent.mkdir()
    (home / "models").symlink_to(indexed_home / "models")
    done = run("index", file, home=home)
    assert done.returncode == 0
    assert f"left out: {file}:6: " in done.stderr
    asked = run("ask", "What is the smallest unit of Kubernetes?", "--json", home=home)
    assert json.loads(asked.stdout)["citations"][0]["start_ms"] == 1000
    strict = run("index", file, "--strict", home=home)
    assert strict.returncode == 3
    assert f"{file}:6: " in strict.stderr


def test_ctrl_c_while_indexing_leaves_the_old_index_live(indexed_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    run("index", home=home)
    before = (home / "CURRENT").read_text()
    lectures = tmp_path / "lectures"
    lectures.mkdir()
    for number in range(200):
        lines = "".join(f"Sentence {i} of lecture {number} says a thing.\n" for i in range(60))
        (lectures / f"l{number}.txt").write_text(lines, encoding="utf-8")
    command = [sys.executable, "-m", "assistant", "--home", str(home), "index", str(lectures)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("embedding"):
                process.send_signal(signal.SIGINT)
                break
        process.stderr.read()
    assert process.returncode == 130  # 128 + SIGINT; 1 would say that a question is not covered
    assert (home / "CURRENT").read_text() == before
    assert run("ask", "What is Docker?", home=home).returncode == 0
    assert not list((home / "generations").glob(".*"))


def test_an_interrupt_that_a_library_swallows_ends_the_next_step() -> None:
    before = signal.getsignal(signal.SIGINT)
    with progress_bar() as show:
        show("embedding", 1, 3)
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            show("embedding", 2, 3)
    assert signal.getsignal(signal.SIGINT) is before


def test_every_command_has_help_and_completion() -> None:
    runner = CliRunner()
    for name in main.commands:
        shown = runner.invoke(main, [name, "--help"])
        assert shown.exit_code == 0
        assert shown.output.startswith(f"Usage: main {name}")
    script = runner.invoke(main, ["completion", "bash"])
    assert "_ASSISTANT_COMPLETE=bash_complete" in script.output


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[", "not JSON: Expecting value: line 1 column 2"),
        ("{}", 'a JSON list of {"role": …, "content": …} is expected'),
        ('[{"role": "user", "content": "a"}, 1]', 'turn 2 has no "role" and "content" of text'),
        ('[{"role": "user", "content": null}]', 'turn 1 has no "role" and "content" of text'),
        (
            '[{"role": "User", "content": "a"}]',
            """turn 1: "role" is to be "user" or "assistant", found 'User'""",
        ),
        pytest.param("[" * 200_000, "not JSON: maximum recursion depth", id="too deep"),
        pytest.param("[]" + " " * 10_000_000, "more than 10,000,000 bytes", id="too long"),
        (None, "No such file or directory"),
    ],
)
def test_a_history_that_is_none_is_named_with_what_is_wrong(
    tmp_path: Path, content: str | None, said: str
) -> None:
    turns = tmp_path / "turns.json"
    if content is not None:
        turns.write_text(content, encoding="utf-8")
    done = run("ask", "And what about EKS?", "--history", turns, home=tmp_path / "home")
    assert done.returncode == 2
    assert f"{turns}: {said}" in " ".join(done.stderr.split())


def test_bytes_that_are_no_text_are_a_question_all_the_same(indexed_home: Path) -> None:
    command = [sys.executable, "-m", "assistant", "--home", str(indexed_home), "ask", "-", "--json"]
    done = subprocess.run(command, input=b"What is Docker\xff?", capture_output=True, check=False)
    assert json.loads(done.stdout)["question"] == "What is Docker\ufffd?"
    assert done.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_an_answer_that_cannot_be_written_is_an_error_and_not_an_uncovered_question(
    indexed_home: Path,
) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "assistant", "--home", str(indexed_home), "ask", "What is Docker?"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "NO_COLOR": "1"},
        )
    assert done.returncode == 3
    assert done.stderr.startswith("error: [Errno 28] No space left on device")
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_is_no_uncovered_question(indexed_home: Path) -> None:
    command = [sys.executable, "-m", "assistant", "--home", str(indexed_home), "show", "docker-on-aws"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 141  # 128 + SIGPIPE
    assert said == ""


def test_ctrl_c_ends_the_server_as_an_interrupt(indexed_home: Path) -> None:
    command = [sys.executable, "-m", "assistant", "--home", str(indexed_home), "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("serving on ")
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == 130
    assert "Traceback" not in said
