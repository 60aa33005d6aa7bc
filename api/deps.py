"""What routes are given."""

from typing import Annotated

from fastapi import Depends, Request

from api.errors import NotReady
from assistant.service import LectureAssistant

__all__ = ["Assistant"]


def _assistant(request: Request) -> LectureAssistant:
    assistant: LectureAssistant | None = request.app.state.assistant
    if assistant is None:
        raise NotReady
    return assistant


Assistant = Annotated[LectureAssistant, Depends(_assistant)]
