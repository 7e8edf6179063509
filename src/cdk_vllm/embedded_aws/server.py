"""The embedded AWS as a server: every service at one address on 127.0.0.1."""

from __future__ import annotations

import logging
import os
import socket
from typing import TYPE_CHECKING, Any

from cdk_vllm.errors import RehearsalError

from . import install

if TYPE_CHECKING:
    from types import TracebackType

_ADDRESS = "127.0.0.1"
ACCOUNT_ID = "123456789012"
"""Moto's account, for an app that names none."""
_ACCOUNT_VARIABLE = "MOTO_ACCOUNT_ID"


class EmbeddedAws:
    """A running embedded AWS; it stops, and forgets everything, when the `with` block ends.

    Raises:
        RehearsalError: when the port is taken, or moto is not installed.
    """

    def __init__(self, port: int = 0, *, account_id: str = ACCOUNT_ID) -> None:
        """Serve on `port`, or on a free one, as the one account `account_id`."""
        self._wanted_port = port
        self._account_id = account_id
        self._server: Any = None
        self._log_level = logging.NOTSET
        self._account_before: str | None = None

    def __enter__(self) -> EmbeddedAws:
        """Start the server."""
        _check_port(self._wanted_port)
        try:
            from moto.server import ThreadedMotoServer  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise RehearsalError(
                f'The embedded AWS needs "{error.name}", which is not installed; '
                'install "cdk-vllm[rehearse]".'
            ) from None
        install()
        # werkzeug logs every request at INFO and has no switch of its own.
        logger = logging.getLogger("werkzeug")
        self._log_level = logger.level
        logger.setLevel(logging.ERROR)
        _forget_everything()
        # moto reads the account from here before it looks at the credentials.
        self._account_before = os.environ.get(_ACCOUNT_VARIABLE)
        os.environ[_ACCOUNT_VARIABLE] = self._account_id
        self._server = ThreadedMotoServer(_ADDRESS, self._wanted_port, verbose=False)
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server and close its socket."""
        self._server.stop()
        # moto: stop() ends the loop and leaves the socket listening.
        self._server._server.server_close()
        logging.getLogger("werkzeug").setLevel(self._log_level)
        _forget_everything()
        if self._account_before is None:
            os.environ.pop(_ACCOUNT_VARIABLE, None)
        else:
            os.environ[_ACCOUNT_VARIABLE] = self._account_before

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.get_host_and_port()[1])

    @property
    def endpoint_url(self) -> str:
        """The address of every service."""
        return f"http://{_ADDRESS}:{self.port}"

    def environment(self, region: str) -> dict[str, str]:
        """Return the variables that turn an AWS tool to this server and away from any account.

        The files of a user's own configuration and credentials are named away, so none is read.
        """
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_SESSION_TOKEN": "testing",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_DEFAULT_ACCOUNT": self._account_id,
            "CDK_DEFAULT_REGION": region,
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "NO_PROXY": _ADDRESS,
            "no_proxy": _ADDRESS,
        }

    def client(self, service: str, region: str) -> Any:
        """Return a boto3 client of `service` here, whatever the user's environment says."""
        import boto3  # noqa: PLC0415
        from botocore.config import Config  # noqa: PLC0415
        from botocore.session import Session  # noqa: PLC0415

        session = Session()
        for source in ("config_file", "credentials_file"):
            session.set_config_variable(source, os.devnull)
        maker: Any = boto3.Session(botocore_session=session)
        return maker.client(
            service,
            region_name=region,
            endpoint_url=self.endpoint_url,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",  # noqa: S106
            config=Config(s3={"addressing_style": "path"}, proxies={}),
        )


def _check_port(port: int) -> None:
    """Moto's server thread dies of a taken port and leaves the caller waiting for ever."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_ADDRESS, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise RehearsalError(
                f"The embedded AWS cannot listen on port {port} of {_ADDRESS} ({reason}); "
                "name a free port, or none to have one chosen."
            ) from None


def _forget_everything() -> None:
    """Backends outlive a server in moto; a second one must not find the first one's stacks."""
    from moto.moto_api._internal.models import moto_api_backend  # noqa: PLC0415

    moto_api_backend.reset()
