"""What is measured here is what a person gets."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def short_flows() -> None:
    """Leave flows all of their steps, which the tests shorten."""
