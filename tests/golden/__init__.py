"""
The shapes of the JSON documents, frozen: programs read them.

A key may be added. None is removed or renamed, no type changes, no word of a fixed vocabulary goes.
`python -m tests.golden --record` writes down what was added, and refuses anything else.
"""
