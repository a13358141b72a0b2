"""
The examples that the product ships, as applications that pay out.
"""
