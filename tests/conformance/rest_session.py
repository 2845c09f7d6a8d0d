"""The session as a user of curl types it: JSON in, JSON out, streams as lines, and everything that can be wrong.

Etcd 3.4, the oracle, has an older gateway than the one whose behaviour the proxy promises (etcd 3.7). Where those two
differ, ALLOWED says how and why; everything else must be equal.
"""

import base64
import hashlib
import json
import re
import subprocess

import cluster
from background import STEP_TIMEOUT_S, Background
from target import flatten_events
from transcript import ABSENT, Allowed

COMPARED_HEADERS = ("content-type", "grpc-metadata-content-type", "allow", "access-control-allow-origin",
                    "access-control-allow-methods", "access-control-allow-headers", "www-authenticate", "location")


def b64(text):
    return base64.b64encode(text.encode()).decode()


class Rest:
    def __init__(self, target):
        self.target = target

    def url(self, path):
        if not self.target.serves_v3alpha and path.startswith("/v3alpha/"):
            path = path.replace("/v3alpha/", "/v3/", 1)
        return self.target.url + path

    def curl(self):
        """Over TLS curl speaks HTTP/2, in clear text HTTP/1.1."""
        tls = self.target.tls
        secure = ["--cacert", tls.ca, "--cert", tls.cert, "--key", tls.key] if tls else []
        return ["curl", "-sS", "--noproxy", "*", "--max-time", str(STEP_TIMEOUT_S), *secure]

    def call(self, path, body=None, headers=(), method=None, raw=None):
        """One request. `body` is sent as JSON, `raw` as it is. Returns the outcome without recording it."""
        head = self.target.directory / "head"
        self.target.settle()
        argv = [*self.curl(), "-D", head, "-H", "Expect:"]
        if method == "HEAD":
            argv.append("-I")
        elif method:
            argv += ["-X", method]
        for header in headers:
            argv += ["-H", header]
        data = raw if raw is not None else json.dumps(body) if body is not None else None
        if data is not None:
            argv += ["--data-binary", "@-"]
        done = subprocess.run([*argv, self.url(path)], input=(data or "").encode(), capture_output=True,
                              timeout=2 * STEP_TIMEOUT_S)
        if done.returncode != 0:
            return {"curl": done.returncode, "error": done.stderr.decode("utf-8", "replace")}
        return parse_response(head.read_bytes(), done.stdout if method != "HEAD" else b"")

    def __call__(self, path, body=None, *, name=None, tidy=None, **options):
        """One request, recorded. `name` replaces the body in the step's name; `tidy` changes what is compared."""
        outcome = self.call(path, body, **options)
        what = name if name is not None else json.dumps(body) if body is not None else ""
        self.target.record(f"{options.get('method') or 'POST'} {path} {what}", tidy(outcome) if tidy else outcome)
        return outcome.get("body")

    def metrics_port(self, path, tidy=None):
        """A GET on the first member's --listen-metrics-urls, recorded."""
        answer = cluster.http_get(self.target.etcd.members[0].health_port, path)
        outcome = {"status": answer[0], "body": answer[1].decode("utf-8", "replace")} if answer else {}
        self.target.record(f"GET {path} on the metrics port", tidy(outcome) if tidy else outcome)

    def stream(self, path, *requests, headers=()):
        return Stream(self, path, requests, headers)


class Stream:
    """A streaming answer, read until it holds what is waited for."""

    def __init__(self, rest, path, requests, headers):
        self.rest = rest
        rest.target.settle()
        self.name = f"{path} {' '.join(map(json.dumps, requests))}"
        self.head = rest.target.directory / f"head-{len(rest.target.transcript.steps)}"
        argv = [*rest.curl(), "-N", "-D", str(self.head), "-d", "\n".join(map(json.dumps, requests)), rest.url(path)]
        for header in headers:
            argv += ["-H", header]
        self.background = Background(argv, rest.target.directory)

    def wait(self, enough):
        """Waits until enough(messages) holds."""
        self.background.wait_lines(lambda lines: enough([json.loads(line) for line in lines]))
        return self

    def end(self, tidy=lambda messages: messages):
        outcome = self.background.end()
        messages = [modern_stream_error(json.loads(line)) for line in self.background.lines]
        head = parse_response(self.head.read_bytes() if self.head.exists() else b"")
        self.rest.target.record(f"stream {self.name}", {"stayed": outcome["stayed"], **head, "lines": tidy(messages)})
        return messages


def parse_response(head, body=None):
    """What curl wrote: status, the headers that are compared, and the body as JSON, lines of JSON, or text."""
    head = re.sub(rb"^(HTTP/[0-9.]+ 1\d\d.*?\r\n\r\n)+", b"", head, flags=re.DOTALL)
    lines = head.decode("latin-1").split("\r\n")
    status = lines[0].split(" ")
    outcome = {"status": int(status[1]) if len(status) > 1 else 0}
    for line in lines[1:]:
        key, _, value = line.partition(":")
        if key.lower() in COMPARED_HEADERS:
            outcome[key.lower()] = value.strip()
    if body is None:
        return outcome
    text = outcome["body"] = body.decode("utf-8", "replace")
    rows = text.splitlines()
    try:
        outcome["body"] = json.loads(text)
    except ValueError:
        if len(rows) > 1 and all(row.startswith("{") for row in rows):
            outcome["body"] = [json.loads(row) for row in rows]
    if isinstance(outcome["body"], dict):
        outcome["body"] = modern_stream_error(outcome["body"])
    return outcome


def modern_stream_error(message):
    """Etcd 3.4 reports the end of a stream as {"error":{"grpc_code":…,"http_code":…,"message":…,"http_status":…}}, 3.7
    and the proxy as {"error":{"code":…,"message":…}}: the first as the second."""
    error = message.get("error")
    if isinstance(error, dict) and "grpc_code" in error:
        return {"error": {"code": error["grpc_code"], "message": error["message"]}}
    return message


def results(messages):
    return [message.get("result", message) for message in messages]


def events_by_watch(messages):
    """Per watch: its frames without events, and all its events. How events share responses, and how responses of
    different watches interleave, is a matter of timing."""
    watches = {}
    for message in results(messages):
        watch = watches.setdefault(str(message.get("watch_id", "0")), {"frames": [], "events": []})
        if message.get("events"):
            watch["events"] += message["events"]
        else:
            watch["frames"].append(message)
    return watches


def event_count(messages):
    return len(flatten_events(results(messages)))


def run(target):
    rest = Rest(target)
    for prefix in ("/v3", "/v3beta", "/v3alpha"):
        keys_and_values(rest, prefix)
        leases(rest, prefix)
        watches(rest, prefix)
        locks_and_elections(rest, prefix)
    for part in (json_forms, wrong_requests, headers_and_deadlines, membership, maintenance, other_paths,
                 compaction, health, auth):
        if target.wants(part):
            part(rest)


def keys_and_values(rest, v):
    key = f"rest{v}/"
    everything = {"key": b64(key), "range_end": b64(key[:-1] + "0")}
    for i in range(4):
        rest(f"{v}/kv/put", {"key": b64(f"{key}{i}"), "value": b64(f"value {3 - i}")})
    rest(f"{v}/kv/put", {"key": b64(key + "0"), "value": b64("new"), "prev_kv": True})
    rest(f"{v}/kv/range", {"key": b64(key + "0")})
    for options in ({}, {"limit": 2}, {"sort_order": "DESCEND", "sort_target": "VALUE"}, {"count_only": True},
                    {"keys_only": True}, {"revision": 3}, {"serializable": True}, {"limit": "1", "sort_target": "MOD"},
                    {"min_mod_revision": "4"}, {"max_create_revision": 4}, {"sort_order": 2}, {"revision": "99999"}):
        rest(f"{v}/kv/range", {**everything, **options})
    rest(f"{v}/kv/range", {"key": b64("absent")})
    rest(f"{v}/kv/txn", {
        "compare": [{"result": "EQUAL", "target": "VERSION", "key": b64(key + "0"), "version": "2"},
                    {"result": "GREATER", "target": "CREATE", "key": b64(key + "1"), "create_revision": "1"},
                    {"result": "NOT_EQUAL", "target": "VALUE", "key": b64(key + "1"), "value": b64("no")}],
        "success": [{"request_put": {"key": b64(key + "t"), "value": b64("1")}},
                    {"request_range": everything},
                    {"request_delete_range": {"key": b64(key + "3"), "prev_kv": True}},
                    {"request_txn": {"success": [{"request_put": {"key": b64(key + "n"), "value": b64("2")}}]}}],
        "failure": [{"request_range": {"key": b64(key)}}]})
    rest(f"{v}/kv/txn", {"compare": [{"target": "MOD", "key": b64(key + "0"), "mod_revision": "1"}],
                         "failure": [{"request_range": {"key": b64(key + "0")}}]})
    rest(f"{v}/kv/deleterange", {"key": b64(key + "0"), "prev_kv": True})
    rest(f"{v}/kv/deleterange", {"key": b64(key + "0")})
    rest(f"{v}/kv/put", {})
    rest(f"{v}/kv/put", {"key": b64("x"), "lease": "12345"})
    rest(f"{v}/kv/put", {"key": b64("absent"), "ignore_value": True})
    rest(f"{v}/kv/txn", {"success": [{}]})


def leases(rest, v):
    number = 7000 + len(v)
    rest(f"{v}/lease/grant", {"TTL": "100", "ID": str(number)})
    rest(f"{v}/lease/grant", {"TTL": "100", "ID": number})  # is there already
    granted = rest.call(f"{v}/lease/grant", {"TTL": 50})
    rest.target.names.learn_id(f"lease of {v}", granted["body"]["ID"])
    rest.target.record(f"{v}/lease/grant, the server's choice of id", granted)
    rest(f"{v}/kv/put", {"key": b64(f"leased{v}"), "value": b64("x"), "lease": str(number)})
    rest(f"{v}/lease/keepalive", {"ID": str(number)})
    rest(f"{v}/lease/keepalive", {"ID": "78"})
    rest(f"{v}/lease/keepalive", name="two in one body", raw=f'{{"ID":"{number}"}}{{"ID":"78"}}\n')
    for path in ("lease/timetolive", "kv/lease/timetolive"):
        rest(f"{v}/{path}", {"ID": str(number), "keys": True}, tidy=about_100s)
    rest(f"{v}/lease/timetolive", {"ID": "78"})
    for path in ("lease/leases", "kv/lease/leases"):
        rest(f"{v}/{path}", {}, tidy=lambda outcome: [lease for lease in outcome["body"]["leases"]
                                                      if lease["ID"] == str(number)])
    rest(f"{v}/kv/lease/revoke", {"ID": granted["body"]["ID"]})
    rest(f"{v}/lease/revoke", {"ID": str(number)})
    rest(f"{v}/lease/revoke", {"ID": str(number)})
    rest(f"{v}/kv/range", {"key": b64(f"leased{v}")})


def about_100s(outcome):
    if 90 <= int(outcome["body"].get("TTL", 0)) <= 100:
        outcome["body"]["TTL"] = "<about 100>"
    return outcome


def watches(rest, v):
    key = f"watched{v}/"
    revision = int(rest(f"{v}/kv/put", {"key": b64(key + "a"), "value": b64("1")})["header"]["revision"])
    whole = {"key": b64(key), "range_end": b64(key[:-1] + "0")}
    live = rest.stream(f"{v}/watch", {"create_request": {**whole, "start_revision": str(revision), "prev_kv": True}},
                       headers=["Grpc-Metadata-hasleader: true"]).wait(lambda messages: event_count(messages) >= 1)
    rest(f"{v}/kv/put", {"key": b64(key + "a"), "value": b64("2")})
    rest(f"{v}/kv/put", {"key": b64(key + "b"), "value": b64("3")})
    rest(f"{v}/kv/deleterange", whole)
    live.wait(lambda messages: event_count(messages) >= 5).end(events_by_watch)
    several = rest.stream(f"{v}/watch",
                          {"create_request": {**whole, "start_revision": str(revision), "filters": ["NOPUT"]}},
                          {"create_request": {"key": b64(key + "b"), "start_revision": str(revision), "watch_id": "7"}},
                          {"create_request": {"key": b64(key), "watch_id": "7"}},
                          {"create_request": {"key": b64("b"), "range_end": b64("a")}},
                          {"create_request": {"key": b64("later"), "start_revision": str(revision + 1000)}})
    several.wait(lambda messages: event_count(messages) >= 4 and len(messages) >= 7).end(events_by_watch)
    cancelled = rest.stream(f"{v}/watch", {"create_request": {"key": b64("never"), "watch_id": "3"}},
                            {"cancel_request": {"watch_id": "9"}}, {"cancel_request": {"watch_id": "3"}})
    cancelled.wait(lambda messages: len(messages) >= 2).end(results)
    progress = rest.stream(f"{v}/watch", {"create_request": {"key": b64("never")}}, {"progress_request": {}})
    # Both requests are sent at once, and 3.7 may answer the second one first.
    progress.wait(lambda messages: len(messages) >= 2).end(
        lambda messages: sorted(results(messages), key=lambda message: not message.get("created")))


def locks_and_elections(rest, v):
    name = f"lock{v}".replace("/", "-")
    number = 8000 + len(v)
    rest(f"{v}/lease/grant", {"TTL": "100", "ID": str(number)})
    key = rest(f"{v}/lock/lock", {"name": b64(name), "lease": str(number)})["key"]
    rest(f"{v}/lock/lock", {"name": b64(name), "lease": str(number)})
    rest(f"{v}/lock/unlock", {"key": key})
    rest(f"{v}/lock/unlock", {"key": key})
    rest(f"{v}/election/leader", {"name": b64(name)})
    won = rest(f"{v}/election/campaign", {"name": b64(name), "lease": str(number), "value": b64("first")})
    rest(f"{v}/election/leader", {"name": b64(name)})
    observer = rest.stream(f"{v}/election/observe", {"name": b64(name)}).wait(lambda messages: len(messages) >= 1)
    rest(f"{v}/election/proclaim", {"leader": won["leader"], "value": b64("second")})
    observer.wait(lambda messages: len(messages) >= 2).end(results)
    rest(f"{v}/election/proclaim", {})
    rest(f"{v}/election/resign", {"leader": won["leader"]})
    rest(f"{v}/election/proclaim", {"leader": won["leader"], "value": b64("third")})
    rest(f"{v}/lease/revoke", {"ID": str(number)})


def json_forms(rest):
    def put(name, text):
        rest("/v3/kv/put", name=name, raw=text)
        rest("/v3/kv/range", {"key": b64("form")})

    put("white space", ' \n{ "key" :\t"Zm9ybQ==" ,\r\n "value":"MQ=="} ')
    put("camel case names", '{"key":"Zm9ybQ==","value":"Mg==","prevKv":true}')
    put("escapes", '{"\\u006bey":"Zm9y\\u0062Q==","value":"Mw=="}')
    put("null", '{"key":"Zm9ybQ==","value":null,"lease":null}')
    put("numbers as strings", '{"key":"Zm9ybQ==","value":"NQ==","lease":"0"}')
    put("more after the first value", '{"key":"Zm9ybQ==","value":"Ng=="} {"key":"Zm9ybQ==","value":"Nw=="}')
    put("an unknown field", '{"key":"Zm9ybQ==","value":"OA==","colour":{"red":[1,2]}}')
    put("all bytes", json.dumps({"key": "Zm9ybQ==", "value": base64.b64encode(bytes(range(256))).decode()}))
    put("an empty value", '{"key":"Zm9ybQ==","value":""}')
    put("a value of 1 MiB", json.dumps({"key": "YmlnCg==", "value": base64.b64encode(b"x" * (1 << 20)).decode()}))
    rest("/v3/kv/range", {"key": "YmlnCg=="}, tidy=lambda outcome: {
        "status": outcome["status"], "sha256": hashlib.sha256(outcome["body"]["kvs"][0]["value"].encode()).hexdigest()})
    rest("/v3/kv/range", name="enum by number", raw='{"key":"Zg==","range_end":"Zw==","sort_order":1,"sort_target":4}')
    rest("/v3/lease/leases", name="no body at all", tidy=lambda outcome: {"status": outcome["status"]}, method="POST")
    rest("/v3/kv/range", name="a query string", raw='{"key":"Zm9ybQ=="}')
    rest("/v3/kv/range?key=Zm9ybQ==&limit=1", name="a query string", raw='{"key":"Zm9ybQ=="}')
    rest("/v3/kv/range", {"key": b64("form")}, headers=["Content-Type: text/plain"], name="another content type")
    rest("/v3/kv/range", {"key": b64("form")}, headers=["Connection: close"], name="no keep-alive")
    rest("/v3/kv/range", {"key": b64("form")}, headers=["Transfer-Encoding: chunked"], name="a chunked body")
    rest("/v3/kv/range", {"key": b64("form")}, headers=["Expect: 100-continue"], name="Expect: 100-continue")


def wrong_requests(rest):
    for name, text in (("cut off", '{"key":'), ("not JSON", "key=foo"), ("an array", "[]"), ("a string", '"x"'),
                       ("a number for bytes", '{"key":5}'), ("no string for a number", '{"key":"Zg==","lease":{}}'),
                       ("too large a number", '{"key":"Zg==","lease":"99999999999999999999"}'),
                       ("no number", '{"key":"Zg==","lease":"many"}'), ("a number for bool", '{"key":"Zg==","prev_kv":1}'),
                       ("a stray comma", '{"key":"Zg==",}'), ("base64 with a stray character", '{"key":"Z!9v"}'),
                       ("base64 of a wrong length", '{"key":"Zm9vY"}')):
        rest("/v3/kv/put", name=f"bad JSON: {name}", raw=text)
    rest("/v3/kv/range", {"key": b64("f"), "sort_order": "UPWARDS"}, name="an unknown enum name")
    rest("/v3/lease/keepalive", name="bad JSON on a stream: cut off", raw='{"ID":')
    rest("/v3/kv/put", {"key": b64("k"), "value": base64.b64encode(b"x" * 1700000).decode()},
         name="a request above max-request-bytes")
    for path in ("/v3/kv/unknown", "/v3/kv", "/v3/", "/v3/kv/put/", "/v3/kv/put/more", "/v3/election/none"):
        rest(path, {}, name="an unknown path")
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        rest("/v3/kv/put", method=method, name="a wrong method")
    rest("/v3/watch", method="GET", name="a wrong method")
    rest("/v3/maintenance/snapshot", method="PUT", name="a wrong method")


def headers_and_deadlines(rest):
    rest("/v3/kv/range", {"key": b64("f")}, headers=["Grpc-Timeout: 5S"], name="with time enough")
    rest("/v3/kv/range", {"key": b64("f")}, headers=["Grpc-Timeout: soon"], name="a malformed deadline")
    rest("/v3/lease/grant", {"TTL": "100", "ID": "901"})
    rest("/v3/lease/grant", {"TTL": "100", "ID": "902"})
    rest("/v3/lock/lock", {"name": b64("deadline"), "lease": "901"})
    rest("/v3/lock/lock", {"name": b64("deadline"), "lease": "902"}, headers=["Grpc-Timeout: 300m"],
         name="a lock that is not free in time", tidy=timed_out)
    rest("/v3/kv/put", method="OPTIONS", headers=["Origin: http://example.com"], name="a preflight request")
    rest("/v3/kv/range", {"key": b64("f")}, headers=["Origin: http://example.com"], name="with an origin")


def timed_out(outcome):
    """At a deadline gateway and member give up at the same moment; etcd's lock calls its own deadline Unknown."""
    if outcome.get("status") in (500, 504) and "deadline exceeded" in outcome["body"]["message"].lower():
        return "timed out"
    return outcome


def membership(rest):
    rest("/v3/cluster/member/list", {})
    rest("/v3/cluster/member/remove", {"ID": "8"})
    rest("/v3/cluster/member/promote", {"ID": "8"})
    rest("/v3/cluster/member/update", {"ID": "8", "peerURLs": ["http://127.0.0.1:3"]})
    rest("/v3/cluster/member/add", {"peerURLs": ["not a url"]})
    added = rest.call("/v3/cluster/member/add", {"peerURLs": ["http://127.0.0.1:4"], "isLearner": True})
    rest.target.names.learn_id("learner", added["body"]["member"]["ID"])
    rest.target.record("member/add", added)
    rest("/v3/cluster/member/remove", {"ID": added["body"]["member"]["ID"]})


def maintenance(rest):
    rest("/v3/cluster/member/list", {"linearizable": True})
    rest("/v3/maintenance/alarm", {})
    rest("/v3/maintenance/alarm", {"action": "ACTIVATE", "memberID": "5", "alarm": "NOSPACE"})
    rest("/v3/kv/put", {"key": b64("full"), "value": b64("x")})
    rest("/v3/maintenance/alarm", {"action": "GET"})
    rest("/v3/maintenance/alarm", {"action": "DEACTIVATE", "memberID": "5", "alarm": 1})
    rest("/v3/maintenance/status", {})
    rest("/v3/maintenance/hash", {})
    if rest.target.etcd.size == 1:  # else it depends on whether the leader was asked
        rest("/v3/maintenance/transfer-leadership", {"targetID": "8"})
    rest("/v3/maintenance/defragment", {})
    rest("/v3/maintenance/snapshot", {}, tidy=snapshot_holds_together)
    # Etcd 3.4 has these three on gRPC at most, its gateway has no route to them.
    rest("/v3/maintenance/hashkv", {})
    rest("/v3/maintenance/downgrade", {"action": "VALIDATE", "version": "3.4.0"})
    rest("/v3/auth/status", {})


def snapshot_holds_together(outcome):
    """The file differs from one etcd to the next; that it arrived whole is what can be compared."""
    lines = outcome["body"] if isinstance(outcome["body"], list) else [outcome["body"]]
    parts = [base64.b64decode(line["result"]["blob"]) for line in lines]
    data = b"".join(parts)
    remaining = [int(line["result"].get("remaining_bytes", 0)) for line in lines]
    outcome["body"] = {"checksum is right": hashlib.sha256(data[:-32]).digest() == data[-32:],
                       "counts down to zero": remaining == sorted(remaining, reverse=True) and remaining[-1] == 0,
                       "fields": sorted(lines[0]["result"])}
    return outcome


def other_paths(rest):
    rest("/health", method="GET")
    rest("/health", method="POST", name="a wrong method")
    rest("/version", method="GET")
    rest("/metrics", method="GET", tidy=lambda outcome: {
        **outcome, "body": sorted(set(re.findall(r"^etcd_server_has_leader \d", outcome["body"], re.M)))})
    for path in ("/", "/nothing", "/v2/keys", "/v30/kv/put", "/v3"):
        rest(path, method="GET", name="an unknown path")


def health(rest):
    """The paths that load balancers and Kubernetes ask, on the client port and on that for metrics only."""
    for path in ("/livez", "/readyz", "/livez?verbose", "/readyz?verbose=false", "/livez/serializable_read",
                 "/livez/data_corruption", "/readyz/data_corruption", "/readyz/linearizable_read?verbose",
                 "/readyz/nothing", "/readyz?exclude=data_corruption&exclude=nothing&verbose", "/health?exclude=NOSPACE",
                 "/health?serializable=true", "/livez/"):
        rest(path, method="GET", tidy=lines_sorted)
        rest.metrics_port(path, tidy=lines_sorted)
    rest("/readyz", method="POST", name="a wrong method")
    rest("/livez", method="HEAD", name="a wrong method")
    for path in ("/health", "/version", "/v3/kv/range", "/"):
        rest.metrics_port(path)
    alarm = {"memberID": str(rest.target.first_member_id), "alarm": "NOSPACE"}
    rest("/v3/maintenance/alarm", {**alarm, "action": "ACTIVATE"})
    for path in ("/health", "/health?exclude=NOSPACE", "/health?exclude=CORRUPT", "/livez", "/readyz?verbose"):
        rest(path, method="GET", tidy=lines_sorted, name="with the alarm")
    rest("/v3/maintenance/status", {}, name="with the alarm")
    rest("/v3/maintenance/alarm", {**alarm, "action": "DEACTIVATE"})
    rest("/v3/maintenance/alarm", {**alarm, "alarm": "CORRUPT", "action": "ACTIVATE"})
    for path in ("/health", "/health?exclude=CORRUPT", "/livez", "/readyz", "/readyz?exclude=data_corruption",
                 "/readyz/data_corruption", "/livez/serializable_read"):
        rest(path, method="GET", tidy=lines_sorted, name="corrupt")
    rest("/v3/kv/put", {"key": b64("corrupt"), "value": b64("x")}, name="corrupt")
    rest("/v3/kv/range", {"key": b64("corrupt")}, name="corrupt")
    rest("/v3/maintenance/alarm", {**alarm, "alarm": "CORRUPT", "action": "DEACTIVATE"})
    rest("/health", method="GET", name="well again")


def lines_sorted(outcome):
    """Etcd runs its checks in no fixed order."""
    if isinstance(outcome.get("body"), str) and "\n" in outcome["body"]:
        outcome["body"] = sorted(outcome["body"].split("\n"))
    return outcome


def compaction(rest):
    rest("/v3/kv/compaction", {"revision": "6", "physical": True})
    rest("/v3/kv/compaction", {"revision": "6"})
    rest("/v3/kv/compaction", {"revision": "99999"})
    rest("/v3/kv/range", {"key": b64("rest"), "revision": "3"})
    old = rest.stream("/v3/watch", {"create_request": {"key": b64("rest"), "start_revision": "2"}})
    old.wait(lambda messages: len(messages) >= 2).end(results)


def auth(rest):
    def token(name, password):
        answer = rest.call("/v3/auth/authenticate", {"name": name, "password": password})
        if isinstance(answer["body"], dict) and "token" in answer["body"]:
            rest.target.names.learn(f"token of {name}", answer["body"]["token"])
        rest.target.record(f"authenticate {name} {password}", answer)
        return answer["body"].get("token", "")

    rest("/v3/auth/enable", {})
    rest("/v3/auth/user/add", {"name": "root", "password": "rootpw"})
    rest("/v3/auth/user/add", {"name": "root", "password": "rootpw"})
    rest("/v3/auth/user/add", {"name": ""})
    rest("/v3/auth/user/add", {"name": "alice", "password": "alicepw"})
    rest("/v3/auth/user/add", {"name": "guest", "options": {"no_password": True}})
    rest("/v3/auth/role/add", {"name": "root"})
    rest("/v3/auth/role/add", {"name": "writer"})
    rest("/v3/auth/role/grant", {"name": "writer", "perm": {"permType": "READWRITE", "key": b64("mine"),
                                                            "range_end": b64("minf")}})
    rest("/v3/auth/role/get", {"role": "writer"})
    rest("/v3/auth/role/get", {"role": "nobody"})
    rest("/v3/auth/role/list", {})
    rest("/v3/auth/user/grant", {"user": "root", "role": "root"})
    rest("/v3/auth/user/grant", {"user": "alice", "role": "writer"})
    rest("/v3/auth/user/get", {"name": "alice"})
    rest("/v3/auth/user/list", {})
    rest("/v3/auth/authenticate", {"name": "root", "password": "rootpw"}, name="before auth is on")
    rest("/v3/auth/enable", {})
    token("root", "wrong")
    token("nobody", "x")
    root = [f"Authorization: {token('root', 'rootpw')}"]
    alice = [f"Authorization: {token('alice', 'alicepw')}"]
    rest("/v3/kv/put", {"key": b64("mine"), "value": b64("1")}, name="without a token")
    rest("/v3/kv/put", {"key": b64("mine"), "value": b64("1")}, headers=["Authorization: made.up"], name="a wrong token")
    rest("/v3/kv/put", {"key": b64("mine"), "value": b64("1")}, headers=alice, name="alice")
    rest("/v3/kv/put", {"key": b64("other"), "value": b64("1")}, headers=alice, name="alice, not hers")
    rest("/v3/kv/put", {"key": b64("other"), "value": b64("1")}, headers=root, name="root")
    rest("/v3/kv/range", {"key": b64("mine")}, headers=[alice[0].replace("Authorization", "Grpc-Metadata-Token")],
         name="the token as metadata")
    rest("/v3/kv/range", {"key": b64("mine")}, headers=[alice[0].replace(": ", ": Bearer ")], name="a Bearer token")
    rest("/v3/auth/user/list", {}, headers=alice, name="alice")
    watch = rest.stream("/v3/watch", {"create_request": {"key": b64("mine"), "start_revision": "7"}}, headers=alice)
    watch.wait(lambda messages: event_count(messages) >= 1).end(events_by_watch)
    denied = rest.stream("/v3/watch", {"create_request": {"key": b64("other")}}, headers=alice)
    denied.wait(lambda messages: len(messages) >= 1).end(results)
    rest("/v3/maintenance/snapshot", {}, name="without a token")
    rest("/v3/auth/user/changepw", {"name": "alice", "password": "new"}, headers=root, name="root")
    rest("/v3/kv/range", {"key": b64("mine")}, headers=alice, name="alice, after her password changed")
    rest("/v3/auth/role/revoke", {"role": "writer", "key": b64("mine"), "range_end": b64("minf")}, headers=root, name="root")
    rest("/v3/auth/role/revoke", {"role": "writer", "key": b64("mine")}, headers=root, name="root")
    rest("/v3/auth/user/revoke", {"name": "alice", "role": "writer"}, headers=root, name="root")
    rest("/v3/auth/role/delete", {"role": "writer"}, headers=root, name="root")
    rest("/v3/auth/user/delete", {"name": "alice"}, headers=root, name="root")
    rest("/v3/auth/disable", {}, headers=root, name="root")
    rest("/v3/kv/range", {"key": b64("other")}, name="after auth is off")


TEXT = "text/plain; charset=utf-8"
# An error body carries "error" beside "message" for those who read 3.4's answers; both say the same.
NOT_FOUND = {"error": "Not Found", "message": "Not Found", "code": 5}
WRONG_METHOD = {"error": "Method Not Allowed", "message": "Method Not Allowed", "code": 12}

# Every entry is a difference between the gateways of etcd 3.4.23 (Debian's, the oracle) and 3.7 (the promise).
ALLOWED = [
    Allowed("FailedPrecondition is 400 in every release; Debian builds 3.4 with a gateway that says 412",
            ".*", "status", 412, 400),
    Allowed("3.7 answers an unauthenticated call with WWW-Authenticate", ".*", "www-authenticate", ABSENT,
            re.compile("etcdserver: .*")),
    Allowed("3.7 answers an unknown path below /v3/ in JSON", ".* /v3/.* an unknown path", "content-type", TEXT,
            "application/json"),
    Allowed("3.7 answers an unknown path below /v3/ in JSON", ".* /v3/.* an unknown path", "body", "Not Found\n", NOT_FOUND),
    Allowed("3.7 answers a wrong method below /v3/ with 501 and JSON", ".* /v3/.* a wrong method", "status", 405, 501),
    Allowed("3.7 answers a wrong method below /v3/ with 501 and JSON", ".* /v3/.* a wrong method", "content-type", TEXT,
            "application/json"),
    Allowed("3.7 answers a wrong method below /v3/ with 501 and JSON", ".* /v3/.* a wrong method", "body",
            "Method Not Allowed\n", WRONG_METHOD),
    Allowed("the text of a JSON decoder is not stable; the code is compared", ".* bad JSON: .*", r"body\.(error|message)",
            ..., re.compile(".+")),
    Allowed("bad JSON on a stream is the client's mistake as it is elsewhere; 3.4 calls it Unknown, 3.7 says nothing",
            ".* bad JSON on a stream: .*", "status", 500, 400),
    Allowed("bad JSON on a stream is the client's mistake as it is elsewhere; 3.4 calls it Unknown, 3.7 says nothing",
            ".* bad JSON on a stream: .*", r"body\..*", ..., ...),
    Allowed("3.7 ignores an unknown enum name", ".* an unknown enum name", "status", 400, 200),
    Allowed("3.7 ignores an unknown enum name", ".* an unknown enum name", "(body.*|grpc-metadata-content-type)", ..., ...),
    Allowed("3.7 accepts a Bearer token", ".* a Bearer token", "status", 401, 200),
    Allowed("3.7 accepts a Bearer token", ".* a Bearer token", "(body.*|grpc-metadata-content-type)", ..., ...),
    Allowed("3.4's gateway has no route for HashKV; its gRPC has", ".*/maintenance/hashkv.*", "status", 404, 200),
    Allowed("3.4 has no Downgrade and no AuthStatus", ".*/(maintenance/downgrade|auth/status).*", "status", 404, 501),
    Allowed("3.4's gateway has no such route", ".*/(maintenance/(hashkv|downgrade)|auth/status).*",
            "(content-type|grpc-metadata-content-type|body.*)", (TEXT, "Not Found\n", ABSENT), ...),
    Allowed("no redirect from /v3 to /v3/, where there is nothing", "GET /v3 an unknown path",
            "(status|location|content-type|body)", ..., (404, ABSENT, TEXT, "404 page not found\n")),
    Allowed("3.5 and later give a reason with the health", "GET /health.*", r"body\.reason", ABSENT, ""),
]
ALLOWED_OVER_TLS = [
    Allowed("with TLS etcd's gRPC is behind Go's HTTP server, whose headers make metadata of a failed call", ".*",
            "grpc-metadata-content-type", "application/grpc", ABSENT),
]
