"""
Applications that pay out, to be copied: docs/developing.md of the product says how to run each.

None imports the rest of the product: an application speaks to it by its queue, its HTTP API and its
events alone.
"""
