"""
What the developer's stack says when it is ready: where everything is, and what to type next.
"""

import shlex

from worker.demo.handout import NUMBER, command, write_handout
from worker.demo.stack import Stack


def welcome(running: Stack, seconds: float) -> str:
    """
    Write the settings and a job into the stack's folder, and return what to do with them.
    """
    settings = running.directory / "dev.env"
    job = write_handout(running, settings)
    payouts = command()
    return f"""
Ready after {seconds:.1f} s. Ctrl-C ends it and keeps all; --reset begins with nothing.
  broker    {running.broker.url}  (task payouts.enqueue, queue payouts.entry)
  receiver  {running.environment["PAYOUTS_NOTIFY_URL"]}
  sandbox   {running.sandbox_url}/sandbox/books
  settings  {settings}
  logs      {running.directory}/*.log

In a second terminal:
  . {shlex.quote(str(settings))}
  {payouts} enqueue {shlex.quote(str(job))} --wait 10
  {payouts} events list --number {NUMBER}
  {payouts} trigger returned

In a third, to see events as they come, and to have your own server hear them:
  . {shlex.quote(str(settings))}
  {payouts} events listen --forward http://127.0.0.1:8000/hook"""
