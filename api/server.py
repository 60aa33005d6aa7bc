"""uvicorn around the application."""

import socket
import sys
from contextlib import suppress

import uvicorn

from api.app import create_app
from assistant.config import Settings
from assistant.errors import IndexMissing, PortTaken
from assistant.store import current_generation, open_generation

__all__ = ["run"]

_GRACE_SECONDS = 10


def run(settings: Settings, host: str, port: int) -> None:
    """Serve until a signal; running requests get ten seconds to finish.

    Raises:
        PortTaken: another program listens there.
        IndexDamaged: the index cannot be read.
    """
    with suppress(IndexMissing):
        open_generation(current_generation(settings.home)).catalog.close()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another with --port"
        ) from error
    listener.listen()
    shown = f"[{host}]" if family == socket.AF_INET6 else host
    sys.stderr.write(f"serving on http://{shown}:{listener.getsockname()[1]} (documented at /docs)\n")
    sys.stderr.flush()
    config = uvicorn.Config(
        create_app(settings), host=host, port=port, timeout_graceful_shutdown=_GRACE_SECONDS, log_level="info"
    )
    with listener:
        uvicorn.Server(config).run(sockets=[listener])
