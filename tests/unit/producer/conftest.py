"""
Key files as an operator hands them over.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

WriteKey = Callable[[object], str]


@pytest.fixture
def written(tmp_path: Path) -> WriteKey:
    """
    Write a key file that nobody else may read; its path.
    """

    def write(content: Any) -> str:
        path = tmp_path / "shop.key"
        path.touch(0o600)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    return write
