"""
What can be asked of a payout: tasks, commands and the receiver all call these, and nothing else.

Each use case decides with the pure functions of `payouts.policy` and writes through a port, one
guarded transaction a step.
"""
