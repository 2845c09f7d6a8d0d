#!/usr/bin/env python3
"""Every panel and every rule, asked of a real Prometheus that scrapes three members and a proxy under a little load.

    prometheus_test.py [--member PROGRAM] [--proxy PROGRAM] [TEST]
"""

import time
import unittest

import support
from support import wait_for

import cluster
import community
import load
import panels
import promql

DATA_TIMEOUT_S = 90.0  # for all queries together: some histograms fill slowly, such as that of the round trips


def variables_filled(query, job):
    return query.replace("@", f'job=~"{job}",instance=~".*"').replace("$__rate_interval", "30s")


def setUpModule():
    program = support.PROGRAMS
    etcd = cluster.EtcdCluster(3, support.WORK / "members", kind=program["member"], flags=["--metrics=extensive"])
    unittest.addModuleCleanup(etcd.stop)
    etcd.start()
    proxy = cluster.Proxy(etcd.endpoints, program["proxy"], support.WORK / "proxy")
    unittest.addModuleCleanup(proxy.stop)
    proxy.start()
    ports = [int(endpoint.rsplit(":")[-1]) for endpoint in etcd.endpoints]
    Live.members = [(port, "/metrics") for port in ports]
    Live.proxies = [(proxy.port, "/proxy/metrics")]
    work = load.Load([*ports, proxy.port], proxy.endpoint)
    Live.load = unittest.enterModuleContext(work)
    Live.prometheus = support.Prometheus({"etcd": ("/metrics", etcd.endpoints),
                                          "gatehouse-proxy": ("/proxy/metrics", [proxy.endpoint])})
    unittest.enterModuleContext(Live.prometheus)
    Live.deadline = time.monotonic() + DATA_TIMEOUT_S


class Live(unittest.TestCase):
    members = proxies = prometheus = load = deadline = None

    def exported(self, where):
        families = {}
        for port, path in where:
            families.update(support.Page(port, path).families)
        return families

    def problem_of(self, query, families, may_be_empty=False):
        """Why the query is no good, None when it is."""
        for name in promql.metrics_of(query):
            if ":" in name or name in ("up", "ALERTS"):
                continue  # made by Prometheus: by a recording rule, or by itself
            if promql.family_of(name, families) is None:
                return f"nobody exports {name}"
        valued = promql.always_valued(query)
        if may_be_empty:
            self.prometheus.ask(valued)  # raises for one that it does not understand
            return None
        try:
            wait_for(lambda: self.prometheus.ask(valued), "data", max(1.0, self.deadline - time.monotonic()))
        except TimeoutError:
            return f"no data for {valued}" + (f"; the load ended: {self.load.error!r}" if self.load.error else "")
        return None

    def problems(self, dashboards, job, families):
        return [(dashboard.title, panel.title, problem)
                for dashboard in dashboards for _, row in dashboard.rows for panel in row for query, _ in panel.queries
                if (problem := self.problem_of(variables_filled(query, job), families, panel.empty is not None))]

    def test_panels_of_members(self):
        members = [panels.CLUSTER, panels.DISK, panels.STORE]
        self.assertEqual(self.problems(members, "etcd", self.exported(self.members)), [])

    def test_panels_of_the_proxy(self):
        self.assertEqual(self.problems([panels.PROXY], "gatehouse-proxy", self.exported(self.proxies)), [])

    def test_jobs_and_instances_are_found(self):
        for dashboard in panels.ALL.values():
            wait_for(lambda: self.prometheus.ask(f"count by (job, instance) ({dashboard.probe})"), dashboard.title)

    def test_rules(self):
        families = self.exported(self.members + self.proxies)
        rules = support.rules_of(self.prometheus)
        self.assertEqual(len(rules), len(support.rules()))
        problems = [(rule.get("alert") or rule["record"], problem) for rule in rules
                    if (problem := self.problem_of(rule["expr"], families))]
        self.assertEqual(problems, [])
        for rule in rules:
            if "record" in rule:
                wait_for(lambda: self.prometheus.ask(rule["record"]), rule["record"])

    def test_rules_are_evaluated_without_error(self):
        for group in self.prometheus.api("rules")["groups"]:
            for rule in group["rules"]:
                self.assertEqual(rule["health"], "ok", (rule["name"], rule.get("lastError")))

    def test_what_nobody_exports_is_found_out(self):
        """The checks above can fail: a panel of a metric that does not exist, and one whose labels match nothing."""
        families = self.exported(self.members)
        self.assertEqual(self.problem_of("rate(etcd_server_no_such_thing_total[30s])", families),
                         "nobody exports etcd_server_no_such_thing_total")
        deadline, self.deadline = self.deadline, time.monotonic()
        self.assertIn("no data", self.problem_of('etcd_server_has_leader{instance="nobody"}', families))
        self.assertIn("no data", self.problem_of('count(up{job="nobody"} == 0)', families))
        self.deadline = deadline

    def test_metrics_that_others_query(self):
        for port, path in self.members:
            page = support.Page(port, path)
            for family, (kind, labels) in community.METRICS.items():
                self.assertEqual(page.families.get(family), kind, family)
                self.assertEqual(page.labels[family], {tuple(sorted(labels))}, family)


if __name__ == "__main__":
    support.main()
