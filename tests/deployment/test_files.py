"""The files of `deploy/` hold together: among themselves, with the settings, and with what their formats allow."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import Any

import compose_spec
import kubernetes_validate
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from advisor.settings import Settings
from integrations.serve import SHUTDOWN_SECONDS
from tests.conftest import ROOT
from tests.deployment.files import (
    COMPOSE,
    DEPLOY,
    DOCKERFILE,
    SECRETS,
    SERVICES,
    fill_environment,
    fill_proxy,
    find_program,
    read_health_check,
    read_image_environment,
    read_instructions,
    read_manifests,
)

SETTINGS = {f"ADVISOR_{name.upper()}" for name in Settings.model_fields}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ROUTES = json.loads((ROOT / "integrations" / "web" / "openapi.json").read_text())["paths"]
OURS = f"operating-model-advisor:{PROJECT['version']}"
PORT = str(Settings.model_fields["port"].default)
USER = "10001"
MANIFESTS = read_manifests()
CLUSTERS = ("1.31", "1.34")
EXPORTERS = {"torch", "sentence-transformers", "onnx"}
SECRET = re.compile(r"PASSWORD|TOKEN|SECRET|_KEY$|AUTH$|DATABASE_URL|REDIS_URL")
DOCUMENT = (ROOT / "docs" / "deployment.md").read_text()


def find_pods() -> dict[str, dict[str, Any]]:
    """Return what each workload makes pods of."""
    pods = {}
    for name, manifest in MANIFESTS.items():
        spec = manifest.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "template" in spec:
            pods[name] = spec["template"]
    return pods


PODS = find_pods()
CONTAINERS = [(name, container) for name, pod in PODS.items() for container in pod["spec"]["containers"]]


# The image


def test_hadolint_finds_nothing() -> None:
    done = subprocess.run(
        [find_program("hadolint"), str(DEPLOY / "Dockerfile")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_runs_as_a_fixed_user_who_is_not_root() -> None:
    names = [name for name, _ in read_instructions(1)]
    assert ("USER", f"{USER}:{USER}") in read_instructions(1)
    assert names.index("USER") > names.index("RUN")
    assert f"--uid {USER} " in DOCKERFILE
    assert "COPY . " not in DOCKERFILE


def test_the_image_is_made_of_files_that_are_there_and_are_sent_to_the_builder() -> None:
    copied = [rest.split()[:-1] for name, rest in read_instructions(0) if name == "COPY"]
    sent = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.M)
    assert set(chain.from_iterable(copied)) == set(sent)
    for name in sent:
        assert (ROOT / name).exists(), name
    included = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {*included["packages"], *included["force-include"], PROJECT["readme"]} <= set(sent)


def test_the_image_listens_and_writes_where_the_other_files_expect_it() -> None:
    told = read_image_environment()
    assert {name for name in told if name.startswith("ADVISOR_")} <= SETTINGS
    assert (told["ADVISOR_PORT"], told["ADVISOR_HOST"], told["ADVISOR_DATA_DIR"]) == (PORT, "0.0.0.0", "/data")
    assert ("EXPOSE", PORT) in read_instructions(1)
    assert ("VOLUME", '["/data"]') in read_instructions(1)
    path = re.search(r"'(/\w+)'", read_health_check()[-1])
    assert path is not None
    assert path[1] in ROUTES


def test_the_extras_of_the_image_exist() -> None:
    found = re.search(r"'\.\[([\w,]+)\]'", DOCKERFILE)
    assert found is not None
    assert set(found[1].split(",")) <= set(PROJECT["optional-dependencies"])


def list_needed(extras: tuple[str, ...], without: set[str]) -> set[str]:
    """Return every package that the advisor needs with some extras, not passing through those left out."""
    seen: set[tuple[str, tuple[str, ...]]] = set()
    waiting = [(canonicalize_name(PROJECT["name"]), extras)]
    while waiting:
        name, wanted = entry = waiting.pop()
        if name in without or entry in seen:
            continue
        seen.add(entry)
        for line in metadata.requires(name) or ():
            need = Requirement(line)
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in wanted or ("",)):
                waiting.append((canonicalize_name(need.name), tuple(sorted(need.extras))))
    return {name for name, _ in seen}


def find_removed() -> set[str]:
    found = re.search(r"pip uninstall --yes ((?:.|\n)*?)&&", DOCKERFILE)
    assert found is not None
    return set(found[1].replace("\\", " ").split())


def test_what_leaves_the_image_is_what_only_the_export_of_the_model_needs() -> None:
    extras = ("mcp", "openai", "postgres", "redis")
    only = list_needed(extras, set()) - list_needed(extras, EXPORTERS)
    of_cuda = {name for name in only if name.startswith(("nvidia", "cuda", "triton"))}
    assert find_removed() == only - of_cuda


@pytest.mark.slow
def test_the_advisor_answers_and_serves_without_what_left_the_image(indexed: Settings, tmp_path: Path) -> None:
    modules = metadata.packages_distributions()
    gone = {
        module for module, owners in modules.items() if {canonicalize_name(owner) for owner in owners} & find_removed()
    }
    assert {"torch", "sentence_transformers", "onnx", "scipy"} <= gone
    script = f"""
import sys
from pathlib import Path
for name in {sorted(gone)}:
    sys.modules[name] = None
from advisor import bootstrap
from advisor.domain.identity import LOCAL_CALLER
from advisor.settings import Settings
from integrations.serve import create_application
database = "sqlite:///{tmp_path}/t.sqlite"
settings = Settings(data_dir=Path({str(indexed.data_dir)!r}), database_url=database, _env_file=None)
assert bootstrap.prepare_index(settings).unchanged
answer = bootstrap.build_advisor(settings).ask(LOCAL_CALLER, "How long should a shadow period be?")
print(answer.outcome.value, "/readyz" in create_application(settings).openapi()["paths"])
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "answered True\n", done.stderr


# Compose


def test_the_compose_file_is_one() -> None:
    compose_spec.PyCompose.from_json(json.dumps(COMPOSE)).validate()
    broken = {**COMPOSE, "services": {**SERVICES, "redis": {**SERVICES["redis"], "networks": ["nowhere"]}}}
    with pytest.raises(ValueError, match="nowhere"):
        compose_spec.PyCompose.from_json(json.dumps(broken)).validate()


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_can_do_as_little_as_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].split(":")[0] not in {"0", "root"}
    assert {"mem_limit", "pids_limit", "healthcheck" if name != "advisor" else "build"} <= set(service)
    assert "privileged" not in service


def test_images_are_pinned_and_ours_is_this_version() -> None:
    images = {service["image"] for service in SERVICES.values()}
    images |= {container["image"].removeprefix("registry.example.com/") for _, container in CONTAINERS}
    images |= {rest.split()[0] for stage in (0, 1) for name, rest in read_instructions(stage) if name == "FROM"}
    for image in images:
        assert re.search(r":\d+\.\d+(\.\d+)?(-[\w.]+)*$", image), image
    assert {image for image in images if "advisor" in image} == {OURS}
    assert len({image.partition(":")[0] for image in images}) == len(images)  # one version of each
    assert f"--tag {OURS} " in DOCKERFILE
    assert f"--tag {OURS} " in DOCUMENT


def test_environments_name_settings_and_hold_no_secret() -> None:
    for name, service in SERVICES.items():
        given = service.get("environment", {})
        assert {variable for variable in given if variable.startswith("ADVISOR_")} <= SETTINGS, name
        for variable, value in given.items():
            if SECRET.search(variable) and not variable.endswith("FILTER"):
                assert re.search(r"\$\{\w+:\?", value), f"{name}: {variable}"
    used = set(re.findall(r"\$\{(\w+)", json.dumps(COMPOSE)))
    assert used == set(SECRETS)
    assert set(re.findall(r"^\w+=(.*)$", (DEPLOY / ".env.example").read_text(), re.M)) == {""}


def test_the_settings_read_the_environment_of_the_compose_file(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in fill_environment("advisor", dict.fromkeys(SECRETS, "x" * 32)).items():
        monkeypatch.setenv(name, value)
    settings = Settings(_env_file=None)
    assert (settings.port, settings.local_access, str(settings.data_dir)) == (int(PORT), False, "/data")
    assert settings.chroma_token.get_secret_value() == "x" * 32


def test_nothing_but_the_proxy_reaches_chroma_and_nothing_but_this_machine_the_advisor() -> None:
    on = {
        network: {name for name, service in SERVICES.items() if network in service["networks"]}
        for network in COMPOSE["networks"]
    }
    assert on["vectors"] == {"chroma", "chroma-proxy"}
    assert SERVICES["chroma"]["networks"] == ["vectors"]
    assert not {"chroma", "chroma-proxy", "postgres", "redis"} & on["front"]
    assert COMPOSE["networks"]["vectors"]["internal"] is COMPOSE["networks"]["back"]["internal"] is True
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"advisor": [f"127.0.0.1:{PORT}:{PORT}"]}
    assert not any("network_mode" in service for service in SERVICES.values())


def test_addresses_in_the_compose_file_lead_somewhere() -> None:
    given = fill_environment("advisor", dict.fromkeys(SECRETS, "x"))
    hosts = {
        re.sub(r"^.*[@/]", "", value.split("://")[1].rpartition("/")[0] or value.split("://")[1])
        for value in given.values()
        if "://" in value
    }
    assert hosts == {"postgres:5432", "redis:6379", "chroma-proxy:8080"}
    assert SERVICES["chroma-proxy"]["environment"]["CHROMA_ADDRESS"] == f"chroma:{SERVICES['chroma']['command'][-1]}"
    assert "listen 8080;" in (DEPLOY / "chroma-proxy.conf").read_text()
    for name, service in SERVICES.items():
        for other in service.get("depends_on", ()):
            assert other in SERVICES, f"{name} waits for {other}"


def test_one_service_writes_the_index_and_all_others_read_it() -> None:
    mounts = {
        name: mount for name, service in SERVICES.items() for mount in service.get("volumes", ()) if "index" in mount
    }
    assert mounts == {"ingest": "index:/data", "advisor": "index:/data:ro", "slack": "index:/data:ro"}


def test_a_stop_waits_for_open_answers() -> None:
    for name in ("advisor", "slack"):
        assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) > SHUTDOWN_SECONDS
    for name in ("Deployment/advisor", "Deployment/advisor-slack"):
        spec = PODS[name]["spec"]
        before = spec["containers"][0].get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert spec["terminationGracePeriodSeconds"] > SHUTDOWN_SECONDS + before


def test_what_compose_mounts_is_there() -> None:
    for service in SERVICES.values():
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            assert (DEPLOY / source).is_file() if source.startswith(".") else source in COMPOSE["volumes"]


# The proxy


def test_nginx_takes_the_configuration_of_the_proxy(tmp_path: Path) -> None:
    (tmp_path / "proxy.conf").write_text(fill_proxy(token="0a" * 32, address="127.0.0.1:8000"))
    http = f"include {tmp_path}/proxy.conf; access_log off;"
    main = f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{ {http} }}\n"
    (tmp_path / "nginx.conf").write_text(main)
    command = [
        find_program("nginx"),
        "-t",
        "-q",
        "-e",
        "stderr",
        "-p",
        str(tmp_path),
        "-c",
        str(tmp_path / "nginx.conf"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "emerg" not in done.stderr


def test_the_proxy_is_told_what_its_template_asks_for() -> None:
    asked = set(re.findall(r"\$\{(\w+)\}", (DEPLOY / "chroma-proxy.conf").read_text()))
    told = SERVICES["chroma-proxy"]["environment"]
    assert asked <= set(told)
    proxy = next(container for _, container in CONTAINERS if container["name"] == "proxy")
    assert asked <= {entry["name"] for entry in proxy["env"]}
    pattern = told["NGINX_ENVSUBST_FILTER"].replace("$$", "$")
    assert {name for name in told if re.match(pattern, name)} == asked
    assert pattern in {entry.get("value") for entry in proxy["env"]}


# Kubernetes


@pytest.mark.parametrize("version", CLUSTERS)
@pytest.mark.parametrize("name", MANIFESTS)
def test_a_cluster_takes_each_manifest(name: str, version: str) -> None:
    kubernetes_validate.validate(MANIFESTS[name], version, strict=True)


def test_a_cluster_would_not_take_just_anything() -> None:
    broken = json.loads(json.dumps(MANIFESTS["Deployment/advisor"]))
    broken["spec"]["template"]["spec"]["containers"][0]["resource"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, CLUSTERS[0], strict=True)


@pytest.mark.parametrize("name", PODS)
def test_each_pod_can_do_as_little_as_it_needs(name: str) -> None:
    spec = PODS[name]["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False  # else a Service named advisor sets ADVISOR_PORT to tcp://...
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == int(USER)
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])
        assert "memory" in container["resources"]["limits"]
        assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}


def test_probes_and_services_lead_to_what_listens() -> None:
    for name, container in CONTAINERS:
        ports = {port["name"]: port["containerPort"] for port in container.get("ports", ())}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            if name == "Deployment/advisor":
                assert container[probe]["httpGet"]["path"] in ROUTES
            for way in container.get(probe, {}).values():
                assert not isinstance(way, dict) or way["port"] in ports, f"{name}: {probe}"
    web = dict(CONTAINERS)["Deployment/advisor"]
    assert web["ports"] == [{"name": "http", "containerPort": int(PORT)}]
    assert web["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert web["livenessProbe"]["httpGet"]["path"] == "/healthz"
    chroma = MANIFESTS["Service/advisor-chroma"]
    address = f"http://{chroma['metadata']['name']}:{chroma['spec']['ports'][0]['port']}"
    assert MANIFESTS["ConfigMap/advisor"]["data"]["ADVISOR_CHROMA_URL"] == address
    server = next(container for _, container in CONTAINERS if container["name"] == "chroma")
    assert server["args"][server["args"].index("--host") + 1] == "127.0.0.1"
    assert "ports" not in server


def selectors() -> Iterator[tuple[str, dict[str, str]]]:
    for name, manifest in MANIFESTS.items():
        spec = manifest.get("spec", {})
        if manifest["kind"] == "Service":
            yield name, spec["selector"]
        elif "selector" in spec or "podSelector" in spec:
            yield name, spec.get("selector", spec.get("podSelector"))["matchLabels"]
        for rule in (*spec.get("ingress", ()), *spec.get("egress", ())):
            for peer in (*rule.get("from", ()), *rule.get("to", ())):
                if "podSelector" in peer:
                    yield name, peer["podSelector"]["matchLabels"]
        for spread in PODS.get(name, {"spec": {}})["spec"].get("topologySpreadConstraints", ()):
            yield name, spread["labelSelector"]["matchLabels"]


def test_every_selector_finds_pods() -> None:
    labels = [pod["metadata"]["labels"] for pod in PODS.values()]
    found = list(selectors())
    assert len(found) >= 12
    for name, wanted in found:
        assert any(wanted.items() <= has.items() for has in labels), name
    components = {has["app.kubernetes.io/component"] for has in labels}
    named = set(re.findall(r"values: \[([\w, ]+)\]", (DEPLOY / "kubernetes" / "network.yaml").read_text()))
    assert set(", ".join(named).split(", ")) <= components
    target = MANIFESTS["HorizontalPodAutoscaler/advisor"]["spec"]["scaleTargetRef"]
    assert f"{target['kind']}/{target['name']}" in PODS


def test_claims_and_configurations_are_there() -> None:
    for name, pod in PODS.items():
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        for volume in volumes.values():
            if claim := volume.get("persistentVolumeClaim"):
                assert f"PersistentVolumeClaim/{claim['claimName']}" in MANIFESTS
            if (made := volume.get("configMap")) and f"ConfigMap/{made['name']}" not in MANIFESTS:
                command = f"kubectl create configmap {made['name']} --from-file=chroma-proxy.conf.template="
                assert command in DOCUMENT
        for container in pod["spec"]["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} <= set(volumes), name
            for source in container.get("envFrom", ()):
                kind = "ConfigMap" if "configMapRef" in source else "Secret"
                reference = source.get("configMapRef", source.get("secretRef"))
                assert f"{kind}/{reference['name']}" in MANIFESTS


def test_configuration_and_secret_name_settings_and_hold_no_secret() -> None:
    plain = MANIFESTS["ConfigMap/advisor"]["data"]
    secret = MANIFESTS["Secret/advisor"]["stringData"]
    assert set(plain) | set(secret) <= SETTINGS
    assert not set(plain) & set(secret)
    assert not [name for name in plain if SECRET.search(name)]
    assert set(secret.values()) == {""}
    assert set(plain) | set(secret) == set(fill_environment("advisor", dict.fromkeys(SECRETS, "")))  # as in compose


def test_one_pod_writes_the_index_and_all_others_read_it() -> None:
    access = {
        name: mount.get("readOnly", False)
        for name, container in CONTAINERS
        for mount in container["volumeMounts"]
        if mount["name"] == "index"
    }
    assert access == {"CronJob/advisor-ingest": False, "Deployment/advisor": True, "Deployment/advisor-slack": True}
    assert MANIFESTS["CronJob/advisor-ingest"]["spec"]["concurrencyPolicy"] == "Forbid"
    assert MANIFESTS["PersistentVolumeClaim/advisor-index"]["spec"]["accessModes"] == ["ReadWriteMany"]


def test_a_rollout_takes_no_replica_away_before_another_is_ready() -> None:
    spec = MANIFESTS["Deployment/advisor"]["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    scale = MANIFESTS["HorizontalPodAutoscaler/advisor"]["spec"]
    assert spec["replicas"] == scale["minReplicas"] > MANIFESTS["PodDisruptionBudget/advisor"]["spec"]["minAvailable"]
    assert MANIFESTS["Deployment/advisor-chroma"]["spec"]["strategy"] == {"type": "Recreate"}


def test_compose_and_kubernetes_start_the_same_commands() -> None:
    pairs = {"advisor": "Deployment/advisor", "slack": "Deployment/advisor-slack", "migrate": "Job/advisor-migrate"}
    pairs["ingest"] = "CronJob/advisor-ingest"
    for service, name in pairs.items():
        assert SERVICES[service]["command"] == PODS[name]["spec"]["containers"][0]["args"]


# The document


def test_the_table_of_environments_names_settings_and_says_what_the_files_do() -> None:
    lines = [line[1:-1].split("|") for line in re.findall(r"^\| `ADVISOR_.*\|$", DOCUMENT, re.M)]
    rows = {name: [cell.strip() for cell in cells[1:]] for cells in lines for name in re.findall(r"\w+", cells[0])}
    assert set(rows) <= SETTINGS
    assert all(len(cells) == 5 for cells in rows.values())
    for name in fill_environment("advisor", dict.fromkeys(SECRETS, "")):
        assert "set" in rows[name][1], name  # by compose
        assert "set" in rows[name][2] or "secret" in rows[name][2], name  # by Kubernetes
    for name in MANIFESTS["Secret/advisor"]["stringData"]:
        assert "secret" in rows[name][2], name


def test_the_document_makes_every_secret_that_compose_asks_for(tmp_path: Path) -> None:
    script = re.search(r"^for name in .*?^done > deploy/\.env$", DOCUMENT, re.M | re.S)
    assert script is not None
    (tmp_path / "deploy").mkdir()
    subprocess.run(["sh", "-c", script[0]], cwd=tmp_path, check=True)
    made = dict(line.split("=") for line in (tmp_path / "deploy" / ".env").read_text().splitlines())
    assert set(made) == set(SECRETS)
    assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in made.values())


def test_commands_in_the_document_name_files_that_are_there() -> None:
    blocks = "\n".join(re.findall(r"^```sh\n(.*?)^```", DOCUMENT, re.M | re.S))
    named = set(re.findall(r"(?:deploy|docs)/[\w./-]+", blocks))
    assert {"deploy/Dockerfile", "deploy/compose.yaml", "deploy/kubernetes/advisor.yaml"} <= named
    for name in named - {"deploy/.env", "deploy/advisor.env"}:
        assert (ROOT / name).exists(), name
    for file in (DEPLOY / "kubernetes").glob("*.yaml"):
        assert f"deploy/kubernetes/{file.name}" in DOCUMENT, file.name
