"""An AWS on loopback: moto, made good enough to deploy CDK apps to with the CDK's own command.

Nothing of moto is imported until it is asked for, so that the command starts fast.
"""

from __future__ import annotations

from functools import cache

__all__ = ["install"]


@cache
def install() -> None:
    """Teach moto, once in a process, what it lacks; for its server and for `mock_aws` alike."""
    from . import engine, fidelity  # noqa: PLC0415

    engine.install()
    fidelity.install()
