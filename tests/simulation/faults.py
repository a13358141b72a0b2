"""
What can go wrong in a world, and how often: each seed has a weather of its own.
"""

from collections import Counter
from random import Random

from tests.simulation.moods import Mood

_OFTEN = (0.03, 0.1, 0.3, 0.6)
_WHERE_IT_CAN = (0.3, 0.6, 0.9)
_AT_ANY_EFFECT = (0.003, 0.01, 0.03)

#: Each fault with the rates that it may have; most of them are off in any one seed, so that those
#: which are on can show what they do.
RATES: dict[str, tuple[float, ...]] = {
    # at any effect
    "crash": _AT_ANY_EFFECT,
    "database_away": _AT_ANY_EFFECT,
    "freeze": _AT_ANY_EFFECT,
    "power_cut": (0.001, 0.003),
    "broker_wiped": (0.001, 0.003),
    "paused": (0.001, 0.01),
    "restored": (0.001, 0.003),
    "person": (0.001, 0.01),
    "called": (0.001, 0.01),
    "repeated": (0.001, 0.01),
    "resettled": (0.0,),
    # in moods of their own alone
    "failed_over": (),
    "put_back": (),
    "mark_away": (),
    # to the broker
    "message_lost": _OFTEN,
    "message_repeated": _OFTEN,
    "message_late": _OFTEN,
    "beat_away": (0.05, 0.2),
    # between us and JD
    "connection_refused": _WHERE_IT_CAN,
    "request_lost": _WHERE_IT_CAN,
    "resend_lost": _WHERE_IT_CAN,
    "request_late": _WHERE_IT_CAN,
    "reply_lost": _OFTEN,
    "query_lost": _OFTEN,
    # what JD answers
    "code_refused": _OFTEN,
    "code_unclear": _OFTEN,
    "resend_refused": _WHERE_IT_CAN,
    "refused_and_booked": _WHERE_IT_CAN,
    "bare_duplicate": _WHERE_IT_CAN,
    "number_used_up": _WHERE_IT_CAN,
    "found_late": _WHERE_IT_CAN,
    "forgotten": _OFTEN,
    "no_result": (0.02, 0.1),
    "number_taken": (0.1, 0.3),
    # what a message says, signed or not
    "unsigned": _OFTEN,
    "about_another": (0.03, 0.1, 0.3),
    "incomplete": (0.03, 0.1, 0.3),
    "second_trade_no": (0.02, 0.1),
    "strange": (0.03, 0.1, 0.3),
    # notifications
    "notice_lost": _OFTEN,
    "notice_repeated": _OFTEN,
    "notice_late": _OFTEN,
    "notice_forged": _OFTEN,
    "rumour": (0.1, 0.5),
    # people
    "job_repeated": _OFTEN,
    "job_conflicts": (0.1, 0.3),
    "debt_shared": (0.3, 0.6),
}

#: Those that may strike at any effect, whatever it is.
ANYWHERE = (
    *("crash", "database_away", "freeze", "power_cut", "broker_wiped", "paused", "restored"),
    *("person", "called", "repeated", "resettled", "failed_over", "put_back", "mark_away"),
)

#: Those that are somebody else's doing: the process goes on amid it.
OTHERS = frozenset({"person", "called", "repeated", "resettled", "failed_over", "mark_away"})


#: What a process does from a claim until what came of it is to be kept.
_SENDING = frozenset(
    {
        "ledger.claim_due_sends",
        "high_water_mark.remember",
        "ledger.has_forgotten",
        "journal.record",
        "gateway.submit",
    }
)


class Weather:
    """
    The faults of one world, until they heal.
    """

    def __init__(self, rng: Random, mood: Mood) -> None:
        self._rng = rng
        kinds = rng.choice((0.15, 0.3, 0.6))
        self._rates = {
            fault: rng.choice(rates) if rng.random() < kinds else 0.0
            for fault, rates in RATES.items()
            if rates
        }
        self._rates = dict.fromkeys(RATES, 0.0) | self._rates
        self._rates |= {fault: rng.choice(rates) for fault, rates in mood.rates.items()}
        self._around_sends = {
            fault: rng.choice(rates) for fault, rates in mood.around_sends.items()
        }
        self.calm = False
        self._times: Counter[str] = Counter()
        #: How often each struck.
        self.struck: Counter[str] = Counter()

    def strikes(self, fault: str) -> bool:
        """
        Whether a fault happens now.
        """
        rate = self._rates[fault]
        if not rate or self._rng.random() >= rate:
            return False
        self.struck[fault] += 1
        return True

    def strikes_anywhere(self, effect: str) -> str | None:
        """
        Which of the faults that need no occasion happens at this effect, if any.

        The first few times of each effect are in more danger, or faults would seldom meet the few
        effects that send money among the many that look at rows.
        """
        self._times[effect] += 1
        drawn = self._rng.random() / max(1, 8 // self._times[effect])
        for fault in ANYWHERE:
            drawn -= self._rates[fault]
            if drawn < 0:
                self.struck[fault] += 1
                return fault
        if effect in _SENDING:
            for fault, rate in self._around_sends.items():
                if self._rng.random() < rate:
                    self.struck[fault] += 1
                    return fault
        return None

    def heal(self) -> None:
        """
        From now on nothing goes wrong.
        """
        self.calm = True
        self._rates = dict.fromkeys(RATES, 0.0)
