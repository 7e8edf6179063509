"""Where the Docker context of the two images lies."""

from __future__ import annotations

from pathlib import Path

from cdk_vllm.errors import InputError

_PACKAGE = Path(__file__).resolve().parents[2]

CACHE_DIRECTORY = "/var/cache/vllm"
"""Where the images write: mount a private volume here and the root file system can be read-only."""

LEFT_OUT = ["**/__pycache__", "**/*.pyc"]
"""What Python leaves in a context it was run from; the hash an image is built under ignores it."""


def container_directory(package: Path = _PACKAGE) -> Path:
    """Return the directory with the `Dockerfile` of the `ecs` and `sagemaker` images.

    An installed wheel carries it inside the package, a checkout at its root. `package` is the
    directory of `cdk_vllm`.

    Raises:
        InputError: the package was installed without its data.
    """
    places = (package / "_container", package.parents[1] / "container")
    for place in places:
        if (place / "Dockerfile").is_file():
            return place
    raise InputError(
        f"No Dockerfile in {places[0]} or {places[1]}; install cdk-vllm again, or give your own "
        "`directory`."
    )
