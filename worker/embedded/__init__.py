"""
A broker and a database of our own: real servers from installed packages, run as child processes.
"""
