"""CloudFormation's engine: what moto's does not do, or does differently from AWS."""

from __future__ import annotations


def install() -> None:
    """Put the engine in place of moto's."""
    from . import backend, responses  # noqa: PLC0415

    backend.install()
    responses.install()
