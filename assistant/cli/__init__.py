"""The command line. Exit codes: 0 answered, 1 not covered, 2 usage, 3 data or index error."""

import errno
import os
from pathlib import Path
from typing import Any

import click

from assistant.cli.asking import ask, chat, lectures, search, show
from assistant.cli.inspecting import check
from assistant.cli.keeping import export_index, import_index, index, repair, verify
from assistant.cli.measuring import calibrate, evaluate
from assistant.cli.operating import feedback, keys
from assistant.cli.options import DATA_ERROR, FILE_PATH, USAGE_ERROR
from assistant.cli.serving import serve
from assistant.config import Settings
from assistant.errors import AssistantError, KeyInvalid, NotIndexed, QuestionInvalid, SettingInvalid
from corpus import CorpusError

__all__ = ["main"]


class _Commands(click.Group):
    """Turns our errors into one line on standard error and the documented exit code."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except (QuestionInvalid, NotIndexed, KeyInvalid, SettingInvalid) as error:
            self._fail(context, error, USAGE_ERROR)
        except (AssistantError, CorpusError) as error:
            self._fail(context, error, DATA_ERROR)
        except OSError as error:
            if error.errno == errno.EPIPE:  # who reads has had enough, which click ends quietly
                raise
            self._fail(context, error, DATA_ERROR)  # a full disk behind standard output, for one

    @staticmethod
    def _fail(context: click.Context, error: Exception, code: int) -> None:
        click.echo(f"{click.style('error:', fg='red')} {error}", err=True)
        context.exit(code)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--home", type=FILE_PATH, help="Where index and models are kept [default: user data folder].")
@click.version_option(package_name="lecture-assistant")
@click.pass_context
def main(context: click.Context, home: Path | None) -> None:
    """Ask lectures; every answer is quoted from the transcript and cited to the word."""
    # The matrices of a look-up are small: a second thread for them costs more than it does.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    context.obj = Settings.from_environment(os.environ, home)


for _command in (
    *(index, check, ask, search, chat, lectures, show, serve, evaluate, calibrate),
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
