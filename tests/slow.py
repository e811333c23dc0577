"""Tests that wait for real time to pass, because that is what they are about."""

from __future__ import annotations

import os

import pytest

slow = pytest.mark.skipif(
    os.environ.get("FAIRLEAD_TEST_REAL") != "required",
    reason="waits for half a minute or more; `make test-real` runs it",
)
