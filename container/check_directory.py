"""Checks the model that SageMaker put into a directory, by name and size, in a few milliseconds."""

from __future__ import annotations

import sys
from pathlib import Path

from cdk_vllm_store.directory import check
from cdk_vllm_store.failure import PrepareError


def main(words: list[str]) -> int:
    """Check the directory named by the only word; return the exit status."""
    try:
        check(Path(words[0]))
    except PrepareError as error:
        sys.stderr.write(f"cdk-vllm: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
