"""
What a status, a case or an action means to people.
"""

from collections.abc import Sequence

from worker.payouts.mending import Difference
from worker.payouts.model import Case, CaseKind, Payout
from worker.payouts.policy.actions import Action
from worker.payouts.status import PayoutStatus
from worker.views.formats import shown

MEANINGS = {
    PayoutStatus.QUEUED: "accepted; nothing was sent yet",
    PayoutStatus.HELD: "stopped by a control before it was sent",
    PayoutStatus.SENDING: "a worker has it; the request may be on its way",
    PayoutStatus.REFUSED: "JD refused it for a fault of ours; nothing was booked",
    PayoutStatus.UNKNOWN: "it was sent, and whether JD has it is not known: do not pay it again",
    PayoutStatus.PROCESSING: "JD has it and has not finished",
    PayoutStatus.FAILED: "not paid: JD closed it, or refused the payee's data",
    PayoutStatus.PAID: "JD says that the payee was credited",
    PayoutStatus.RETURNED: "退票: paid at first, then sent back whole by the bank",
    PayoutStatus.CANCELLED: "withdrawn before it was sent",
}

#: What the person who hands in a job is told of a payout that a control holds.
HELD = "it is held: `payouts let-go` sends it, `payouts cancel` withdraws it"

#: What is shown of a payout whose sealed content opens with no key at hand.
UNREADABLE = "no key opens it"

CASE_MEANINGS = {
    CaseKind.CONTRADICTION: "JD said both that it was paid and that it was not",
    CaseKind.VANISHED: "JD does not know a trade that it told us of before",
    CaseKind.SECOND_TRADE_NO: "JD named two trades for this one number",
    CaseKind.NUMBER_TAKEN: "JD knew this number before we ever sent it",
    CaseKind.MISMATCH: "a signed message names another merchant, number, amount or currency",
    CaseKind.PARTIAL_RETURN: "a part of the amount came back",
    CaseKind.RETURN_AMOUNT: "JD reports a return of no amount, of zero, or of more than was paid",
    CaseKind.NO_RESULT: "the order is not in JD's database",
    CaseKind.NOT_FOUND: "JD has not heard of it, and it may not be sent again by itself",
    CaseKind.UNRESOLVED: (
        "JD has given no final answer, or none about the end, for the whole follow-up schedule"
    ),
    CaseKind.OVERPAYMENT: "sending it could pay more than is owed: an older payout may be kept",
    CaseKind.UNEXPECTED: "JD reports a trade for a payout that we never sent, or withdrew",
    CaseKind.STALE: "it could not be sent in time",
    CaseKind.REVIEW: "its payee is on the review list, so it was held when it was accepted",
    CaseKind.DUPLICATE: "as much was to go to the same payee shortly before, for another debt",
    CaseKind.DENIED: "its payee is on the deny list",
    CaseKind.LIMIT: "sending it would exceed a limit of its producer's",
    CaseKind.FORGOTTEN: "the restored database lacked a claim that a worker's journal has",
    CaseKind.UNREADABLE: "what is to be sent opens with no key of the keyring",
    CaseKind.TAMPERED: "its row in the database was changed, or holds what belongs elsewhere",
    CaseKind.ORPHAN: "a signed notification names a number that we do not have",
}

CASE_ADVICE = {
    CaseKind.CONTRADICTION: "Ask JD's support which is true. Do not pay it again meanwhile.",
    CaseKind.VANISHED: "Ask JD's support, naming the trade number. Do not pay it again meanwhile.",
    CaseKind.SECOND_TRADE_NO: "Look for both trades in JD's console: it may have been paid twice.",
    CaseKind.NUMBER_TAKEN: (
        "Find out who used this number, and for what, before paying again. If the database was"
        " restored, it may have been we: `payouts restored --journal` tells."
    ),
    CaseKind.MISMATCH: "Compare the order in JD's console with ours.",
    CaseKind.PARTIAL_RETURN: "Book the part that came back; replace it by at most that part.",
    CaseKind.RETURN_AMOUNT: "Look up in JD's console what came back.",
    CaseKind.NO_RESULT: "Ask JD's support, naming the order number.",
    CaseKind.NOT_FOUND: "Ask JD's support whether the order exists before it is paid again.",
    CaseKind.UNRESOLVED: "Ask JD's support, naming the order number.",
    CaseKind.OVERPAYMENT: "Look at the older payouts of this obligation before it is sent.",
    CaseKind.UNEXPECTED: "Look up in JD's console who made this trade.",
    CaseKind.STALE: (
        "Is it still wanted? Let it go or withdraw it; a refused one: send it again or end it."
    ),
    CaseKind.REVIEW: "Are payee and amount right? Let it go or withdraw it.",
    CaseKind.DUPLICATE: "Are both wanted? Let it go or withdraw it.",
    CaseKind.DENIED: (
        "Withdraw it; or take the payee off the deny list, then let it go. Do not tell the producer"
        " why."
    ),
    CaseKind.LIMIT: (
        "Does the producer want this? Let it go, once two people have raised the limit (in the"
        " sandbox at once); or withdraw it."
    ),
    CaseKind.FORGOTTEN: "JD is asked by itself; wait for its word before you pay anything instead.",
    CaseKind.UNREADABLE: ("Put the lost key back into PAYOUTS_KEYRING; else two people end it."),
    CaseKind.TAMPERED: (
        "Pause sending. Who can write to the database? Compare it with a backup; two people end it."
    ),
    CaseKind.ORPHAN: "Was the database restored? Look the number up in JD's console.",
}


_DONE = {
    Action.CANCEL: "is withdrawn; it will not be sent",
    Action.LET_GO: "is back in the queue",
    Action.RESEND: "is due to be sent again, under the same number",
    Action.FAIL: "has failed; it will not be sent again",
    Action.RELEASE: "has freed its obligation: another payout may pay it",
    Action.REPLACE: "is replaced: another payout pays its obligation",
    Action.REDIRECT: "is sent and asked about at the address of the settings from now on",
    Action.SET_ASIDE: "holds up no other payout; itself it waits for JD's word, or two people's",
    Action.DECIDE: "has ended as two people decided; nothing was sent",
    Action.RESOLVE: "stays as it is; its case is closed",
}


#: Fields of a request that may name someone, as nothing else that is shown may.
_FREE_TEXT = frozenset({"trade_subject", "return_params", "biz_trade_no"})


def difference(one: Difference) -> str:
    """
    How one field of a mended request differs; what was free text is not shown.
    """
    before = one.before or "nothing"
    if one.before and one.name in _FREE_TEXT:
        before = f"{len(one.before)} characters"
    return f"{one.name}: {shown(before)} -> {shown(one.after or 'nothing')}"


def done(action: Action, payout: Payout) -> str:
    """
    What an action did to a payout.
    """
    return f"{payout.out_trade_no} {_DONE[action]}"


def commands(case: Case, actions: Sequence[Action]) -> str:
    """
    What to type to close a case by any of these actions.
    """
    typed = {
        Action.RESOLVE: f"`payouts resolve {case.id}`",
        Action.REPLACE: f"`payouts replace {case.payout_id} FILE`",
        Action.DECIDE: f"`payouts decide {case.payout_id} --as ...`",
    }
    return ", ".join(typed.get(a, f"`payouts {a} {case.payout_id}`") for a in actions)
