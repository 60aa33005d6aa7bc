"""Feedback over HTTP, kept, and exported as a set that ``eval`` reads."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from server_process import ServerStart

from assistant.config import Settings
from assistant.evaluation_data import load_questions
from assistant.feedback import Feedback, FeedbackStore, QuotedPlace, evaluation_lines
from assistant.service import LectureAssistant

TRANSCRIPT = "A pod is small. A node is big."
POD, NODE = QuotedPlace("k8s", 0, 15, "A pod is small."), QuotedPlace("k8s", 16, 30, "A node is big.")


def vote(verdict: str, *places: QuotedPlace, question: str = "What is a pod?") -> Feedback:
    return Feedback(question, question, verdict, places)


def exported(*votes: Feedback) -> list[dict[str, Any]]:
    return evaluation_lines(votes, {"k8s": TRANSCRIPT}.get)


def test_votes_reach_eval(indexed_home: Path, start_server: ServerStart, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(indexed_home, home)
    with start_server(home) as client:
        answer = client.post("/v1/ask", json={"question": "Where do you store Docker images?"}).json()
        place = {key: answer["citations"][0][key] for key in ("lecture_id", "char_start", "char_end")}
        votes: list[dict[str, Any]] = [
            {"question": answer["question"], "verdict": "up", "citations": [place]},
            {
                "question": "How fast is EKS?",
                "verdict": "wrong_source",
                "citations": [place],
                "comment": "No.",
            },
            {"question": "Who is Bach?", "standalone_question": "Who is J. S. Bach?", "verdict": "up"},
        ]
        replies = [client.post("/v1/feedback", json=body) for body in votes]
    assert [(r.status_code, r.json()) for r in replies] == [(201, {"feedback": n}) for n in (1, 2, 3)]
    # Indexing again leaves it as it is.
    run = [sys.executable, "-m", "assistant", "--home", str(home)]
    subprocess.run([*run, "index"], check=True, capture_output=True)
    file = tmp_path / "votes.jsonl"
    done = subprocess.run([*run, "feedback", "export", str(file)], check=True, capture_output=True, text=True)
    assert done.stdout == "2 judged questions, 1 to be labelled\n"
    piped = subprocess.run([*run, "feedback", "export", "-"], check=True, capture_output=True, text=True)
    assert (piped.stdout, piped.stderr) == (file.read_text(encoding="utf-8"), done.stdout)
    again = subprocess.run(
        [*run, "feedback", "export", str(file)], check=False, capture_output=True, text=True
    )
    assert again.returncode == 2
    assert f"{file} exists; give --replace to write over it" in again.stderr
    transcript = LectureAssistant(Settings(home=home)).lecture("docker-on-aws").transcript
    first, last = load_questions(file, {"docker-on-aws": transcript}, {})
    assert (first.question, first.answerable) == (answer["question"], True)
    assert (
        transcript[first.places[0].char_start : first.places[0].char_end] == answer["citations"][0]["quote"]
    )
    assert (last.question, last.answerable) == ("Who is J. S. Bach?", False)
    report = subprocess.run([*run, "eval", str(file), "--json"], check=True, capture_output=True, text=True)
    assert json.loads(report.stdout)
    unlabelled = json.loads(file.read_text(encoding="utf-8").splitlines()[1])
    assert (unlabelled["answerable"], unlabelled["comments"]) == (None, ["No."])
    assert "evidence" not in unlabelled


@pytest.mark.parametrize(
    ("change", "status", "kind"),
    [
        ({"verdict": "sideways"}, 422, "request-invalid"),
        ({"question": ""}, 422, "request-invalid"),
        ({"comment": "x" * 2001}, 422, "request-invalid"),
        ({"surprise": 1}, 422, "request-invalid"),
        ({"citations": [{"lecture_id": "nope", "char_start": 0, "char_end": 1}]}, 404, "not-indexed"),
        (
            {"citations": [{"lecture_id": "docker-on-aws", "char_start": 5, "char_end": 5}]},
            422,
            "question-invalid",
        ),
        (
            {"citations": [{"lecture_id": "docker-on-aws", "char_start": 0, "char_end": 10**9}]},
            422,
            "question-invalid",
        ),
        (
            {"citations": [{"lecture_id": "docker-on-aws", "char_start": 0, "char_end": 5001}]},
            422,
            "question-invalid",
        ),
    ],
)
def test_a_wrong_vote_is_refused(
    server: httpx.Client, change: dict[str, object], status: int, kind: str
) -> None:
    response = server.post("/v1/feedback", json={"question": "What is ECS?", "verdict": "up"} | change)
    assert response.status_code == status
    assert response.json()["type"].endswith(kind)


def test_a_place_is_evidence_when_more_readers_found_it_good() -> None:
    lines = exported(
        vote("up", POD, NODE), vote("wrong_source", NODE), vote("up", POD, question="what is a  pod?")
    )
    # The same question three times. POD: two up. NODE: one up, one down.
    assert len(lines) == 1
    assert lines[0]["evidence"] == [{"doc_id": "k8s", "char_start": 0, "char_end": 15}]
    assert lines[0]["answerable"] is True


def test_what_votes_cannot_judge_is_left_to_be_labelled() -> None:
    down = exported(vote("down", POD), vote("down", question="Who is Bach?"))
    assert [line["answerable"] for line in down] == [None, None]


def test_a_quote_is_found_again_or_dropped() -> None:
    moved = QuotedPlace("k8s", 3, 17, "A node is big.")
    gone = QuotedPlace("k8s", 0, 5, "Words")
    elsewhere = QuotedPlace("removed", 0, 5, "Words")
    (line,) = exported(vote("up", moved, gone, elsewhere))
    assert line["evidence"] == [{"doc_id": "k8s", "char_start": 16, "char_end": 30}]
    (line,) = exported(vote("up", gone))
    assert line["answerable"] is None


def test_votes_are_kept_whole(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path)
    given = Feedback("And a pod?", "What is a pod?", "down", (POD,), "Too short.")
    assert store.all() == []
    assert store.add(given) == 1
    store.close()
    assert FeedbackStore(tmp_path).all() == [given]
