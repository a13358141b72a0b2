"""
Who decides: a user of the operating system, as the kernel names it.
"""

from collections.abc import Set
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """
    Who is at the keyboard. No environment variable has a say in it.
    """

    #: As whom the process runs.
    uid: int
    #: How the system's user database names that uid; it may hold anything.
    name: str = ""
    #: Who logged in, if the kernel knows: that does not change with `sudo` or `su`.
    login_uid: int | None = None

    @property
    def uids(self) -> Set[int]:
        """
        Every user that this person is, or became.
        """
        return {self.uid} if self.login_uid is None else {self.uid, self.login_uid}

    @property
    def who(self) -> str:
        """
        How records name them.
        """
        named = f"{self.name} (uid {self.uid})" if self.name else f"uid {self.uid}"
        if self.login_uid in {None, self.uid}:
            return f"cli:{named}"
        return f"cli:{named}, logged in as uid {self.login_uid}"


@dataclass(frozen=True, slots=True)
class Register:
    """
    Which users may decide about money without JD's word.
    """

    #: The people, by uid.
    people: Set[int] = frozenset()
    #: As whom workers were ever started: whoever can be that user can do whatever they do.
    services: Set[int] = frozenset()

    def may_propose(self, person: Person) -> bool:
        """
        Whether a decision may be theirs to propose.
        """
        return person.uid == 0 or person.uid in self.people | self.services

    def may_approve(self, person: Person) -> bool:
        """
        Whether a decision may be theirs to approve: not for root, nor for whom the service runs as.
        """
        return person.uid != 0 and person.uid in self.people - self.services
