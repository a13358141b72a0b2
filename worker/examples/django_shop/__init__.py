r"""
A Django app whose users withdraw their balance: copy the folder, and write your name for its own.

With it goes `producer.py`, which seals. Beside `payouts dev`, with ``pip install "django~=5.2"
joserfc "celery[redis]" standardwebhooks``::

    . ~/.local/state/payouts-dev/dev.env
    payouts producers add shop
    payouts producers keys add shop --to shop.key
    export PRODUCER_KEY=$PWD/shop.key
    export WEBHOOK_KEY=$(payouts endpoints add http://127.0.0.1:8000/payouts --private \
      --producer shop | grep -o 'whsec_.*')
    export DJANGO_SETTINGS_MODULE=worker.examples.django_shop.settings
    django-admin migrate --run-syncdb
    django-admin shell -c "Account.objects.create(balance_fen=50000)"
    django-admin relay_jobs &
    django-admin runserver 8000

Then, in another terminal::

    curl http://127.0.0.1:8000/accounts/1/withdrawals -d amount_fen=12345 -d payee_bank_code=CMB \
      -d payee_account_no=620000000000000002 -d payee_account_name=张三
    curl http://127.0.0.1:8000/accounts/1/withdrawals
"""
