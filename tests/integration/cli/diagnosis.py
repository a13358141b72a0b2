"""
What the doctor says, and what it must never say.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

from click.testing import Result


@dataclass(frozen=True)
class Diagnosis:
    """
    What the doctor said.
    """

    exit_code: int
    checks: list[dict[str, str]]

    def told(self, check: str, level: str) -> str:
        """
        Everything that one check told at one level: what was seen, and what to do.
        """
        return "\n".join(
            f"{c['seen']} | {c['remedy']}"
            for c in self.checks
            if (c["check"], c["level"]) == (check, level)
        )


class Examine:
    """
    Runs the doctor, and makes sure that it tells no secret.
    """

    def __init__(self, run: Callable[..., Result]) -> None:
        self._run = run

    def __call__(self) -> Diagnosis:
        """
        Run `payouts doctor --json`.
        """
        result = self._run("doctor", "--json")
        assert "hunter2" not in result.output
        document = json.loads(result.stdout)
        assert document["ok"] is (result.exit_code == 0)
        return Diagnosis(result.exit_code, document["checks"])
