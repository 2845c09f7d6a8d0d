"""What the end-to-end tests share: a test case that ends its processes and shows their logs when it fails, and the
clients (curl, etcdctl, REST over http.client).

Each test program takes --proxy PROGRAM and then what unittest takes (-v, a test's name).
"""

import base64
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import cluster  # noqa: E402
from cluster import wait_for  # noqa: E402,F401

CALL_TIMEOUT_S = 20.0
PROXY = os.environ.get("GATEHOUSE_PROXY") or str(cluster.ROOT / "build/release/bin/gatehouse-proxy")
WORK = pathlib.Path(tempfile.mkdtemp(prefix="gatehouse-e2e-"))


def main():
    global PROXY
    arguments = sys.argv[1:]
    if arguments[:1] == ["--proxy"]:
        PROXY = str(pathlib.Path(arguments[1]).resolve())
        del arguments[:2]
    try:
        unittest.main(module="__main__", argv=[sys.argv[0], "-v", *arguments], warnings="ignore")
    finally:
        shutil.rmtree(WORK, ignore_errors=True)


class Case(unittest.TestCase):
    """Processes started through it end with the test; when it fails, their logs are shown."""

    def setUp(self):
        self.daemons = []

    def run(self, result=None):
        before = len(result.failures) + len(result.errors) if result else 0
        super().run(result)
        if result and len(result.failures) + len(result.errors) > before:
            for daemon in [*getattr(self, "daemons", []), *getattr(type(self), "shared_daemons", [])]:
                print(f"==== {daemon.name}: {' '.join(daemon.argv)}\n{cluster.tail(daemon.log(), 25)}", file=sys.stderr)

    def scratch(self):
        return pathlib.Path(tempfile.mkdtemp(dir=WORK))

    def proxy(self, endpoints, *flags):
        """A proxy that serves; its port is told by the kernel's choice of cluster.free_port."""
        proxy = cluster.Proxy(endpoints, PROXY, self.scratch(), flags)
        self.keep(proxy)
        return proxy.start()

    def daemon(self, *argv, environment=None, name="proxy"):
        """A process with this very command line, spawned; whether it serves is the test's to find out."""
        daemon = cluster.Daemon(name, argv, self.scratch(), environment)
        self.keep(daemon)
        daemon.spawn()
        return daemon

    def serving(self, *argv, environment=None):
        daemon = self.daemon(*argv, environment=environment)
        wait_for(lambda: daemon.check_alive() and cluster.Proxy.READY in daemon.log(), "the proxy to serve")
        return daemon

    def keep(self, daemon):
        self.daemons.append(daemon)
        self.addCleanup(daemon.kill)

    def assert_logs(self, daemon, text, timeout_s=10.0):
        """Waits until `daemon` has logged `text`, and returns the first line with it."""
        wait_for(lambda: text in daemon.log(), f"the log line {text!r}", timeout_s)
        return next(line for line in daemon.log().splitlines() if text in line)


def b64(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def rest(port, path, body=None, timeout_s=CALL_TIMEOUT_S):
    """(status, decoded JSON) of a POST to the gateway. Raises OSError or HTTPException when there is no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    with contextlib.closing(connection):
        connection.request("POST", path, json.dumps(body or {}), {"content-type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def put(port, key, value, timeout_s=CALL_TIMEOUT_S):
    return rest(port, "/v3/kv/put", {"key": b64(key), "value": b64(value)}, timeout_s)


def get(port, key, timeout_s=CALL_TIMEOUT_S):
    return rest(port, "/v3/kv/range", {"key": b64(key)}, timeout_s)


class RestWatch:
    """A watch through the gateway: one JSON object a line, read with a deadline."""

    def __init__(self, port, key, range_end=None, timeout_s=CALL_TIMEOUT_S):
        create = {"key": b64(key)}
        if range_end:
            create["range_end"] = b64(range_end)
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
        self.connection.request("POST", "/v3/watch", json.dumps({"create_request": create}))
        self.answer = self.connection.getresponse()
        self.created = self.read()

    def read(self):
        """The next object, None when the stream has ended. Raises TimeoutError when nothing comes."""
        try:
            line = self.answer.readline()
        except http.client.IncompleteRead:
            return None
        return json.loads(line) if line.strip() else None

    def close(self):
        self.connection.close()


def command(*argv, timeout_s=CALL_TIMEOUT_S):
    """A program run to its end: (exit code, stdout, stderr)."""
    environment = {k: v for k, v in os.environ.items()
                   if not k.startswith(("ETCD", "GATEHOUSE_PROXY")) and not k.lower().endswith("_proxy")}
    done = subprocess.run([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=timeout_s, env=environment)
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


def curl(*argv, timeout_s=CALL_TIMEOUT_S):
    """(exit code, HTTP version and status as '2 200', body, stderr)"""
    code, out, err = command("curl", "-sS", "--noproxy", "*", "--max-time", timeout_s, "-w", "\n%{http_version} %{http_code}", *argv,
                             timeout_s=timeout_s + 5)
    body, _, status = out.rpartition("\n")
    return code, status, body, err


def etcdctl(endpoint, *argv, timeout_s=CALL_TIMEOUT_S):
    return command(cluster.oracle_bin() / "etcdctl", "--endpoints", endpoint, *argv, timeout_s=timeout_s)


def metrics(port, path="/proxy/metrics"):
    """The samples of a Prometheus page: {'name{labels}': value}."""
    status, page = cluster.http_get(port, path)
    assert status == 200, page
    samples = {}
    for line in page.decode().splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            samples[name] = float(value)
    return samples


def total(samples, name, **labels):
    """The sum of all samples of `name` that have these labels."""
    found = 0.0
    for sample, value in samples.items():
        base, _, rest_of = sample.partition("{")
        if base == name and all(re.search(rf'(^|,){k}="{re.escape(v)}"', rest_of.rstrip("}")) for k, v in labels.items()):
            found += value
    return found


def connect(port, timeout_s=CALL_TIMEOUT_S):
    return socket.create_connection(("127.0.0.1", port), timeout=timeout_s)


def read_all(sock):
    """What comes until the peer ends the connection, in whichever way."""
    data = b""
    with contextlib.suppress(ConnectionError):
        while True:
            piece = sock.recv(65536)
            if not piece:
                break
            data += piece
    return data


def monotonic():
    return time.monotonic()
