"""
The Celery tasks.
"""
