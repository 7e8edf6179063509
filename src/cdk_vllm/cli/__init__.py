"""The `cdk-vllm` command. Never imports aws_cdk; its subcommands load when they are run."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from cdk_vllm import __version__
from cdk_vllm.errors import CdkVllmError

COMMANDS = {
    "plan": "cdk_vllm.cli.plan",
    "memory": "cdk_vllm.cli.memory",
    "push": "cdk_vllm.cli.push",
    "push-adapter": "cdk_vllm.cli.push_adapter",
    "models": "cdk_vllm.cli.models",
    "check": "cdk_vllm.cli.check",
    "rehearse": "cdk_vllm.cli.rehearse",
    "local": "cdk_vllm.cli.local",
    "smoke": "cdk_vllm.cli.smoke",
    "status": "cdk_vllm.cli.status",
    "verify": "cdk_vllm.cli.verify",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are run, so that none pays for another."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in COMMANDS:
            return None
        command: Any = import_module(COMMANDS[name]).command
        return command if isinstance(command, click.Command) else None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cdk-vllm")
def group() -> None:
    """Serve open-weight language models with vLLM in your own AWS account."""


def main() -> None:
    """Run the command; every mistake a user can make ends in one sentence and a non-zero exit."""
    try:
        group(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except CdkVllmError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
