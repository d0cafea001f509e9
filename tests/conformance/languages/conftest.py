"""Fixtures for every test that holds for every language."""

from pathlib import Path

import pytest

from support.run_language import toolchain
from windlass.languages import registry

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture(scope="session")
def tools(tmp_path_factory):
    return toolchain(tmp_path_factory.mktemp("languages"))


@pytest.fixture(params=registry.names())
def language(request):
    return registry.get(request.param)


@pytest.fixture
def sample(language):
    """The code of one of the language's samples, by its name."""
    return lambda name: (SAMPLES / language.name / f"{name}.{language.extension}").read_text()
