"""
A mark in memory: as the broker remembers how far a database had come.
"""

from worker.payouts.errors import MarkUnavailable
from worker.payouts.progress import Progress, farther


class MemoryMark:
    """
    Remembers the farthest that it was told of each epoch, while it is there.
    """

    def __init__(self) -> None:
        self.memory: dict[str, Progress] = {}
        self.is_away = False

    def known(self, uid: str) -> Progress:
        """
        The farthest that it was told.
        """
        return self.remember(Progress(uid))

    def remember(self, progress: Progress) -> Progress:
        """
        Keep the farther of both; return what was known before.
        """
        if self.is_away:
            raise MarkUnavailable
        known = self.memory.get(progress.uid, Progress(progress.uid))
        self.memory[progress.uid] = farther(known, progress)
        return known
