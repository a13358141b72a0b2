"""
The whole product on one machine: real processes, play money, every scenario, and an audit.
"""
