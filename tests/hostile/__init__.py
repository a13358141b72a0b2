"""
Hostile wire: ``python -m tests.hostile --messages 100000 --seed 1``.

Replies and notifications that nobody in his right mind would send, through the reader, the service
and the receiver. What is signed is signed here, by code of its own.
"""
