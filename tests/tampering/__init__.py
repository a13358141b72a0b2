"""
Whoever writes to the database beside us and holds no key, column by column.
"""
