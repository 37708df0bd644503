"""Debian's Prometheus scrapes the real thing, and answers the queries of what is in etc/."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from sim.lab.process import CHECKOUT
from sim.waiting import wait_until
from tests.switch.dummy import PATIENCE, DummySwitch
from tests.web.programs import RULES, Prometheus, Web

DASHBOARD = CHECKOUT / "etc" / "grafana" / "vtep_ofapp.json"
IN_GRAFANA = {"$instance": ".*", "$__rate_interval": "30s"}
"""What stands for the variables of Grafana when its queries are asked here."""


@pytest.fixture(scope="module")
def prometheus(web: Web) -> Iterator[Prometheus]:
    server = Prometheus(web.folder, web.port)
    server.begin()
    try:
        yield server
    finally:
        server.stop()


def queries() -> Iterator[tuple[str, str]]:
    """Yield the queries of the dashboard with the titles of their panels."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            expression = target["expr"]
            for variable, value in IN_GRAFANA.items():
                expression = expression.replace(variable, value)
            yield panel["title"], expression


def conditions() -> Iterator[tuple[str, str]]:
    """Yield what each alert compares, so that there is a value also without an alert."""
    for rule in yaml.safe_load(RULES.read_text())["groups"][0]["rules"]:
        expression, found = re.subn(r" (==|>) (\d+)$", r" \1 bool \2", rule["expr"])
        assert found == 1, rule
        yield rule["alert"], expression


def test_promtool_finds_nothing_wrong(web: Web) -> None:
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=web.get("/metrics").text,
        text=True,
        capture_output=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    promtool("check", "rules", RULES)
    promtool("test", "rules", Path(__file__).with_name("alerts.yml"))


def promtool(*words: str | Path) -> None:
    done = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_query_of_the_dashboard_returns_data(
    scene: DummySwitch, prometheus: Prometheus
) -> None:
    assert len(list(queries())) > 20

    def missing() -> list[str]:
        return [f"{title}: {query}" for title, query in queries() if not prometheus.query(query)]

    def is_complete() -> bool:
        # Quantiles are no numbers before a row has changed, and we have written one: a fault.
        scene.vtep_ctl("bind-ls", "br0", "nas", "4095", "storage")
        scene.vtep_ctl("unbind-ls", "br0", "nas", "4095")
        scene.place("00:00:00:00:01:01", "10.2.2.2", logical_switch="storage")
        scene.vtep_ctl("del-ucast-remote", "storage", "00:00:00:00:01:01")
        return not missing()

    wait_until(
        is_complete,
        "all queries to have data",
        timeout=PATIENCE,
        evidence=lambda: "\n".join(missing()),
    )
    assert prometheus.query("vtep_ofapp_up") == [1.0]
    assert prometheus.query("vtep_ofapp_bridge_tunnels") == [3.0]
    assert prometheus.query("vtep_ofapp_bridge_learned_macs") == [2.0]
    assert prometheus.query("vtep_ofapp_bridge_tunnels_forwarding") == [2.0]
    assert prometheus.query("sum(vtep_ofapp_row_to_flow_seconds_count)") > [1.0]


def test_each_condition_of_an_alert_has_a_value(prometheus: Prometheus) -> None:
    def missing() -> list[str]:
        return [alert for alert, query in conditions() if not prometheus.query(query)]

    wait_until(
        lambda: not missing(),
        "all conditions to have a value",
        timeout=PATIENCE,
        evidence=lambda: str(missing()),
    )
    rules = lambda: [  # noqa: E731
        each for group in prometheus.api("rules")["groups"] for each in group["rules"]
    ]
    wait_until(
        lambda: all(each["health"] == "ok" for each in rules()),
        "the rules to be evaluated",
        timeout=PATIENCE,
    )
    raised = {each["name"] for each in rules() if each["state"] != "inactive"}
    assert {"VtepTunnelsForwardNothing"} <= raised <= {"VtepTunnelsForwardNothing", "VtepFaults"}
