"""
Waking workers, as the use cases see it.
"""

from typing import Protocol

#: Who is woken looks on for so many seconds at the least after the last work that it found, so that
#: what comes meanwhile needs no wake-up of its own.
GATHER_S = 0.1


class Dispatcher(Protocol):
    """
    Wakes a worker, which looks for itself what is due.

    A hint: it may be lost, late or repeated, and it never raises. Where one waits already, another
    one is of no use, and need not be sent.
    """

    def wake_sender(self) -> None:
        """
        Have someone send what is due.
        """

    def wake_querier(self) -> None:
        """
        Have someone ask JD what is due to be asked.
        """
