"""What the tests of the dashboards share: the real Prometheus, and pages of metrics as it reads them."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.parse

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
DASHBOARDS = HERE.parents[1] / "dashboards"
RULES = sorted((DASHBOARDS / "prometheus").glob("*.rules.yml"))
sys.path += [str(DASHBOARDS), str(HERE.parent / "lib")]

import cluster  # noqa: E402
from cluster import wait_for  # noqa: E402

WORK = pathlib.Path(tempfile.mkdtemp(prefix="gatehouse-dashboards-"))
PROGRAMS = {"member": str(cluster.ROOT / "build/release/bin/gatehouse-member"),
            "proxy": str(cluster.ROOT / "build/release/bin/gatehouse-proxy")}


def prometheus_bin():
    """The directory of prometheus and promtool: Debian's, unpacked, or what is installed."""
    done = subprocess.run([HERE / "unpack"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)
    if done.returncode == 0:
        return pathlib.Path(done.stdout.strip())
    installed = shutil.which("promtool")
    if installed:
        return pathlib.Path(installed).parent
    print(f"Prometheus is not there, which leaves these tests out: {done.stderr.strip()}")
    sys.exit(cluster.SKIPPED)


def main():
    arguments = sys.argv[1:]
    while arguments[:1] and arguments[0] in ("--member", "--proxy"):
        PROGRAMS[arguments[0][2:]] = str(pathlib.Path(arguments[1]).resolve())
        del arguments[:2]
    try:
        prometheus_bin()
        unittest.main(module="__main__", argv=[sys.argv[0], "-v", *arguments], warnings="ignore")
    finally:
        shutil.rmtree(WORK, ignore_errors=True)


class Prometheus(cluster.Daemon):
    """Prometheus with our rules. `jobs`: {job: (metrics path, [host:port])}. A context manager."""

    def __init__(self, jobs, interval="1s"):
        super().__init__("prometheus", [], tempfile.mkdtemp(dir=WORK))
        self.config = {
            "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": "1s"},
            "rule_files": [str(path) for path in RULES],
            "scrape_configs": [{"job_name": job, "metrics_path": path, "static_configs": [{"targets": list(targets)}]}
                               for job, (path, targets) in jobs.items()],
        }
        self.port = None

    def __enter__(self):
        (self.directory / "prometheus.yml").write_text(json.dumps(self.config))  # JSON is YAML
        for _ in range(5):
            self.port = cluster.free_port()
            self.argv = [str(prometheus_bin() / "prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=data",
                         f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"]
            self.spawn()
            try:
                wait_for(lambda: self.check_alive() and (cluster.http_get(self.port, "/-/ready") or (0,))[0] == 200,
                         "Prometheus to be ready")
                return self
            except cluster.AddressInUse:
                continue
        raise cluster.StartError("no free port found for Prometheus in five attempts")

    def __exit__(self, *_):
        self.kill()

    def api(self, path, **query):
        status, body = cluster.http_get(self.port, f"/api/v1/{path}?{urllib.parse.urlencode(query)}", 20)
        answer = json.loads(body)
        if status != 200:
            raise ValueError(f"{query}: {answer.get('error')}")
        return answer["data"]

    def ask(self, query):
        """The values of an instant query that are numbers: [(labels, value)]."""
        data = self.api("query", query=query)
        if data["resultType"] == "scalar":
            data["result"] = [{"metric": {}, "value": data["result"]}]
        values = [(each["metric"], float(each["value"][1])) for each in data["result"]]
        return [(labels, value) for labels, value in values if value == value]


def rules():
    """The rules as Prometheus reads them: {"record" or "alert": name, "expr", "labels", "annotations"}."""
    if not hasattr(rules, "read"):
        with Prometheus({}) as prometheus:
            rules.read = rules_of(prometheus)
    return rules.read


def rules_of(prometheus):
    return [{"alert" if rule["type"] == "alerting" else "record": rule["name"], "expr": rule["query"],
             "labels": rule.get("labels", {}), "annotations": rule.get("annotations", {})}
            for group in prometheus.api("rules")["groups"] for rule in group["rules"]]


class Page:
    """A page of metrics: `families` {name: TYPE}, `labels` {family: the sets of label names of its series}."""

    SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ")
    LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="(?:[^"\\]|\\.)*"')

    def __init__(self, port, path):
        status, body = cluster.http_get(port, path)
        assert status == 200, body
        self.families, self.labels, family = {}, {}, None
        for line in body.decode().splitlines():
            if line.startswith("# TYPE "):
                _, _, family, kind = line.split(" ")
                self.families[family] = kind
                self.labels[family] = set()
            elif line and not line.startswith("#"):
                names = self.LABEL.findall(self.SAMPLE.match(line)[2] or "")
                self.labels[family].add(tuple(sorted(set(names) - {"le"})))


def environment_without_etcd():
    return {k: v for k, v in os.environ.items() if not k.startswith(("ETCD", "GATEHOUSE"))}
