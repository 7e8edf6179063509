"""`cdk-vllm smoke`: ask a deployed service something, and look at the answer."""

from __future__ import annotations

import os
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


LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
TOKEN = "OPENAI_API_KEY"  # noqa: S105 - the variable's name, as OpenAI's clients know it


@click.command("smoke")
@click.argument("environment", type=click.Path(path_type=Path))
@click.argument("service", required=False)
@click.option("--base-url", help="Where to ask instead: a port forwarded, or a public name.")
@click.option("--openai", is_flag=True, help="Ask SageMaker as OpenAI clients do, with a token.")
@click.option("--max-tokens", type=click.IntRange(1), default=64, help="Of the answer.")
@click.option(
    "--first-token-seconds", type=float, default=30.0, help="The latest for the first token."
)
@click.option("--seconds", type=float, default=120.0, help="How long to wait for anything.")
@click.option("--open", "opens", is_flag=True, help="Open a way to an internal load balancer.")
@click.option("--through", default="", help="The instance that the way leads through.")
def command(environment: Path, service: str | None, base_url: str | None, **options: Any) -> None:
    """Send a real chat request to each service of ENVIRONMENT, or to SERVICE, and check the answer.

    Each is asked twice: for a whole answer, and for a stream, whose first token is timed. SageMaker
    is asked through InvokeEndpoint, unless --openai or --base-url names its OpenAI route; where it
    answers asynchronously, one answer goes through S3.
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
    asked = {**options, "base_url": base_url, "region": environment.region}
    if service.backend == "ecs":
        answers = _over_http(client, stack, service, asked)
    elif base_url or options["openai"]:
        answers = _over_openai_route(stack, service, asked)
    else:
        answers = _over_sagemaker(client, stack, service, asked)
    _tell(name, answers, options["first_token_seconds"])


def _request(service: Service, options: dict[str, Any], *, stream: bool) -> bytes:
    from cdk_vllm.live import chat  # noqa: PLC0415 - the command starts fast

    model = str(service.engine.get("served_model_name", service.model))
    return chat.body(model, max_tokens=options["max_tokens"], stream=stream)


def _over_sagemaker(
    client: ClientFactory, stack: DeployedStack, service: Service, options: dict[str, Any]
) -> list[Answer]:
    from cdk_vllm.live import over_sagemaker  # noqa: PLC0415 - the command starts fast

    endpoint = stack.output("EndpointName")
    if service.asynchronous:
        whole = _request(service, options, stream=False)
        return [over_sagemaker.ask_later(client, endpoint, whole, seconds=options["seconds"])]
    runtime = _runtime(options["region"], options["seconds"])
    return [
        over_sagemaker.ask(
            runtime, endpoint, _request(service, options, stream=stream), stream=stream
        )
        for stream in (False, True)
    ]


def _runtime(region: str, seconds: float) -> Any:
    """Return a client that asks once: boto3's own asks five times, a minute each."""
    import boto3  # noqa: PLC0415 - the command starts fast
    from botocore.config import Config  # noqa: PLC0415 - as above

    config = Config(read_timeout=seconds, retries={"total_max_attempts": 1})
    return boto3.client("sagemaker-runtime", region_name=region, config=config)


def _over_openai_route(
    stack: DeployedStack, service: Service, options: dict[str, Any]
) -> list[Answer]:
    import boto3  # noqa: PLC0415 - the command starts fast

    from cdk_vllm.live import over_http  # noqa: PLC0415 - as above
    from cdk_vllm.live.bearer_token import bearer_token  # noqa: PLC0415 - as above

    if service.asynchronous:
        raise InputError("an asynchronous service has no OpenAI route; leave out what asks for it")
    # botocore's own; boto3's stubs know them by another name.
    credentials: Any = boto3.Session().get_credentials()
    return [
        over_http.ask(
            options["base_url"] or stack.output("BaseUrl"),
            bearer_token(credentials, options["region"]),
            _request(service, options, stream=stream),
            stream=stream,
            seconds=options["seconds"],
        )
        for stream in (False, True)
    ]


def _over_http(
    client: ClientFactory, stack: DeployedStack, service: Service, options: dict[str, Any]
) -> list[Answer]:
    from cdk_vllm.live import over_http, port_forwarding  # noqa: PLC0415 - starts fast

    url = options["base_url"] or stack.output("BaseUrl")
    key, place = _key(client, stack), (options["through"], options["region"])
    balancer = "" if options["base_url"] else stack.only(LOAD_BALANCER)
    way = None
    if options["opens"]:
        way = port_forwarding.forwarding(client, url, *place, load_balancer=balancer)
    try:
        with port_forwarding.opened(way) if way else nullcontext():
            return [
                over_http.ask(
                    url,
                    key,
                    _request(service, options, stream=stream),
                    stream=stream,
                    seconds=options["seconds"],
                    port_here=way.port_here if way else 0,
                )
                for stream in (False, True)
            ]
    except over_http.UnreachableError as error:
        raise _no_way(error, client, url, place, balancer) from None


def _key(client: ClientFactory, stack: DeployedStack) -> str:
    """Return the service's API key; where an issuer's tokens are taken instead, the caller's."""
    if "ApiKeySecret" in stack.outputs:
        secret = stack.outputs["ApiKeySecret"]
        answer = client("secretsmanager").get_secret_value(SecretId=secret)
        return str(answer["SecretString"])
    if not os.environ.get(TOKEN):
        raise InputError(
            f"{stack.name} has no API key and takes its issuer's tokens; put one into {TOKEN}"
        )
    return os.environ[TOKEN]


def _no_way(
    error: CdkVllmError, client: ClientFactory, url: str, place: tuple[str, str], balancer: str
) -> CdkVllmError:
    """Say how an internal load balancer is reached: by hand, or by this command itself."""
    from cdk_vllm.live import port_forwarding  # noqa: PLC0415 - the command starts fast

    try:
        instance = port_forwarding.forwarding(
            client, url, *place, load_balancer=balancer, port_here=8000
        )
    except InputError as no_instance:
        return CdkVllmError(f"{error}: the load balancer is internal, and {no_instance}")
    by_hand = shlex.join(instance.command())
    return CdkVllmError(
        f"{error}: the load balancer is internal; add --open to open a way through Systems Manager "
        f"and close it again, or open one yourself: {by_hand}"
    )


def _tell(name: str, answers: list[Answer], latest: float) -> None:
    whole, *streams = answers
    click.echo(f'{name}: "{_one_line(answers[-1].text)}"')
    told = f"  whole answer {whole.seconds:.2f} s, {whole.tokens} tokens"
    if not streams:
        click.echo(f"{told}, through S3")
        return
    stream = streams[0]
    first = stream.first_token_seconds or stream.seconds
    click.echo(
        f"{told}; stream: first token {first:.2f} s, {stream.tokens} tokens in "
        f"{stream.seconds:.2f} s"
    )
    if first > latest:
        raise CdkVllmError(
            f"{name} answers, but its first token took {first:.2f} s, above {latest:g}; see its "
            "queue, or raise --first-token-seconds"
        )


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 120 else line[:120] + "..."
