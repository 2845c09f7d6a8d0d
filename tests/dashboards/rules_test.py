#!/usr/bin/env python3
"""Dashboards and rules as files: up to date, well-formed, and each alert with a scene in which it fires.

    rules_test.py [TEST]
"""

import json
import subprocess
import sys
import unittest

import support
from support import DASHBOARDS, HERE, RULES

import community
import panels
import promql


def run(*argv):
    return subprocess.run([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)


class Files(unittest.TestCase):
    def test_grafana_files_are_what_the_table_says(self):
        done = run(sys.executable, DASHBOARDS / "generate", "--check")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_panels_fill_the_width_and_do_not_overlap(self):
        for path in sorted((DASHBOARDS / "grafana").glob("*.json")):
            taken = set()
            for panel in json.loads(path.read_text())["panels"]:
                place = panel["gridPos"]
                self.assertLessEqual(place["x"] + place["w"], 24, (path.name, panel["title"]))
                cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                         for y in range(place["y"], place["y"] + place["h"])}
                self.assertFalse(cells & taken, (path.name, panel["title"]))
                taken |= cells

    def test_titles_are_unique_within_a_dashboard(self):
        for name, dashboard in panels.ALL.items():
            titles = [(title, panel.title) for title, row in dashboard.rows for panel in row]
            self.assertEqual(len(titles), len(set(titles)), name)

    def test_alerts_of_the_mixin_have_their_names(self):
        named = {rule["alert"] for rule in support.rules() if rule.get("alert", "").startswith("etcd")}
        self.assertEqual(named, community.ALERTS)

    def test_each_alert_says_what_how_much_and_what_to_do(self):
        for rule in support.rules():
            if "alert" in rule:
                self.assertEqual(set(rule["annotations"]), {"summary", "description", "action"}, rule["alert"])
                self.assertIn(rule["labels"]["severity"], ("warning", "critical"), rule["alert"])

    def test_promtool_check(self):
        promtool = support.prometheus_bin() / "promtool"
        for words in (("check", "rules", *RULES), ("check", "config", DASHBOARDS / "prometheus/prometheus.yml")):
            done = run(promtool, *words)
            self.assertEqual(done.returncode, 0, done.stdout)

    def test_promtool_test_rules(self):
        done = run(support.prometheus_bin() / "promtool", "test", "rules", *sorted(HERE.glob("*.rules.test.yml")))
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_each_alert_has_a_scene(self):
        scenes = "".join(path.read_text() for path in HERE.glob("*.rules.test.yml"))
        for rule in support.rules():
            if "alert" in rule:
                fires = f'ALERTS{{alertname="{rule["alert"]}",alertstate="firing",severity="{rule["labels"]["severity"]}"'
                counted = f'ALERTS{{alertname="{rule["alert"]}",alertstate="firing"}}'
                self.assertTrue(fires in scenes or counted in scenes, (rule["alert"], rule["labels"]))


class Promql(unittest.TestCase):
    def test_always_valued(self):
        for query, valued in (
                ("a > 5", "a > bool 5"), ('count(up{job=~"x>y"} == 0)', 'count(up{job=~"x>y"} == bool 0)'),
                ("a >= 4 and b < 0.5", "a >= bool 4 and b < bool 0.5"), ("a > bool 1", "a > bool 1"), ("a / b", "a / b")):
            self.assertEqual(promql.always_valued(query), valued)

    def test_metrics_of(self):
        for query, names in (
                ('histogram_quantile(0.99, sum by (job, le) (rate(x_bucket{a!="b"}[5m])))', {"x_bucket"}),
                ("scalar(max(a)) - b", {"a", "b"}), ("a == 0 and on (job) level:c:sum > 0", {"a", "level:c:sum"}),
                ("predict_linear(a[4h], 4 * 3600) > b", {"a", "b"})):
            self.assertEqual(promql.metrics_of(query), names)


if __name__ == "__main__":
    support.main()
