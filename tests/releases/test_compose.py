"""The compose file and what it mounts are valid, and listen on this host alone.

Neither Prometheus's nor Grafana's image can be had without a registry: they are not run here.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from sim.lab.process import CHECKOUT
from tests.releases.images import CONTAINERFILE

COMPOSE = CHECKOUT / "etc" / "container" / "compose.yaml"
OURS = {"vtep_ofapp", "web"}


def run(*argv: str | Path) -> str:
    """Run a command that must succeed; return what it prints."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{argv}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services, as docker-compose understands the file."""
    found: dict[str, Any] = yaml.safe_load(run("docker-compose", "-f", COMPOSE, "config"))
    return dict(found["services"])


def mounted(service: dict[str, Any], folder: Path, below: str) -> Path:
    """Copy what a service has below a path to a folder; return that."""
    for volume in service["volumes"]:
        source, path, *_ = str(volume).split(":")
        if path.startswith(below):
            copy = folder / Path(path).relative_to(below)
            copy.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if Path(source).is_dir() else shutil.copy)(source, copy)
    return folder


def test_what_is_mounted_is_there(services: dict[str, Any]) -> None:
    sources = {
        str(volume).split(":")[0]
        for service in services.values()
        for volume in service["volumes"]
        if str(volume).startswith("/")
    }
    assert "/run/openvswitch" in sources
    assert not [each for each in sources - {"/run/openvswitch"} if not Path(each).exists()]
    build = services["vtep_ofapp"]["build"]
    assert Path(build["context"]) == CHECKOUT
    assert CHECKOUT / build["dockerfile"] == CONTAINERFILE


def test_ours_have_no_rights_that_they_do_not_need(services: dict[str, Any]) -> None:
    for name in OURS:
        service = services[name]
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in service


def test_all_listen_on_this_host_alone(services: dict[str, Any]) -> None:
    assert {service["network_mode"] for service in services.values()} == {"host"}
    of_openflow = (CHECKOUT / "etc" / "vtep_ofapp.conf").read_text()
    addresses = {
        "vtep_ofapp": re.findall(r"^ofp_listen_host = (.+)$", of_openflow, re.MULTILINE),
        "web": re.findall(r"--listen (.+?):\d+$", " ".join(services["web"]["entrypoint"])),
        "prometheus": [
            found[1]
            for word in services["prometheus"]["command"]
            if (found := re.fullmatch(r"--web\.listen-address=(.+):\d+", word))
        ],
        "grafana": [services["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"]],
    }
    assert addresses == {name: ["127.0.0.1"] for name in services}


def test_the_health_check_is_that_of_the_image(services: dict[str, Any]) -> None:
    said = re.findall(r"^HEALTHCHECK (.+) CMD (\[.+\])$", CONTAINERFILE.read_text(), re.MULTILINE)
    check = services["vtep_ofapp"]["healthcheck"]
    assert len(said) == 2
    for options, words in said:
        assert check["test"] == ["CMD", *json.loads(words)]
        times = dict(re.findall(r"--([a-z-]+)=(\S+)", options))
        assert times == {
            name.replace("_", "-"): check[name] for name in ("interval", "timeout", "start_period")
        }


def test_prometheus_takes_its_configuration_and_our_alerts(
    services: dict[str, Any], tmp_path: Path
) -> None:
    folder = mounted(services["prometheus"], tmp_path / "prometheus", "/etc/prometheus")
    said = run("promtool", "check", "config", folder / "prometheus.yml")
    assert "1 rule files found" in said
    assert re.search(r"SUCCESS: [1-9]\d* rules found", said)
    (scraped,) = yaml.safe_load((folder / "prometheus.yml").read_text())["scrape_configs"]
    (target,) = scraped["static_configs"][0]["targets"]
    assert services["web"]["entrypoint"][-1] == target


def test_grafana_gets_prometheus_and_our_dashboard(
    services: dict[str, Any], tmp_path: Path
) -> None:
    folder = mounted(services["grafana"], tmp_path, "/etc/grafana/provisioning")
    (source,) = yaml.safe_load((folder / "datasources/vtep_ofapp.yml").read_text())["datasources"]
    assert source["type"] == "prometheus"
    listen = f"--web.listen-address={source['url'].removeprefix('http://')}"
    assert listen in services["prometheus"]["command"]
    (provider,) = yaml.safe_load((folder / "dashboards/vtep_ofapp.yml").read_text())["providers"]
    assert provider["type"] == "file"
    dashboards = mounted(services["grafana"], tmp_path / "of", provider["options"]["path"])
    (dashboard,) = dashboards.glob("*.json")
    # A dashboard with inputs would have to be imported by hand.
    assert "__inputs" not in json.loads(dashboard.read_text())
