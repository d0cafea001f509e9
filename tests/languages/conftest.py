"""Fixtures for the tests of single languages."""

import pytest

from support.run_language import toolchain


@pytest.fixture(scope="session")
def tools(tmp_path_factory):
    return toolchain(tmp_path_factory.mktemp("languages"))
