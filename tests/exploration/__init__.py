"""
All short histories: whatever a few letters can spell is done to the real use cases, breadth first.
"""
