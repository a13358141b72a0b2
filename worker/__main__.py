"""
`python -m worker` is the `payouts` command.
"""

from worker.cli import main

main(prog_name="payouts")
