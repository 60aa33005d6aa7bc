"""uvicorn around the application."""

import os
import socket
import sys
from contextlib import closing, suppress

import uvicorn

from api.access import is_loopback
from api.app import create_app
from api.config import ServerSettings
from api.logs import set_up_logs
from assistant.config import Settings
from assistant.errors import IndexMissing, IndexOutdated, PortTaken
from assistant.keys import KeyStore
from assistant.store import open_current

__all__ = ["listen", "run"]

_GRACE_SECONDS = 10


def run(settings: Settings, host: str, port: int, root_path: str = "") -> None:
    """Serve until a signal; running requests, streams too, get ten seconds to finish.

    Raises:
        PortTaken: another program listens there.
        IndexDamaged: the index cannot be read.
        IndexTooNew: a later version of this program wrote it.
        SettingInvalid: a variable of the environment cannot have its value.
    """
    server = ServerSettings.from_environment(
        os.environ, open_without_keys=is_loopback(host), root_path=root_path
    )
    # The processes that index begin as `python -c`, which takes what lies in this folder for modules.
    os.environ["PYTHONSAFEPATH"] = "1"
    # Damage is told before anyone listens; an index that is missing or old is seen to by the application.
    with suppress(IndexMissing, IndexOutdated):
        open_current(settings.home).close()
    application = create_app(settings, server)
    listener = listen(host, port)
    shown = f"[{host}]" if listener.family == socket.AF_INET6 else host
    with closing(KeyStore(settings.home)) as keys:
        if not server.open_without_keys and not server.public_reading and not keys.exist():
            _say(
                f"warning: there are no API keys, so on {shown} every request is refused; "
                "make one: `assistant keys create NAME`"
            )
    _say(f"serving on http://{shown}:{listener.getsockname()[1]}{server.root_path} (documented at /docs)")
    set_up_logs(server.log_format)
    config = uvicorn.Config(
        application,
        host=host,
        port=port,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        # Our own middleware logs each request, without the words in its address.
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(server.trusted_proxies),
        forwarded_allow_ips=list(server.trusted_proxies),
    )
    with listener:
        uvicorn.Server(config).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections; port 0 is any that is free.

    Raises:
        PortTaken: another program listens there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only on sockets that say they are TCP; with it every answer,
    # whose head and body are two writes, waits 40 ms for the client's acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another with --port"
        ) from error
    listener.listen()
    return listener


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
