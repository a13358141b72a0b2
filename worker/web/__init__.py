"""
What the outside reaches by HTTP: JD's notifications, and a health check.
"""
