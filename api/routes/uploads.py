"""``POST`` and ``DELETE /v1/lectures``, and ``GET /v1/jobs/{id}``."""

from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from typing import Annotated, Any, Literal

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from api.access import Access, MayWrite
from api.deps import AnyAssistant, Assistant, Server
from api.errors import problem_responses
from api.schemas import BINARY, Named
from assistant.errors import LectureConflict, NotIndexed, UploadInvalid
from assistant.job_records import Job
from assistant.jobs import JobRunner
from assistant.service import LectureAssistant

router = APIRouter(prefix="/v1", tags=["lectures"])

_FIELDS = ("filename", "lecture_id", "title", "course", "language", "url")
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The transcript alone, with `filename` in the query; or a form with a `file` and the "
        "other parameters as fields.",
        "content": {
            "application/octet-stream": {"schema": BINARY},
            "multipart/form-data": {"schema": {"$ref": "#/components/schemas/LectureForm"}},
        },
    }
}
_Text = Annotated[str | None, Query(max_length=500)]
_IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        description="Sent again, the request is not done again.",
        pattern="^[ -~]+$",
    ),
]


class ProgressItem(BaseModel):
    """What is being done, how much of it, and of how much (0 where unknown)."""

    model_config = ConfigDict(from_attributes=True)

    what: str
    done: int
    total: int


class LeftOut(BaseModel):
    """A caption that was malformed."""

    line: int
    reason: str


class JobItem(BaseModel):
    """A lecture being added or removed."""

    job_id: str
    kind: Literal["add", "remove"]
    lecture_id: str
    state: Literal["queued", "running", "done", "failed"]
    progress: ProgressItem | None
    problems: list[LeftOut]
    error: str | None
    created: int

    @classmethod
    def of(cls, job: Job) -> "JobItem":
        """The job as its owner sees it."""
        return cls(
            job_id=job.job_id,
            kind=job.kind,
            lecture_id=job.lecture_id,
            state=job.state,
            progress=ProgressItem.model_validate(job.progress) if job.progress else None,
            problems=[LeftOut(line=line, reason=reason) for line, reason in job.problems],
            error=job.error,
            created=job.created,
        )


@router.post(
    "/lectures",
    operation_id="addLecture",
    status_code=202,
    responses=problem_responses(400, 403, 408, 409, 413, 422, 503),
    openapi_extra=_BODY,
)
async def add_lecture(
    request: Request,
    response: Response,
    access: MayWrite,
    assistant: AnyAssistant,
    server: Server,
    filename: _Text = None,
    lecture_id: _Text = None,
    title: _Text = None,
    course: _Text = None,
    language: _Text = None,
    url: _Text = None,
    idempotency_key: _IdempotencyKey = None,
) -> JobItem:
    """Send a transcript; it is searched as soon as its job is done, and not in part before."""
    given = dict(zip(_FIELDS, (filename, lecture_id, title, course, language, url), strict=True))
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form(max_files=1, max_fields=10) as form:
            sent = form.get("file")
            if not isinstance(sent, UploadFile):
                raise UploadInvalid("the form has no file in its field `file`")
            fields = {key: value for key, value in form.items() if key in _FIELDS and isinstance(value, str)}
            given = {**given, "filename": sent.filename, **fields}
            job = await _take(request, _chunks(sent), given, access, assistant, idempotency_key)
    else:
        job = await _take(request, request.stream(), given, access, assistant, idempotency_key)
    response.headers["Location"] = f"{server.root_path}/v1/jobs/{job.job_id}"
    return JobItem.of(job)


@router.delete(
    "/lectures/{lecture_id}",
    operation_id="removeLecture",
    status_code=202,
    responses=problem_responses(403, 404, 422, 503),
)
async def remove_lecture(
    lecture_id: Named,
    request: Request,
    response: Response,
    access: MayWrite,
    assistant: Assistant,
    server: Server,
    idempotency_key: _IdempotencyKey = None,
) -> JobItem:
    """Take a lecture out of the index. The last one stays."""
    runner: JobRunner = request.app.state.jobs
    # A request that was already done finds no lecture any more, and is still the same request.
    if await to_thread.run_sync(runner.asked, access.who, idempotency_key) is None:
        await to_thread.run_sync(assistant.lecture, lecture_id)
    job = await to_thread.run_sync(runner.remove, access.who, lecture_id, idempotency_key)
    response.headers["Location"] = f"{server.root_path}/v1/jobs/{job.job_id}"
    return JobItem.of(job)


@router.get("/jobs/{job_id}", operation_id="showJob", responses=problem_responses(403, 404, 422, 503))
async def show_job(
    job_id: str,
    access: MayWrite,
    request: Request,
    wait: Annotated[int, Query(ge=0, le=30, description="Answer when it has ended, or after seconds.")] = 0,
) -> JobItem:
    """How far a job is; only who started it can see it."""
    runner: JobRunner = request.app.state.jobs
    # Those who wait have threads of their own, and take none from those who ask.
    find = partial(runner.find, access.who, job_id, wait)
    waiters = request.app.state.job_waiters if wait else None
    job = await to_thread.run_sync(find, abandon_on_cancel=True, limiter=waiters)
    if job is None:
        raise HTTPException(404, "there is no such job of yours")
    return JobItem.of(job)


async def _take(
    request: Request,
    chunks: AsyncIterator[bytes],
    given: dict[str, str | None],
    access: Access,
    assistant: LectureAssistant,
    idempotency_key: str | None,
) -> Job:
    """Receive a transcript and start its job."""
    runner: JobRunner = request.app.state.jobs
    readers: CapacityLimiter = request.app.state.upload_readers
    filename = given.pop("filename")
    if not filename:
        raise UploadInvalid("the transcript needs a name: ?filename=lecture.srt")
    if access.courses is not None and given["course"] not in access.courses:
        raise HTTPException(
            403, f"this key adds lectures to a course of its own: {', '.join(access.courses)}"
        )
    with runner.stage(filename, given) as staging:
        async for chunk in chunks:
            staging.write(chunk)
        staged = await to_thread.run_sync(staging.finish, limiter=readers)
    try:
        if await to_thread.run_sync(runner.asked, access.who, idempotency_key) is None:
            await to_thread.run_sync(_refuse_indexed, assistant, staged.lecture_id)
        return await to_thread.run_sync(runner.add, access.who, staged, idempotency_key)
    except Exception:
        staged.discard()
        raise


def _refuse_indexed(assistant: LectureAssistant, lecture_id: str) -> None:
    with suppress(NotIndexed):
        assistant.lecture(lecture_id)
        raise LectureConflict(
            f"there is a lecture {lecture_id!r}; remove it first, or send another lecture_id"
        )


async def _chunks(file: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await file.read(65_536):
        yield chunk
