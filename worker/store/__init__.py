"""
Where payouts are kept: SQLAlchemy Core over SQLite or PostgreSQL, payee data sealed.
"""
