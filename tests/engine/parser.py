"""Put command lines to vLLM's own parser, that of `vllm serve`.

Run by the engine's own interpreter, as a module, with one argument, a file of JSON: {"package",
"lines"}. It prints JSON: the parser's options with what they accept, and for each line the values
it took or the error it raised.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn


def main() -> None:
    """Answer a file of lines."""
    asked = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    from tests.engine import without_cuda

    without_cuda.prepare()
    os.environ["VLLM_TARGET_DEVICE"] = "cpu"
    sys.path.insert(0, asked["package"])
    from vllm.entrypoints.common.cli_args import make_arg_parser
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    class Parser(FlexibleArgumentParser):  # type: ignore[misc]
        def error(self, message: str) -> NoReturn:
            raise ValueError(message)

    parser = make_arg_parser(Parser(allow_abbrev=False))
    lines = [parsed(parser, words) for words in asked["lines"]]
    sys.stdout.write(json.dumps({"options": options(parser), "lines": lines}) + "\n")


def parsed(parser: Any, words: list[str]) -> dict[str, Any]:
    """Return what a line sets, as text, or the parser's error."""
    try:
        found = parser.parse_args(words)
    except (ValueError, TypeError, argparse.ArgumentError) as error:
        return {"error": str(error)}
    return {"values": {name: str(value) for name, value in vars(found).items()}}


def options(parser: Any) -> dict[str, list[str]]:
    """Return every flag with its choices, if it has any."""
    return {
        flag: [str(choice) for choice in action.choices or ()]
        for flag, action in parser._option_string_actions.items()
    }


if __name__ == "__main__":
    main()
