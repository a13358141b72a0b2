"""
The letters, by name, and the alphabets that are explored.

In an honest alphabet JD's books and words agree, and it does not deduplicate. In one that
contradicts itself every `ask`, `notify` and reply may follow any other, whatever the books have:
these letters contradict wherever an honest JD could not say them, and so does `refused, and booked`
always. All other letters are people, time and our own processes, in either world.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from tests.exploration.words import Said, Submit, Travels
from tests.exploration.world import World
from tests.factories import MERCHANT
from tests.simulation.deployment import HOME, OTHER, WRONG, Settings
from worker.payouts.policy.actions import Action
from worker.payouts.status import PayoutStatus

_GAPS = {
    "2 minutes": timedelta(minutes=2),
    "10 minutes": timedelta(minutes=10),
    "a day": timedelta(days=1),
}
_SENT_FROM = {PayoutStatus.QUEUED, PayoutStatus.REFUSED, PayoutStatus.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Letter:
    """
    One thing that may happen.
    """

    name: str
    do: Callable[[World], None]
    may: Callable[[World], bool]
    #: Letters of one group do the same where JD is not reached.
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Alphabet:
    """
    What may happen in one world.
    """

    name: str
    is_honest: bool
    letters: tuple[Letter, ...]
    keeps_backups: bool = False

    def world(self) -> World:
        """
        Where every history begins: payout A is accepted.
        """
        return World(honest=self.is_honest, keeps_backups=self.keeps_backups)

    def of(self, *names: str) -> "Alphabet":
        """
        The same world with a few of its letters.
        """
        few = tuple(letter for letter in self.letters if letter.name in names)
        assert len(few) == len(names), "a letter that the alphabet does not have"
        return replace(self, letters=few)


def _there(number: str, world: World) -> bool:
    return world.row(number) is not None


def _sends(numbers: str, fates: Sequence[Submit]) -> Iterator[Letter]:
    def may(number: str, world: World) -> bool:
        row = world.row(number)
        return row is not None and row.status in _SENT_FROM

    for number in numbers:
        for fate in fates:
            yield Letter(
                f"send {number}: {fate}",
                partial(World.send, number=number, fate=fate),
                partial(may, number),
                group=f"send {number}",
            )


def _says(numbers: str, asked: Sequence[Said], told: Sequence[Said]) -> Iterator[Letter]:
    def may(number: str, said: Said, world: World) -> bool:
        if not _there(number, world):
            return False
        # After a restore JD is asked about what was not sent, too.
        is_denied_unsent = world.restored and not world.jd.entry(number).sent
        return world.jd.may_say(number, said) or (is_denied_unsent and said is Said.NOT_FOUND)

    for number in numbers:
        for said in asked:
            do = partial(World.ask, number=number, said=said)
            yield Letter(f"ask {number}: {said}", do, partial(may, number, said))
        for said in told:
            do = partial(World.hear, number=number, said=said)
            yield Letter(f"notify {number}: {said}", do, partial(may, number, said))


def _carried(numbers: str, told: Sequence[Said], ways: Sequence[Travels]) -> Iterator[Letter]:
    def may(number: str, said: Said, world: World) -> bool:
        return _there(number, world) and world.jd.may_say(number, said)

    for number in numbers:
        for said in told:
            for travels in ways:
                do = partial(World.hear, number=number, said=said, travels=travels)
                yield Letter(f"notify {number}: {said}, {travels}", do, partial(may, number, said))


def _acts(numbers: str, actions: Sequence[Action]) -> Iterator[Letter]:
    for number in numbers:
        for action in actions:
            do = _act(action, number)
            yield Letter(f"{action} {number}", do, partial(_there, number))


def _act(action: Action, number: str) -> Callable[[World], None]:
    return lambda world: world.act(action, number)


def _look(numbers: str) -> Iterator[Letter]:
    def may(number: str, world: World) -> bool:
        row = world.row(number)
        return row is not None and bool(world.ledger.dossier(row.id).open_cases)

    for number in numbers:
        do = partial(World.look, number=number)
        yield Letter(f"close a case of {number}", do, partial(may, number))


def _second() -> Iterator[Letter]:
    def may(world: World) -> bool:
        return not _there("B", world)

    yield Letter("replace A by B", partial(World.replace, number="A", by="B"), may)
    yield Letter("second job B", partial(World.accept, number="B"), may)


def _passing(*names: str) -> Iterator[Letter]:
    for name in names:
        yield Letter(name, partial(World.pass_time, by=_GAPS[name]), lambda _world: True)


SWEEP = Letter("sweep", World.sweep, lambda _world: True)
PAUSE = Letter("pause", World.switch, lambda w: not w.ledger.channel(MERCHANT).is_paused)
RESUME = Letter("resume", World.switch, lambda w: w.ledger.channel(MERCHANT).is_paused)
RESTORE = Letter("restore", World.restore, lambda world: world.backup is not None)
RESTORE_OLDER = Letter(
    "restore a backup without A", World.restore_without, lambda world: world.backup is not None
)
FAILOVER = Letter("failover", World.fail_over, lambda world: world.backup is not None)
TWICE = Letter(
    "send A twice, since the database fails over before the claim is told",
    partial(World.send_twice, number="A"),
    lambda world: _there("A", world),
)
AWAY = Letter("the mark goes away", World.switch_mark, lambda w: not w.mark.is_away)
BACK = Letter("the mark comes back", World.switch_mark, lambda w: w.mark.is_away)
WITH_JOURNAL = Letter(
    "restore a backup without A, with the journal",
    World.restore_with_journal,
    lambda world: world.backup is not None,
)
REPEAT = Letter(
    "repeat job A", partial(World.accept, number="A"), lambda world: not _there("A", world)
)


def _settled(name: str, settings: Settings) -> Letter:
    def may(world: World) -> bool:
        return world.settings != settings

    return Letter(name, partial(World.settle, settings=settings), may)


SETTINGS = (
    _settled("settings: another gateway", Settings(address=WRONG)),
    _settled(
        "settings: another gateway, and ours as before", Settings(address=WRONG, former=(HOME,))
    ),
    _settled("settings: ours, and another gateway as before", Settings(former=(WRONG,))),
    _settled("settings: another merchant", Settings(merchant=OTHER)),
    _settled("settings: ours", Settings()),
)
KEY = Letter("JD signs with another key", World.switch_key, lambda w: w.jd.is_key_ours)
KEY_BACK = Letter("our key is JD's again", World.switch_key, lambda w: not w.jd.is_key_ours)


def _moves(numbers: str) -> Iterator[Letter]:
    for number in numbers:
        yield Letter(
            f"resend {number} where the settings say",
            partial(World.move, number=number),
            partial(_there, number),
        )


_FATES = tuple(fate for fate in Submit if fate is not Submit.REFUSED_AND_BOOKED)
_WORDS = tuple(said for said in Said if said is not Said.REFUSED)
_STATUSES = tuple(said for said in Said if said.is_status)
_ENDS = (Said.FINI, Said.CLOS, Said.WHOLE)

_ALL = (
    Alphabet(
        "everything",
        True,
        (
            *_sends("AB", _FATES),
            *_says("AB", _WORDS, _STATUSES),
            *_acts(
                "AB", (Action.RELEASE, Action.FAIL, Action.RESEND, Action.CANCEL, Action.LET_GO)
            ),
            *(*_look("AB"), *_second(), SWEEP, PAUSE, RESUME),
            *_passing(*_GAPS),
        ),
    ),
    Alphabet(
        "sending",
        True,
        (
            *_sends("A", (Submit.DELAYED, Submit.DEAD_AFTER, Submit.REQUEST, Submit.UNCONNECTED)),
            *_says("A", (Said.NOT_FOUND, Said.NO_RESULT, Said.WPAR, Said.FINI), (Said.FINI,)),
            *_acts("A", (Action.RESEND, Action.FAIL)),
            *(*_look("A"), SWEEP, PAUSE, RESUME),
            *_passing(*_GAPS),
        ),
    ),
    Alphabet(
        "paying instead",
        True,
        (
            *_sends("A", (Submit.REPLY_LOST, Submit.CLOS, Submit.PAYEE)),
            *_sends("B", (Submit.REPLY_LOST,)),
            *_says("A", (Said.NOT_FOUND, Said.FINI, Said.CLOS, Said.PART, Said.WHOLE), _ENDS),
            *_acts("A", (Action.RELEASE,)),
            *(*_look("A"), *_second()),
            *_passing("10 minutes", "a day"),
        ),
    ),
    Alphabet(
        "any word",
        False,
        (
            *_sends("A", (Submit.REPLY_LOST, Submit.CLOS, Submit.PAYEE, Submit.REFUSED_AND_BOOKED)),
            *_sends("B", (Submit.REPLY_LOST,)),
            *_says("A", tuple(s for s in _WORDS if s is not Said.NOTHING), (*_ENDS, Said.WPAR)),
            *_acts("A", (Action.RELEASE, Action.RESEND)),
            *(*_look("A"), *_second()),
            *_passing(*_GAPS),
        ),
    ),
    Alphabet(
        "denials",
        False,
        (
            *_sends("A", (Submit.REPLY_LOST, Submit.REQUEST)),
            *_says("A", (Said.NOT_FOUND, Said.SIGN, Said.KNOWN, Said.NO_RESULT), (Said.WPAR,)),
            *_acts("A", (Action.RESEND, Action.FAIL, Action.RELEASE)),
            *_look("A"),
            *_passing("2 minutes", "10 minutes"),
        ),
    ),
    Alphabet(
        "closes",
        False,
        (
            *_sends("A", (Submit.REPLY_LOST,)),
            *_sends("B", (Submit.REPLY_LOST,)),
            *_says("A", (Said.CLOS, Said.WPAR, Said.FINI), (Said.FINI,)),
            *(*_look("AB"), *_second()),
            *_passing("10 minutes", "a day"),
        ),
    ),
    Alphabet(
        "returns",
        False,
        (
            *_sends("A", (Submit.REPLY_LOST,)),
            *_sends("B", (Submit.REPLY_LOST,)),
            *_says("A", (Said.FINI, Said.PART, Said.WHOLE), (Said.FINI, Said.PART, Said.WHOLE)),
            *(*_look("AB"), *_second()),
            *_passing("10 minutes", "a day"),
        ),
    ),
    Alphabet(
        "restore",
        True,
        (
            *_sends("A", (Submit.DELAYED, Submit.REPLY_LOST, Submit.REQUEST)),
            *_says("A", (Said.NOT_FOUND, Said.WPAR, Said.FINI), (Said.FINI,)),
            *_acts("A", (Action.RESEND, Action.CANCEL)),
            *(*_look("A"), SWEEP, RESTORE, RESTORE_OLDER, FAILOVER, TWICE, AWAY, BACK, REPEAT),
            *_passing(*_GAPS),
        ),
        keeps_backups=True,
    ),
    Alphabet(
        "settings",
        True,
        (
            *_sends("A", (Submit.REPLY_LOST, Submit.CLOS, Submit.REQUEST)),
            *_sends("B", (Submit.REPLY_LOST, Submit.FINI)),
            *_says("AB", (Said.NOT_FOUND, Said.CLOS, Said.FINI), (Said.FINI,)),
            *_acts("A", (Action.CANCEL, Action.RELEASE)),
            *_acts("B", (Action.RESEND,)),
            *(*_moves("AB"), *_second(), *SETTINGS, KEY, KEY_BACK),
            *_passing("10 minutes", "a day"),
        ),
    ),
    Alphabet(
        "wire",
        True,
        (
            *_sends("A", (Submit.REPLY_LOST, Submit.FINI, Submit.CLOS)),
            *_says("A", (Said.CLOS, Said.FINI, Said.WHOLE), (Said.FINI, Said.WHOLE)),
            *_carried("A", (Said.FINI, Said.WHOLE), (Travels.ODDLY, Travels.MERGED)),
            *(*_look("A"), *_second(), KEY, KEY_BACK),
            *_passing("10 minutes", "a day"),
        ),
    ),
    Alphabet(
        "journal",
        True,
        (
            *_sends("A", (Submit.DELAYED, Submit.REPLY_LOST)),
            *_sends("B", (Submit.REPLY_LOST,)),
            *_says("A", (Said.NOT_FOUND, Said.CLOS, Said.FINI), (Said.FINI,)),
            *_says("B", (Said.NOT_FOUND,), ()),
            *_acts("A", (Action.RELEASE,)),
            *(*_look("A"), *_second(), WITH_JOURNAL, REPEAT),
            *_passing("2 minutes", "10 minutes", "a day"),
        ),
        keeps_backups=True,
    ),
)
ALPHABETS = {alphabet.name: alphabet for alphabet in _ALL}
