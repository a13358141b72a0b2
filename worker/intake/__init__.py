"""
Ways in for a job: its fields and their rules, and the entry message. Every one ends in acceptance.
"""
