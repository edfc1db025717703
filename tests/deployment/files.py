"""Reads the files of `deploy/` as what starts containers would."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import ROOT, missing

DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SECRETS = tuple(re.findall(r"^(\w+)=", (DEPLOY / ".env.example").read_text(), re.M))
_REQUIRED = re.compile(r"\$\{(\w+):\?[^}]+\}")


def fill(value: Any, secrets: Mapping[str, str]) -> str:
    """Return a value of the compose file as a container sees it."""
    return _REQUIRED.sub(lambda found: secrets[found[1]], str(value)).replace("$$", "$")


def fill_environment(service: str, secrets: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a service."""
    return {name: fill(value, secrets) for name, value in SERVICES[service]["environment"].items()}


def fill_proxy(*, token: str, address: str) -> str:
    """Return the configuration of the proxy as the nginx image makes it of the template."""
    template = (DEPLOY / "chroma-proxy.conf").read_text()
    return template.replace("${ADVISOR_CHROMA_TOKEN}", token).replace("${CHROMA_ADDRESS}", address)


def read_instructions(stage: int) -> list[tuple[str, str]]:
    """Return name and arguments of each instruction of a stage of the Dockerfile."""
    text = re.sub(r"\\\n\s*", " ", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.M))
    found = [(name, rest.strip()) for name, rest in re.findall(r"^([A-Z]+) +(.+)$", text, re.M)]
    starts = [place for place, (name, _) in enumerate(found) if name == "FROM"] + [len(found)]
    return found[starts[stage] : starts[stage + 1]]


def read_image_environment() -> dict[str, str]:
    """Return the variables that the image sets."""
    lines = " ".join(rest for name, rest in read_instructions(1) if name == "ENV")
    return dict(re.findall(r"(\w+)=(\S+)", lines))


def read_health_check() -> list[str]:
    """Return the command by which the image finds whether it is well."""
    line = next(rest for name, rest in read_instructions(1) if name == "HEALTHCHECK")
    command: list[str] = json.loads(line[line.index("[") :])
    return command


def read_manifests() -> dict[str, dict[str, Any]]:
    """Return the objects for Kubernetes by kind and name."""
    found = {}
    for file in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
        for document in yaml.safe_load_all(file.read_text()):
            found[f"{document['kind']}/{document['metadata']['name']}"] = document
    return found


def find_program(name: str) -> str:
    """Return the path of a program; skip, or fail in CI, where it is not installed."""
    places = [str(Path(sys.executable).parent), "/usr/sbin"]
    found = shutil.which(name) or next((path for place in places if (path := shutil.which(name, path=place))), None)
    if found is None:
        missing(name)
    return str(found)
