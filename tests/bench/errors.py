class CannotMeasure(Exception):
    """
    A benchmark came to no figures; the message says what failed, and shows what it said.
    """
