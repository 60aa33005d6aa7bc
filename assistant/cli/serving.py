"""The server: ``serve``."""

from importlib import import_module

import click

from assistant.config import Settings

__all__ = ["serve"]


class _Serve(click.Command):
    """Its help names the variables of the environment, too."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (click's signature)
        with formatter.section("Variables of the environment"):
            formatter.write_dl(list(import_module("api.config").VARIABLES.items()))


@click.command(cls=_Serve)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--root-path", default="", metavar="PATH", help="The path a reverse proxy serves it under.")
@click.pass_obj
def serve(settings: Settings, host: str, port: int, root_path: str) -> None:
    """Serve the page and the HTTP API (documented at /docs).

    Where it listens on more than loopback, every request needs a key: `assistant keys create`.
    """
    # By name, since the api package stands above this one and imports it.
    import_module("api.server").run(settings, host, port, root_path)
