"""Put command lines to vLLM's own parser, that of `vllm serve`.

Run by the engine's own interpreter, as a module, with one argument, a file of JSON: {"package",
"lines", "services"}. It prints JSON: the parser's options with what they accept, for each line the
values it took or the error it raised, and for each service (its words after the model, and the
model's config) what vLLM's whole configuration holds, or the error.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn


def main() -> None:
    """Answer a file of lines."""
    asked = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    os.environ["VLLM_TARGET_DEVICE"] = "cpu"
    sys.path.insert(0, asked["package"])
    from vllm.entrypoints.common.cli_args import make_arg_parser
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    class Parser(FlexibleArgumentParser):  # type: ignore[misc]
        def error(self, message: str) -> NoReturn:
            raise ValueError(message)

    parser = make_arg_parser(Parser(allow_abbrev=False))
    lines = [parsed(parser, words) for words in asked["lines"]]
    services = [configured(parser, **service) for service in asked["services"]]
    said = {"options": options(parser), "lines": lines, "services": services}
    sys.stdout.write(json.dumps(said) + "\n")


def parsed(parser: Any, words: list[str]) -> dict[str, Any]:
    """Return what a line sets, as text, or the parser's error."""
    try:
        found = parser.parse_args(words)
    except (ValueError, TypeError, argparse.ArgumentError) as error:
        return {"error": str(error)}
    return {"values": {name: str(value) for name, value in vars(found).items()}}


def configured(parser: Any, words: list[str], config: dict[str, Any]) -> dict[str, Any]:
    """Return what vLLM is configured with for a model of which only the config is there."""
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.usage.usage_lib import UsageContext

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "config.json").write_text(json.dumps(config), "utf-8")
        try:
            taken = parser.parse_args(["--model", folder, *words, "--skip-tokenizer-init"])
            arguments = AsyncEngineArgs.from_cli_args(taken)
            found = arguments.create_engine_config(UsageContext.OPENAI_API_SERVER)
        except (Exception, SystemExit) as error:  # whatever it refuses with is the answer
            return {"error": f"{type(error).__name__}: {error}"}
    return {
        "max_model_len": found.model_config.max_model_len,
        "max_num_seqs": found.scheduler_config.max_num_seqs,
        "max_num_batched_tokens": found.scheduler_config.max_num_batched_tokens,
        "tensor_parallel_size": found.parallel_config.tensor_parallel_size,
        "served_model_name": found.model_config.served_model_name,
    }


def options(parser: Any) -> dict[str, list[str]]:
    """Return every flag with its choices, if it has any."""
    return {
        flag: [str(choice) for choice in action.choices or ()]
        for flag, action in parser._option_string_actions.items()
    }


if __name__ == "__main__":
    main()
