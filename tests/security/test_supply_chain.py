"""What is run is what was chosen: weights by digest, safetensors alone, no code of a model, pinned packages, a bill of them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from advisor.errors import ModelError
from advisor.retrieval.embeddings import SentenceTransformerEmbedder, packaged_model_dir
from advisor.retrieval.reranking import CrossEncoderReranker
from tests.conftest import ROOT

pytestmark = pytest.mark.owasp("LLM03")

PINS = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if line)


def copy_model(folder: Path) -> Path:
    shutil.copytree(packaged_model_dir(), folder / "model")
    return folder / "model"


@pytest.mark.slow
def test_weights_that_are_pickled_are_not_loaded(tmp_path: Path) -> None:
    """A pickle runs code when it is opened; a model without safetensors is no model here."""
    import torch  # noqa: PLC0415  seconds to import

    model = copy_model(tmp_path)
    (model / "model.safetensors").unlink()
    torch.save({"embeddings.word_embeddings.weight": torch.zeros(2, 2)}, model / "pytorch_model.bin")
    with pytest.raises(ModelError, match="cannot be loaded"):
        SentenceTransformerEmbedder(str(model))
    with pytest.raises(ModelError, match="cannot be loaded"):
        CrossEncoderReranker(str(model))


@pytest.mark.slow
@pytest.mark.parametrize("build", [SentenceTransformerEmbedder, CrossEncoderReranker])
def test_code_that_comes_with_a_model_is_not_run(tmp_path: Path, build: type) -> None:
    model = copy_model(tmp_path)
    touched = tmp_path / "touched"
    code = f"open({str(touched)!r}, 'w').write('run')\nclass Evil: ...\nclass EvilConfig: ...\n"
    (model / "evil.py").write_text(code)
    modules = [{"idx": 0, "name": "0", "path": "", "type": "evil.Evil"}]
    (model / "modules.json").write_text(json.dumps(modules))
    config = json.loads((model / "config.json").read_text())
    config |= {"auto_map": {"AutoModel": "evil.Evil", "AutoConfig": "evil.EvilConfig"}, "model_type": "evil"}
    (model / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="cannot be loaded"):
        build(str(model))
    assert not touched.exists()


def test_whatever_make_installs_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    pinned = {_normalise(name) for name in PINS}
    named = {_normalise(re.split(r"[\[<>=~! ]", name)[0]) for name in wanted}
    assert sorted(named - pinned) == []
    assert all(re.fullmatch(r"[\w.+!]+", version) for version in PINS.values())


def _normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_models_and_packages_are_looked_for_offline() -> None:
    assert re.search(r"^export HF_HUB_OFFLINE = 1$", (ROOT / "Makefile").read_text(), re.M)


def test_the_audit_is_not_part_of_what_must_pass_without_a_network() -> None:
    assert "make audit" not in (ROOT / ".ci" / "run").read_text()
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert "audit" not in str(hooks)


@pytest.mark.slow
def test_the_bill_of_materials_lists_what_is_pinned(tmp_path: Path) -> None:
    target = tmp_path / "sbom.json"
    command = ["make", "sbom", f"VENV={sys.prefix}", f"PYTHON={sys.executable}", f"SBOM={target}"]
    subprocess.run([*command, f"--assume-old={sys.prefix}/.ready"], cwd=ROOT, check=True, capture_output=True)
    bill = json.loads(target.read_text())
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "operating-model-advisor"
    listed = {_normalise(part["name"]): part["version"] for part in bill["components"]}
    assert listed["chromadb"] == PINS["chromadb"]
    assert len(listed) > 100
