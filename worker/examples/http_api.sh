#!/bin/sh
# Pays out over the HTTP API with curl: copy it.
#
# While `payouts dev` runs, in a second terminal, in the folder of your copy:
#
#   . ~/.local/state/payouts-dev/dev.env
#   payouts api --accept & payouts api --read &
#   export ACCEPT=$(payouts tokens issue unsealed --scope accept)
#   export READ=$(payouts tokens issue unsealed --scope read)
#   sh http_api.sh pay ~/.local/state/payouts-dev/job.json
#   sh http_api.sh show TRYIT0001
#   sh http_api.sh list status=paid
#   sh http_api.sh events
#   sh http_api.sh cancel TRYIT0001
#
# What is printed is JSON. The exit code is 0 where it was done, 22 where it was refused: then the
# JSON says why. Anything else says nothing: do the same again.
set -eu
accepts=${PAYOUTS_ACCEPT_URL:-http://127.0.0.1:8001}
reads=${PAYOUTS_READ_URL:-http://127.0.0.1:8002}

# The token goes by a pipe: everyone on the machine can read a command line. What got no answer is
# asked again, which is safe for a payout too, since its number is the key of the request.
call() {
  token=$1
  shift
  printf 'Authorization: Bearer %s\n' "$token" |
    curl --silent --show-error --fail-with-body --write-out '\n' --max-time 15 \
      --retry 3 --retry-connrefused --header @- "$@"
}

case ${1-} in
  pay) # FILE: it holds a job
    call "$ACCEPT" --header 'Content-Type: application/json' --data-binary "@$2" \
      "$accepts/v1/payouts"
    ;;
  cancel) # NUMBER: it must not have been sent
    call "$ACCEPT" --request POST "$accepts/v1/payouts/$2/cancel"
    ;;
  show) # NUMBER
    call "$READ" "$reads/v1/payouts/$2"
    ;;
  list) # [NAME=VALUE...]: status=paid, limit=10, cursor=...
    shift
    for pair in "$@"; do
      set -- "$@" --data-urlencode "$pair"
      shift
    done
    call "$READ" --get "$@" "$reads/v1/payouts"
    ;;
  events) # [AFTER]: `next_after` of the answer before
    call "$READ" "$reads/v1/events?after=${2-0}"
    ;;
  *)
    echo 'usage: http_api.sh pay FILE | cancel NUMBER | show NUMBER | list [NAME=VALUE...] | events [AFTER]' >&2
    exit 2
    ;;
esac
