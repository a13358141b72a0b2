"""
The wire alone: ``python -m tests.bench.bare_loop`` pays a number after the other in one process.

The numbers come on standard input; what goes out, once they are paid, is the seconds it took.
"""

import sys
import time

from tests.bench.unsafe_task import pay


def main() -> None:
    """
    Pay every number.
    """
    first, *numbers = sys.stdin.read().split()
    pay(first)  # reads the certificates
    start = time.perf_counter()
    for number in numbers:
        pay(number)
    sys.stdout.write(f"{time.perf_counter() - start}\n")


if __name__ == "__main__":
    main()
