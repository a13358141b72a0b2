"""
The HTTP API: applications hand payouts over, and look at their own. Each is a process of its own.
"""
