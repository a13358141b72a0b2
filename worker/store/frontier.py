"""
Where a search for what is due begins.

PostgreSQL keeps the index entries of rows that have moved on for as long as any transaction is open
that may still see them, and a search from the very beginning passes over all of them. So whoever
searches again within a second begins where it found the first row, and a little before.
"""

from datetime import UTC, datetime, timedelta

#: Before everything.
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)

#: A row may become visible after others that are due later: its transaction took longer.
_BEFORE = timedelta(seconds=5)

#: So often everything is searched, for rows that are due since before that: a case was closed.
_ANEW = timedelta(seconds=1)


class Frontier:
    """
    Remembers, for each merchant, where the first row was found. Times are the database's.
    """

    def __init__(self) -> None:
        #: From where on to search, and when everything was searched.
        self._known: dict[str, tuple[datetime, datetime]] = {}

    def since(self, customer_no: str, now: datetime) -> datetime:
        """
        From where on to search now.
        """
        since, searched_at = self._known.get(customer_no, (BEGINNING, now))
        return since if searched_at <= now < searched_at + _ANEW else BEGINNING

    def found(
        self, customer_no: str, since: datetime, first: datetime | None, now: datetime
    ) -> None:
        """
        Learn which row was the first that a search found from `since` on; None if there was none.
        """
        if first is None:
            if since == BEGINNING:
                self._known.pop(customer_no, None)
            return
        searched_at = now
        if since != BEGINNING and customer_no in self._known:
            _, searched_at = self._known[customer_no]
        self._known[customer_no] = (min(first, now) - _BEFORE, searched_at)
