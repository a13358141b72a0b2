"""
Generated requests to every operation: ``python -m tests.api --examples 500``.
"""

import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from tests.api.service import Service, Tokens, serving

_CONFIG = Path(__file__).with_name("schemathesis.toml")


@click.command()
@click.option("--examples", default=500, show_default=True, help="For each operation.")
@click.option("--seed", type=int, help="Generate what a run with this seed did.")
def main(examples: int, seed: int | None) -> None:
    """
    Hold the HTTP API against its document, as each of two producers in turn.
    """
    # Each job that breaks rules would leave a line.
    logging.disable()
    with tempfile.TemporaryDirectory(prefix="payouts-api-") as folder, serving(Path(folder)) as it:
        first, second = it.producers
        codes = [
            run(it, own, others, examples, seed)
            for own, others in ((first, second), (second, first))
        ]
    sys.exit(max(codes))


def run(
    service: Service, own: Tokens, others: Tokens, examples: int, seed: int | None = None
) -> int:
    """
    Let schemathesis try all operations as one producer; its exit code.
    """
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(_CONFIG)),
        *("run", f"{service.url}/openapi.json", "--checks", "all"),
        *("--max-examples", str(examples)),
        *(() if seed is None else ("--seed", str(seed))),
    ]
    tokens = {
        "OWN_NAME": own.name,
        "OWN_ACCEPT": own.accept,
        "OWN_READ": own.read,
        "OTHERS_ACCEPT": others.accept,
        "OTHERS_READ": others.read,
    }
    outside = {"SCHEMATHESIS_HOOKS": "tests.api.checks", "PYTHONPATH": str(_CONFIG.parents[2])}
    with tempfile.TemporaryDirectory() as empty:
        return subprocess.run(
            command, env={**os.environ, **tokens, **outside}, cwd=empty, check=False
        ).returncode


if __name__ == "__main__":
    main()
