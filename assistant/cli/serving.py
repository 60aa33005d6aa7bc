"""The server: ``serve``."""

import click

from assistant.config import Settings

__all__ = ["serve"]


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.pass_obj
def serve(settings: Settings, host: str, port: int) -> None:
    """Serve the HTTP API (documented at /docs)."""
    from importlib import import_module

    # By name, since the api package stands above this one and imports it.
    import_module("api.server").run(settings, host, port)
