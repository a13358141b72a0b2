"""
The whole service as one Hypothesis state machine, with a virtual clock and a model of JD's books.
"""
