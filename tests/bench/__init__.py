"""
How fast the product is: each figure beside what bounds it, all of them taken in one run.

``python -m tests.bench`` runs the benchmarks, a module each. What they must know of the product's
inside is in `product` alone; for the rest they use its commands, its Procfile, its settings, the
names of its tasks, and SQL.
"""
