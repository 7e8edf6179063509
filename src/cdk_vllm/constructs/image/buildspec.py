"""What CodeBuild runs: `build.sh`, then `answer.sh` whatever came of it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


def buildspec() -> dict[str, Any]:
    """Return the build specification.

    `post_build` also runs after a failed `build` (source: AWS CodeBuild User Guide, "Build phase
    transitions"), so the answer is sent from there. CodeBuild stops a build that runs out of time
    without `post_build`; `BUILD_SECONDS` ends `build.sh` a little earlier.
    """
    build = f'timeout --kill-after=10 "$BUILD_SECONDS" bash -c {_script("build.sh")}'
    return {
        "version": "0.2",
        "env": {"shell": "bash"},
        "phases": {
            "build": {"commands": [build]},
            "post_build": {"commands": [f"bash -c {_script('answer.sh')}"]},
        },
    }


def _script(name: str) -> str:
    return shlex.quote((_HERE / name).read_text(encoding="utf-8"))
