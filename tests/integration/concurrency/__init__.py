"""
Several processes at one database: what each of them may count on.
"""
