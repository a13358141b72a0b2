"""
What `django-admin` can do here.
"""
