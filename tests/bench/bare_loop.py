"""
The wire alone: ``python -m tests.bench.bare_loop`` pays a number after the other in one process.

The numbers come on standard input; what goes out, once they are paid, is the seconds that it took
and those of its own CPU time.
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
    start, busy = time.perf_counter(), time.process_time()
    for number in numbers:
        pay(number)
    sys.stdout.write(f"{time.perf_counter() - start} {time.process_time() - busy}\n")


if __name__ == "__main__":
    main()
