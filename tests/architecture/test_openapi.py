"""The OpenAPI document that the UI's types come from is the application's own."""

import importlib.util
from importlib.machinery import SourceFileLoader
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_ui_s_openapi_document_is_up_to_date():
    loader = SourceFileLoader("openapi_script", str(ROOT / "scripts" / "openapi"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    assert module.TARGET.read_text() == module.document(), "run scripts/openapi, then npm run types in frontend/"
