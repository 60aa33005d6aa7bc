"""The log: one JSON object a line, or text for a terminal, on standard output."""

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from api.observing import current_request_id

__all__ = ["set_up_logs"]


def set_up_logs(log_format: str, stream: TextIO = sys.stdout) -> None:
    """Send what this process logs, uvicorn's lines too, to ``stream``.

    ``log_format`` is ``json``, ``text``, or ``auto``: text where ``stream`` is a terminal.
    """
    as_text = log_format == "text" or (log_format == "auto" and stream.isatty())
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    if as_text:
        renderer = structlog.dev.ConsoleRenderer(colors=stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.ExtraAdder(),
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                _with_request_id,
                *([] if as_text else [structlog.processors.format_exc_info]),
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)


def _with_request_id(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    request_id = current_request_id.get()
    if request_id is not None:
        event["request_id"] = request_id
    # uvicorn repeats its line in colour.
    event.pop("color_message", None)
    return event
