"""A Python client made from the OpenAPI document, with nothing left out, at work on a real server."""

import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from types import ModuleType, SimpleNamespace

import httpx
import pytest
from server_process import ServerStart

PACKAGE = "generated_lecture_client"
TRANSCRIPT = b"A pod is the smallest unit of Kubernetes.\nA node is a machine that runs pods.\n"


@pytest.fixture(scope="module")
def server(
    indexed_home: Path, start_server: ServerStart, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """One whose lectures the client may change."""
    home = tmp_path_factory.mktemp("client") / "home"
    shutil.copytree(indexed_home, home)
    with start_server(home) as running:
        yield running


@pytest.fixture(scope="module")
def package(server: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The generated package, where Python finds it."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_bytes(server.get("/openapi.json").content)
    # JSON is YAML. No hooks: how the code is laid out is nobody's concern here.
    (folder / "config.yaml").write_text(json.dumps({"post_hooks": []}), encoding="utf-8")
    generate = [sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning"]
    where = ["--path", folder / "openapi.json", "--config", folder / "config.yaml"]
    out = ["--meta", "none", "--output-path", folder / PACKAGE]
    made = subprocess.run([*generate, *where, *out], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(folder))
    yield folder / PACKAGE
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
        del sys.modules[name]


def part(name: str) -> ModuleType:
    return importlib.import_module(f"{PACKAGE}.{name}")


@pytest.fixture(scope="module")
def api(package: Path, server: httpx.Client) -> Iterator[SimpleNamespace]:
    """Its operations by name, each as a function that takes no client, and ``models``."""
    with part("client").Client(base_url=str(server.base_url), timeout=httpx.Timeout(60)) as client:
        operations = {
            file.stem: Operation(part(f"api.{file.parent.name}.{file.stem}"), client)
            for file in package.glob("api/*/*.py")
            if file.stem != "__init__"
        }
        yield SimpleNamespace(**operations, models=part("models"))


class Operation:
    """One operation of the client; what it gives is parsed, and ``status`` is that of the last response."""

    def __init__(self, module: ModuleType, client: object) -> None:
        self._call = module.sync_detailed
        self._client = client
        self.status = 0

    def __call__(self, *arguments: object, **named: object) -> object:
        response = self._call(*arguments, client=self._client, **named)
        self.status = response.status_code
        return response.parsed


def test_every_operation_and_type_has_a_name_of_its_own(package: Path, server: httpx.Client) -> None:
    document = server.get("/openapi.json").json()
    operations = sum(map(len, document["paths"].values()))
    made = [file for file in package.glob("api/*/*.py") if file.stem != "__init__"]
    assert len({file.stem for file in made}) == len(made) == operations
    schemas = {name.lower() for name in document["components"]["schemas"]}
    inline = [
        file.stem
        for file in package.glob("models/*.py")
        if file.stem != "__init__"
        and file.stem.replace("_", "") not in schemas
        and "(StrEnum)" not in file.read_text(encoding="utf-8")
    ]
    assert inline == []


def test_an_answer(api: SimpleNamespace, server: httpx.Client) -> None:
    answer = api.ask(body=api.models.AskRequest(question="Where do you store Docker images?", limit=2))
    assert type(answer) is api.models.Answer
    assert answer.answered
    (first, *_) = answer.citations
    assert type(first) is api.models.Citation
    transcript = api.show_transcript(first.lecture_id).transcript
    assert transcript[first.char_start : first.char_end] == first.quote
    assert first.quote in answer.answer
    assert first.start_ms is None
    passage = api.show_passage(first.passage_id)
    assert passage.char_start <= first.char_start < first.char_end <= passage.char_end


def test_a_follow_up(api: SimpleNamespace) -> None:
    turn, role = api.models.HistoryTurn, api.models.HistoryTurnRole
    history = [turn(role.USER, "What is ECS?"), turn(role.ASSISTANT, "A service.")]
    answer = api.ask(body=api.models.AskRequest(question="And what about EKS?", history=history))
    assert answer.standalone_question == "What is EKS?"


def test_not_covered(api: SimpleNamespace) -> None:
    answer = api.ask(body=api.models.AskRequest(question="What is the capital of France?"))
    assert (api.ask.status, answer.answered, answer.citations) == (200, False, [])
    assert type(answer.nearest[0]) is api.models.Citation


def test_an_error_is_a_problem(api: SimpleNamespace) -> None:
    problem = api.ask(body=api.models.AskRequest(question="What is Docker?", lectures=["nowhere"]))
    assert type(problem) is api.models.Problem
    assert (api.ask.status, problem.status) == (404, 404)
    assert problem.type_ == "urn:lecture-assistant:problem:not-indexed"
    assert "nowhere" in problem.detail


def test_pages_of_passages(api: SimpleNamespace) -> None:
    first = api.search(q="docker image", limit=2)
    second = api.search(q="docker image", limit=2, offset=first.next_offset)
    assert first.next_offset == 2
    assert len({hit.passage_id for hit in first.results + second.results}) == 4


def test_a_chat_completion(api: SimpleNamespace) -> None:
    message = api.models.ChatMessage(role=api.models.ChatMessageRole.USER, content="What is Docker?")
    reply = api.create_chat_completion(body=api.models.ChatRequest(model="lectures", messages=[message]))
    (choice,) = reply.choices
    cited = choice.message.annotations[0].url_citation
    assert choice.message.content[cited.start_index : cited.end_index] == reply.sources[0].document[0]
    assert reply.usage.prompt_tokens == 3
    refused = api.create_chat_completion(
        body=api.models.ChatRequest(model="lectures", messages=[message], n=2)
    )
    assert type(refused) is api.models.OpenAIError
    assert (api.create_chat_completion.status, refused.error.param) == (400, "n")
    assert "lectures" in [model.id for model in api.list_models().data]


def test_lectures_are_sent_listed_in_pages_and_removed(api: SimpleNamespace) -> None:
    file = part("types").File
    alone = api.add_lecture(
        body=file(payload=BytesIO(TRANSCRIPT)), filename="pods.txt", title="Pods", course="k8s"
    )
    form = api.models.LectureForm(
        file=file(payload=BytesIO(TRANSCRIPT), file_name="nodes.txt"), title="Nodes", course="k8s"
    )
    in_a_form = api.add_lecture(body=form)
    for job in (alone, in_a_form):
        state = job.state
        while state in (api.models.JobItemState.QUEUED, api.models.JobItemState.RUNNING):
            state = api.show_job(job.job_id, wait=30).state
        assert state == api.models.JobItemState.DONE
    titles, offset = [], 0
    while offset is not None:
        page = api.list_lectures(limit=1, offset=offset, course="k8s")
        titles += [lecture.title for lecture in page.lectures]
        offset = page.next_offset
    assert sorted(titles) == ["Nodes", "Pods"]
    assert api.remove_lecture("pods").kind == api.models.JobItemKind.REMOVE


def test_votes_and_operation(api: SimpleNamespace) -> None:
    verdict = api.models.FeedbackRequestVerdict.UP
    kept = api.give_feedback(body=api.models.FeedbackRequest(question="What is Docker?", verdict=verdict))
    assert (api.give_feedback.status, kept.feedback) == (201, 1)
    assert api.healthz().status == "ok"
    assert api.readyz().status == "ok"
    assert "assistant_requests_total" in api.metrics()
