"""docs/monitoring.md has each metric, alert and option."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from tests.docs.pages import ROOT, code, table
from vtep_ofapp.engine import operator_view
from vtep_ofapp.features.registry import FEATURES
from vtep_ofapp.web.__main__ import parser
from vtep_ofapp.web.metrics import FIGURES, UP, Figure

PAGE = ROOT / "docs" / "monitoring.md"
DASHBOARD = ROOT / "etc" / "grafana" / "vtep_ofapp.json"
RULES = ROOT / "etc" / "prometheus" / "vtep_ofapp.rules.yml"


def test_metrics_are_those_of_the_code() -> None:
    said = {
        (*code(row["metric"]), tuple(code(row["labels"])), row["meaning"])
        for row in table(PAGE, "Metrics")
    }
    there = {
        (each.name, each.labels if isinstance(each, Figure) else (), each.help) for each in FIGURES
    }
    of_features = {
        (f"vtep_ofapp_bridge_{figure.name}", ("bridge",), figure.help) for figure in _figures()
    }
    assert {each for each in said if each[0] != UP} == there | of_features


def test_the_dashboard_has_the_figures_of_routers() -> None:
    dashboard, names = DASHBOARD.read_text(), {each.name for each in _figures()}
    of_routers = {each for each in names if re.search(r"router|static_routes|next_hops|icmp", each)}
    assert len(of_routers) == 8
    assert [each for each in of_routers if f"vtep_ofapp_bridge_{each}{{" not in dashboard] == []


def _figures() -> Iterator[operator_view.Figure]:
    return (figure for feature in FEATURES for figure in feature.figures)


def test_labels_have_a_bound() -> None:
    labels = {label for each in FIGURES if isinstance(each, Figure) for label in each.labels}
    assert labels <= {"bridge", "database", "reason", "role", "version"}


def test_alerts_are_those_of_the_rules() -> None:
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    said = [code(row["alert"])[0] for row in table(PAGE, "Prometheus and Grafana")]
    assert said == [rule["alert"] for rule in rules]


def test_options_are_those_of_the_command() -> None:
    text = PAGE.read_text()
    options = set(re.findall(r"^  (--[a-z-]+)", parser().format_help(), re.MULTILINE))
    said = {line.split("`")[1] for line in text.splitlines() if line.startswith("| `--")}
    assert said == options - {"--version"}
