"""
What the demo says before it stays: where everything is, and what to try next.
"""

import shlex

from worker.demo.handout import NUMBER, command, write_handout
from worker.demo.stack import Stack


def farewell(running: Stack, *, is_open: bool) -> str:
    """
    Write the settings and a job into the demo's folder, and return what to do with them.
    """
    settings = running.directory / "demo.env"
    job = write_handout(running, settings)
    payouts = command()
    user, _, password = running.environment["FLOWER_BASIC_AUTH"].partition(":")
    sending = "open: what is enqueued is sent at once" if is_open else "PAUSED: `payouts channel`"
    return f"""
Still running; Ctrl-C ends all of it and removes its folder.
  Flower    {running.flower_url}  (user {user}, password {password})
  sandbox   {running.sandbox_url}/sandbox/books
  receiver  {running.receiver_url}/health
  broker    {running.broker.url}
  settings  {settings}
  sending   {sending}

To pay someone yourself, in a second terminal:
  . {shlex.quote(str(settings))}
  {payouts} enqueue {shlex.quote(str(job))} --wait 10
  {payouts} show {NUMBER}
  {payouts} history {NUMBER}
  {payouts} list

`{payouts} sandbox --scenarios` prints the payee accounts with which something goes wrong."""
