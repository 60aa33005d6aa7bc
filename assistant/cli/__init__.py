"""The command line. Exit codes: 0 answered, 1 not covered, 2 usage, 3 data or index error.

As in a shell, 130 is an interrupt and 141 a reader of the output that went away.
"""

import os
import sys
from pathlib import Path
from typing import Any

import click

from assistant.cli.asking import ask, chat, lectures, search, show
from assistant.cli.inspecting import check
from assistant.cli.keeping import export_index, import_index, index, remove, repair, verify
from assistant.cli.measuring import calibrate, evaluate
from assistant.cli.operating import feedback, keys
from assistant.cli.options import CLOSED_PIPE, DATA_ERROR, FILE_PATH, INTERRUPTED, USAGE_ERROR
from assistant.cli.serving import serve
from assistant.config import Settings
from assistant.errors import AssistantError, KeyInvalid, NotIndexed, QuestionInvalid, SettingInvalid
from corpus import CorpusError

__all__ = ["main"]


class _Commands(click.Group):
    """Turns our errors into one line on standard error and the documented exit code."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return self._invoke(context)
        except BrokenPipeError:
            # Whatever is still to be flushed when Python ends would fail again, with a traceback.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            for stream in (sys.stdout, sys.stderr):
                os.dup2(nowhere, stream.fileno())
            context.exit(CLOSED_PIPE)

    def _invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except (KeyboardInterrupt, click.Abort):  # click's own code for both is 1, which is "not covered"
            click.echo("interrupted", err=True)
            context.exit(INTERRUPTED)
        except BrokenPipeError:
            raise
        except click.NoSuchOption as error:
            if error.option_name != "--home":
                raise
            told = "--home goes before the command: assistant --home DIR COMMAND …"
            raise click.UsageError(told, error.ctx) from error
        except NotIndexed as error:
            self._fail(context, f"{error} (`assistant lectures` lists all)", USAGE_ERROR)
        except (QuestionInvalid, KeyInvalid, SettingInvalid) as error:
            self._fail(context, error, USAGE_ERROR)
        except (AssistantError, CorpusError) as error:
            self._fail(context, error, DATA_ERROR)
        except OSError as error:  # a full disk behind standard output, for one
            self._fail(context, error, DATA_ERROR)

    @staticmethod
    def _fail(context: click.Context, error: object, code: int) -> None:
        click.echo(f"{click.style('error:', fg='red')} {error}", err=True)
        context.exit(code)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    type=FILE_PATH,
    help="Where index and models are kept [default: ASSISTANT_HOME, else the user data folder].",
)
@click.version_option(package_name="lecture-assistant")
@click.pass_context
def main(context: click.Context, home: Path | None) -> None:
    """Ask lectures; every answer is quoted from the transcript and cited to the word."""
    context.obj = Settings.from_environment(os.environ, home)


for _command in (
    *(index, remove, check, ask, search, chat, lectures, show, serve, evaluate, calibrate),
    *(verify, repair, export_index, import_index, keys, feedback),
):
    main.add_command(_command)


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for SHELL; source it from the shell's start-up file."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise click.BadParameter(f"no completion for {shell!r}")
    click.echo(kind(main, {}, "assistant", "_ASSISTANT_COMPLETE").source())
