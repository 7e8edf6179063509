"""A prompt cannot make the engine fetch from inside the network, with the options as deployed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cdk_vllm.constructs.vllm_container import NO_DOMAIN

ENGINE = Path(__file__).parents[2] / ".venv-engine" / "bin" / "python"
FETCH = """
import sys
from vllm.multimodal.media import MediaConnector
try:
    MediaConnector(allowed_media_domains=[sys.argv[1]]).fetch_image(sys.argv[2])
except ValueError as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/",
        "http://127.0.0.1:8000/metrics",
    ],
)
def test_an_address_inside_the_network_is_refused(url: str) -> None:
    run = subprocess.run(
        [ENGINE, "-c", FETCH, NO_DOMAIN, url], check=False, capture_output=True, text=True
    )
    assert run.returncode == 1
    assert "must be from one of the allowed domains" in run.stderr
