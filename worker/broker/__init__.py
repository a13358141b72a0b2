"""
The queue's side: the Celery app, task and queue names, beat's schedule, and waking workers.
"""
