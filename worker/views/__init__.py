"""
What people and programs are shown: JSON documents, and texts for people.
"""
