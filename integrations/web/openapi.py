"""Prints the description of the API (`python -m integrations.web.openapi`); clients rely on the file beside it."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any, cast

from advisor.settings import Settings
from integrations.metrics import PrometheusMeter
from integrations.web.app import create_app

FILE = Path(__file__).with_name("openapi.json")


def describe_api() -> dict[str, Any]:
    """Return the description; it depends on no setting and on no data."""
    nothing = cast("Any", None)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), _env_file=None)
        app = create_app(settings, nothing, nothing, keys=nothing, meter=PrometheusMeter(), check_ready=lambda: None)
    return app.openapi()


if __name__ == "__main__":
    json.dump(describe_api(), sys.stdout, indent=1, ensure_ascii=False, sort_keys=True)
    sys.stdout.write("\n")
