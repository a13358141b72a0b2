"""
A checkout of the product, whichever commit it is on, with the interpreter that it brings.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.bench import machine
from tests.bench.errors import CannotMeasure

#: The checkout that this harness is part of.
HERE = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Checkout:
    """
    Where a checkout is, and what its figures are called.
    """

    path: Path
    #: The folder with its interpreter's programs.
    programs: Path
    label: str = ""

    @classmethod
    def other(cls, path: Path) -> "Checkout":
        """
        Another checkout, called by its commit. Raises `CannotMeasure` where it was not installed.
        """
        path = path.resolve()
        found = cls(path, path / ".venv" / "bin", machine.commit(path))
        for needed in (found.path / "Procfile", found.program("payouts"), found.program("celery")):
            if not needed.exists():
                raise CannotMeasure(
                    f"there is no {needed}: run `make install` in {found.path} first"
                )
        return found

    def named(self, figure: str) -> str:
        """
        The name of a figure of this checkout.
        """
        return f"{figure} at {self.label}" if self.label else figure

    def program(self, name: str) -> Path:
        """
        A program of the checkout's own environment.
        """
        return self.programs / name

    @property
    def processes(self) -> frozenset[str]:
        """
        The names of the processes in its Procfile.
        """
        return frozenset(self._commands())

    def process(self, name: str, *options: str) -> list[str]:
        """
        The command line of a process of the Procfile, with further options.
        """
        return ["/bin/sh", "-c", " ".join([self._commands()[name], *options])]

    def has_threads(self, name: str) -> bool:
        """
        Whether a process works in threads, and not in children.
        """
        return "--pool=threads" in self._commands()[name]

    def _commands(self) -> dict[str, str]:
        lines = (self.path / "Procfile").read_text(encoding="utf-8").splitlines()
        return dict(line.split(": ", 1) for line in lines if ": " in line)

    def environment(self) -> dict[str, str]:
        """
        The environment of its processes, without settings.
        """
        outside = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PAYOUTS_", "CELERY_", "PYTHON"))
        }
        return outside | {"PATH": f"{self.programs}:{outside.get('PATH', '')}"}


#: With the interpreter that runs this.
THIS = Checkout(HERE, Path(sys.executable).parent)
