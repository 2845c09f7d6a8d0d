"""A little of everything that members and proxies count, again and again until it is told to stop."""

import base64
import http.client
import json
import subprocess
import threading

import cluster
import support


def b64(text):
    return base64.b64encode(text.encode()).decode()


def post(port, path, body, timeout_s=10.0):
    """(status, decoded JSON) of a POST to the REST gateway."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


class Load:
    """On a thread of its own, over REST to each of `ports` in turn and with etcdctl to `proxy`. A context manager."""

    def __init__(self, ports, proxy):
        self._ports, self._proxy = list(ports), proxy
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._watches = []
        self._turned = threading.Event()
        self.error = None

    def __enter__(self):
        """Returns when everything has been done once: series begin with the first use."""
        self._thread.start()
        self._turned.wait(60)
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        for connection in self._watches:
            connection.close()

    def _run(self):
        try:
            for port in self._ports:
                self._watch(port)
            turn = 0
            while not self._stop.is_set():
                for port in self._ports:
                    self._once(port, turn)
                self._by_grpc(turn)
                turn += 1
                self._turned.set()
        except Exception as error:  # the test tells it, when it misses the data
            self.error = error

    def _watch(self, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("POST", "/v3/watch", json.dumps({"create_request": {"key": b64("k"), "range_end": b64("l")}}))
        connection.getresponse().readline()
        self._watches.append(connection)

    def _once(self, port, turn):
        key = f"k{turn % 50}"
        _, put = post(port, "/v3/kv/put", {"key": b64(key), "value": b64("v" * 200)})
        post(port, "/v3/kv/range", {"key": b64("k"), "range_end": b64("l"), "limit": 5})
        post(port, "/v3/kv/txn", {"compare": [], "success": [{"request_put": {"key": b64("t"), "value": b64("1")}}]})
        post(port, "/v3/kv/deleterange", {"key": b64(f"k{(turn + 7) % 50}")})
        _, lease = post(port, "/v3/lease/grant", {"TTL": 1, "ID": 0})
        if self._leads(port):
            post(port, "/v3/lease/keepalive", {"ID": lease.get("ID", "0")})
        if turn % 2:
            post(port, "/v3/lease/revoke", {"ID": lease.get("ID", "0")})
        post(port, "/v3/auth/authenticate", {"name": "nobody", "password": "x"})  # auth is off
        cluster.http_get(port, "/health")
        if turn % 3 == 0:
            post(port, "/v3/kv/compaction", {"revision": put["header"]["revision"]})

    @staticmethod
    def _leads(port):
        _, status = post(port, "/v3/maintenance/status", {})
        return status.get("leader") == status["header"]["member_id"]

    def _by_grpc(self, turn):
        for words in (("put", f"k{turn % 50}", "x"), ("get", "k", "--prefix"), ("lease", "revoke", "123")):
            subprocess.run([cluster.oracle_bin() / "etcdctl", "--endpoints", self._proxy, *words],
                           env={**support.environment_without_etcd(), "ETCDCTL_API": "3"}, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20, check=False)
