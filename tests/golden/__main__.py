"""
`python -m tests.golden`: compare the JSON documents with the golden ones; `--record` adds.
"""

import argparse
import sys

import pytest

from tests.golden.book import Recording

STORIES = "tests/integration/cli/test_golden.py"


def main() -> int:
    """
    Run the stories that make the documents; exit 1 if one does not fit, or is refused.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.golden", description=__doc__)
    parser.add_argument(
        "--record",
        action="store_true",
        help="Write down what was added. A removed key or a changed type is refused.",
    )
    plugins = []
    arguments = [STORIES, "--quiet"]
    if parser.parse_args().record:
        plugins.append(Recording())
    return int(pytest.main(arguments, plugins=plugins))


if __name__ == "__main__":
    sys.exit(main())
