"""
Telling a producer's own server what happened, in the form of Standard Webhooks.
"""
