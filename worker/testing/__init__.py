"""
A plugin for pytest, for applications that pay out: name it in a test suite's root `conftest.py`.

::

    pytest_plugins = ["worker.testing.plugin"]
"""
