"""`cdk-vllm smoke`: ask a deployed service something, and look at the answer."""

from __future__ import annotations

import shlex
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cdk_vllm.errors import CdkVllmError, InputError, nearest

if TYPE_CHECKING:
    from cdk_vllm.environment_file import EnvironmentFile, Service
    from cdk_vllm.live.chat import Answer
    from cdk_vllm.live.stacks import ClientFactory, DeployedStack


@click.command("smoke")
@click.argument("environment", type=click.Path(path_type=Path))
@click.argument("service", required=False)
@click.option("--base-url", help="Where to ask instead: a port forwarded, or a public name.")
@click.option("--max-tokens", type=click.IntRange(1), default=64, help="Of the answer.")
@click.option(
    "--first-token-seconds", type=float, default=30.0, help="The latest for the first token."
)
@click.option("--seconds", type=float, default=120.0, help="How long to wait for anything.")
@click.option("--open", "opens", is_flag=True, help="Open a way to an internal load balancer.")
@click.option("--through", default="", help="The instance that the way leads through.")
def command(environment: Path, service: str | None, base_url: str | None, **options: Any) -> None:
    """Send a real chat request to each service of ENVIRONMENT, or to SERVICE, and check the answer.

    Each is asked twice: for a whole answer, and for a stream, whose first token is timed.
    """
    from cdk_vllm import environment_file  # noqa: PLC0415 - the command starts fast
    from cdk_vllm.cli.foundation import aws_errors  # noqa: PLC0415 - as above

    loaded = environment_file.load(environment)
    names = _names(loaded, service)
    if base_url and len(names) > 1:
        known = ", ".join(names)
        raise InputError(f"--base-url is one service's; name the service, one of: {known}")
    with aws_errors(f"the smoke test of {loaded.name}"):
        for name in names:
            _smoke(loaded, name, base_url, options)


def _names(environment: EnvironmentFile, service: str | None) -> list[str]:
    names = list(environment.services)
    if service is None:
        return names
    if service not in names:
        hint = nearest(service, names)
        known = ", ".join(names)
        raise InputError(f'{environment.path} has no service "{service}"; known: {known}.{hint}')
    return [service]


def _smoke(
    environment: EnvironmentFile, name: str, base_url: str | None, options: dict[str, Any]
) -> None:
    from cdk_vllm.cli.clients import clients  # noqa: PLC0415 - the command starts fast
    from cdk_vllm.live.stacks import deployed_stack  # noqa: PLC0415 - as above

    service, client = environment.services[name], clients(environment.region)
    stack = deployed_stack(client, environment.name, name)
    if service.backend == "sagemaker":
        answers = _over_sagemaker(client, stack, service, options)
    else:
        asked = {**options, "base_url": base_url, "region": environment.region}
        answers = _over_http(client, stack, service, asked)
    _tell(name, answers, options["first_token_seconds"])


def _request(service: Service, options: dict[str, Any], *, stream: bool) -> bytes:
    from cdk_vllm.live import chat  # noqa: PLC0415 - the command starts fast

    model = str(service.engine.get("served_model_name", service.model))
    return chat.body(model, max_tokens=options["max_tokens"], stream=stream)


def _over_sagemaker(
    client: ClientFactory, stack: DeployedStack, service: Service, options: dict[str, Any]
) -> list[Answer]:
    from cdk_vllm.live import over_sagemaker  # noqa: PLC0415 - the command starts fast

    runtime, endpoint = client("sagemaker-runtime"), stack.output("EndpointName")
    return [
        over_sagemaker.ask(
            runtime, endpoint, _request(service, options, stream=stream), stream=stream
        )
        for stream in (False, True)
    ]


def _over_http(
    client: ClientFactory, stack: DeployedStack, service: Service, options: dict[str, Any]
) -> list[Answer]:
    from cdk_vllm.live import over_http, port_forwarding  # noqa: PLC0415 - starts fast

    url = options["base_url"] or stack.output("BaseUrl")
    secret = client("secretsmanager").get_secret_value(SecretId=stack.output("ApiKeySecret"))
    through, region = options["through"], options["region"]
    way = None
    if options["opens"]:
        way = port_forwarding.forwarding(client, url, through, region)
    try:
        with port_forwarding.opened(way) if way else nullcontext():
            return [
                over_http.ask(
                    url,
                    secret["SecretString"],
                    _request(service, options, stream=stream),
                    stream=stream,
                    seconds=options["seconds"],
                    port_here=way.port_here if way else 0,
                )
                for stream in (False, True)
            ]
    except over_http.UnreachableError as error:
        raise _no_way(error, client, url, (through, region)) from None


def _no_way(
    error: CdkVllmError, client: ClientFactory, url: str, place: tuple[str, str]
) -> CdkVllmError:
    """Say how an internal load balancer is reached: by hand, or by this command itself."""
    from cdk_vllm.live import port_forwarding  # noqa: PLC0415 - the command starts fast

    try:
        instance = port_forwarding.forwarding(client, url, *place, 8000)
    except InputError as no_instance:
        return CdkVllmError(f"{error}: the load balancer is internal, and {no_instance}")
    by_hand = shlex.join(instance.command())
    return CdkVllmError(
        f"{error}: the load balancer is internal; add --open to open a way through Systems Manager "
        f"and close it again, or open one yourself: {by_hand}"
    )


def _tell(name: str, answers: list[Answer], latest: float) -> None:
    whole, stream = answers
    first = stream.first_token_seconds or stream.seconds
    click.echo(f'{name}: "{_one_line(stream.text)}"')
    click.echo(
        f"  whole answer {whole.seconds:.2f} s, {whole.tokens} tokens; stream: first token "
        f"{first:.2f} s, {stream.tokens} tokens in {stream.seconds:.2f} s"
    )
    if first > latest:
        raise CdkVllmError(
            f"{name} answers, but its first token took {first:.2f} s, above {latest:g}; see its "
            "queue, or raise --first-token-seconds"
        )


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 120 else line[:120] + "..."
