"""
When this message arrives, do that use case.

Thin by rule: a task finds the service, calls it, and translates what came of it for Celery.
"""
