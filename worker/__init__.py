"""
The payout worker.
"""
