"""Prints the elements of a JSON array, each ended by a NUL, as words of a command line."""

from __future__ import annotations

import json
import sys


def main(words: list[str]) -> int:
    """Print the elements of the array in the second word; the first names it in a failure."""
    name, text = words
    try:
        elements = json.loads(text)
    except ValueError as error:
        sys.stderr.write(f"cdk-vllm: {name} begins as a JSON array and is none ({error})\n")
        return 1
    for element in elements:
        word = element if isinstance(element, str) else json.dumps(element)
        sys.stdout.write(f"{word}\0")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
