"""
The HTTP API held against its own OpenAPI document: every operation, by generated requests.
"""
