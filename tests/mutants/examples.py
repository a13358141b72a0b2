"""
Guards of the examples: whoever copies them copies these.
"""

from tests.mutants.guard import Change, Guard

_OUTBOX = "worker/examples/django_shop/withdrawals.py"
_VIEWS = "worker/examples/django_shop/views.py"
_FLASK = "worker/examples/flask_shop.py"
_CELERY = "worker/examples/celery_alone.py"

_DJANGO_TESTS = "tests/examples/test_django.py"
_FLASK_TESTS = "tests/examples/test_flask.py"
_CELERY_TESTS = "tests/examples/test_celery_alone.py"

#: A line of each example by which it tells one event from another, and what tells them no more.
_FREED = {
    _OUTBOX: 'event["type"] == "obligation.freed" and not payout',
    _FLASK: 'event["type"] == "obligation.freed" and not found',
    _CELERY: 'is_freed = event["type"] == "obligation.freed"',
}
_NEW = {
    _OUTBOX: "if not is_new or payout is None",
    _FLASK: "if not is_new or found is None",
    _CELERY: "if not is_new or found is None",
}
_ORDER = {
    _OUTBOX: '(data["epoch"], data["version"]) >= (payout.epoch, payout.version)',
    _FLASK: '(data["epoch"], data["version"]) < (found["epoch"], found["version"])',
    _CELERY: '(data["epoch"], data["version"]) >= (found["epoch"], found["version"])',
}
_RULES = {
    _OUTBOX: f"{_DJANGO_TESTS}::test_it_keeps_the_rules",
    _FLASK: f"{_FLASK_TESTS}::test_it_keeps_the_rules",
    _CELERY: f"{_CELERY_TESTS}::test_it_keeps_the_rules",
}
_DEATHS = "tests/examples/test_deaths.py"
_WEBHOOK_DEATHS = f"{_DEATHS}::test_a_webhook_that_dies_at_each_effect_hears_all_in_order"
_QUEUE_DEATHS = f"{_DEATHS}::test_a_queues_worker_that_dies_at_each_effect_hears_all"
_TAKEN_DEATHS = f"{_DEATHS}::test_what_a_worker_had_just_taken_is_heard_when_it_starts_again"
_POOL_DEATHS = f"{_DEATHS}::test_a_pool_whose_process_is_killed_over_an_event_hears_it"

#: Where each example stores an event's id, and what would do that in a transaction of its own.
_ID = {
    _OUTBOX: Change(
        _OUTBOX,
        """    with transaction.atomic():
        _, is_new = HeardEvent.objects.get_or_create(id=event["id"])
""",
        """    _, is_new = HeardEvent.objects.get_or_create(id=event["id"])
    with transaction.atomic():
""",
    ),
    **{
        path: Change(
            path,
            ' VALUES (?)", [event["id"]]).rowcount\n',
            ' VALUES (?)", [event["id"]]).rowcount\n'
            '        db.execute("COMMIT")\n'
            '        db.execute("BEGIN IMMEDIATE")\n',
        )
        for path in (_FLASK, _CELERY)
    },
}
_SHORT = {_OUTBOX: "django", _FLASK: "flask", _CELERY: "celery"}

GUARDS = (
    *(
        Guard(
            f"{_SHORT[path]}-gives-back-what-is-freed-alone",
            "A user would be given back what JD may yet pay out, and asks for it again.",
            (Change(path, text, text.replace('== "obligation.freed"', '!= "payout.paid"')),),
            (_RULES[path],),
        )
        for path, text in _FREED.items()
    ),
    *(
        Guard(
            f"{_SHORT[path]}-is-told-once",
            "An event that comes again would undo what came after it.",
            (Change(path, text, text.replace("not is_new or ", "")),),
            (_RULES[path],),
        )
        for path, text in _NEW.items()
    ),
    *(
        Guard(
            f"{_SHORT[path]}-is-not-overtaken",
            "A user would be given back what was paid since.",
            (Change(path, text, "False" if "<" in text else "True"),),
            (_RULES[path],),
        )
        for path, text in _ORDER.items()
    ),
    *(
        Guard(
            f"{_SHORT[path]}-stores-an-id-with-its-work",
            "Killed in between, it would never give a user back what is freed.",
            (change,),
            (_QUEUE_DEATHS if path == _CELERY else _WEBHOOK_DEATHS,),
        )
        for path, change in _ID.items()
    ),
    Guard(
        "django-answers-after-the-commit",
        "Killed after its yes, it would never give a user back what is freed.",
        (
            Change(
                _VIEWS,
                "    hear(event)\n    return HttpResponse(status=204)",
                "    answer = HttpResponse(status=204)\n"
                "    answer._resource_closers.append(lambda: hear(event))\n"
                "    return answer",
            ),
        ),
        (_WEBHOOK_DEATHS,),
    ),
    Guard(
        "flask-answers-after-the-commit",
        "Killed after its yes, it would never give a user back what is freed.",
        (
            Change(
                _FLASK,
                '    hear(event)\n    return "", 204',
                '    answer = app.make_response(("", 204))\n'
                "    answer.call_on_close(lambda: hear(event))\n"
                "    return answer",
            ),
        ),
        (_WEBHOOK_DEATHS,),
    ),
    Guard(
        "celery-acknowledges-after-the-commit",
        "Killed after it, it would never know that what is freed may be paid again.",
        (Change(_CELERY, "acks_late=True, "),),
        (_POOL_DEATHS,),
    ),
    Guard(
        "celery-catches-up",
        "What a killed worker had just taken would never be given back.",
        (Change(_CELERY, 'app.steps["consumer"].add(CatchUp)\n'),),
        (_TAKEN_DEATHS,),
    ),
    Guard(
        "celery-has-caught-up-once-all-is-heard",
        "Killed while it catches up, it would never hear the rest of a page.",
        (
            Change(_CELERY, '        for event in page["events"]:\n            hear(event)\n'),
            Change(
                _CELERY,
                'INTO caught_up VALUES (1, ?, ?)", read)\n',
                'INTO caught_up VALUES (1, ?, ?)", read)\n'
                '        for event in page["events"]:\n            hear(event)\n',
            ),
        ),
        (f"{_DEATHS}::test_a_worker_that_dies_at_each_effect_of_catching_up_hears_all_in_order",),
    ),
    Guard(
        "celery-notices-that-positions-are-given-again",
        "After a restore it would miss that something was freed, or paid.",
        (Change(_CELERY, "        page = happened_after(0)\n", "        pass\n"),),
        (f"{_CELERY_TESTS}::test_it_begins_anew_once_a_database_was_put_back",),
    ),
    Guard(
        "celery-does-not-pass-a-refusal-over",
        "It would wait for ever for what it is not told, and seem to be a worker that hears.",
        (Change(_CELERY, "if isinstance(fault, HTTPError) and fault.code < 500:", "if False:"),),
        (f"{_CELERY_TESTS}::test_a_worker_that_is_refused_ends_with_a_word",),
    ),
    Guard(
        "celery-gives-back-what-a-pool-lost",
        "Killed over it, it would never know that what is freed may be paid again.",
        (Change(_CELERY, "reject_on_worker_lost=True, "),),
        (_POOL_DEATHS,),
    ),
    Guard(
        "django-gives-back-once",
        "An obligation that is freed anew would be given back a second time.",
        (Change(_OUTBOX, " and not payout.is_given_back"),),
        (_RULES[_OUTBOX],),
    ),
    Guard(
        "flask-gives-back-once",
        "An obligation that is freed anew would be given back a second time.",
        (Change(_FLASK, ' and not found["is_given_back"]'),),
        (_RULES[_FLASK],),
    ),
    Guard(
        "django-believes-what-is-signed",
        "Whoever finds the address could have balances given back.",
        (
            Change(
                _VIEWS,
                "Webhook(settings.WEBHOOK_KEY).verify(request.body, dict(request.headers))",
                '__import__("json").loads(request.body)',
            ),
        ),
        (f"{_DJANGO_TESTS}::test_what_is_not_signed_is_not_believed",),
    ),
    Guard(
        "flask-believes-what-is-signed",
        "Whoever finds the address could have balances given back.",
        (
            Change(
                _FLASK,
                "verifier.verify(request.get_data(), dict(request.headers))",
                "json.loads(request.get_data())",
            ),
        ),
        (f"{_FLASK_TESTS}::test_what_is_not_signed_is_not_believed",),
    ),
    Guard(
        "django-takes-balance-and-job-together",
        "A balance would be lowered for a payout that nobody ever makes.",
        (
            Change(
                _OUTBOX,
                "    with transaction.atomic():\n        enough",
                "    if True:\n        enough",
            ),
        ),
        (f"{_DJANGO_TESTS}::test_the_job_is_part_of_the_applications_transaction",),
    ),
    Guard(
        "django-marks-what-was-sent",
        "A job that no broker took would wait as if one had.",
        (
            Change(_OUTBOX, "        send(job)\n"),
            Change(_OUTBOX, "        sent += 1\n", "        send(job)\n        sent += 1\n"),
        ),
        (f"{_DJANGO_TESTS}::test_a_broker_that_is_down_loses_nothing",),
    ),
    Guard(
        "flask-keeps-a-job-until-it-is-answered",
        "What got no clear answer would be forgotten, and its user be neither paid nor told.",
        (
            Change(_FLASK, "except (Refused, Unusable) as", "except (Refused, Undecided) as"),
            Change(_FLASK, "except Undecided as", "except Unusable as"),
        ),
        (f"{_FLASK_TESTS}::test_a_key_that_is_not_known_is_no_no",),
    ),
)
