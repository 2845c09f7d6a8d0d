"""The session of a stock gRPC C++ client (grpc_client/): every RPC with its code, message, response and metadata."""

import json
import pathlib
import re
import subprocess

from transcript import ABSENT, Allowed

CLIENT = None  # the program; run.py sets it from --client
TIMEOUT_S = 200


def run(target):
    run_client(target, *([f"--skip={','.join(sorted(target.skip))}"] if target.skip else []))


def run_client(target, *arguments, tidy=None):
    """Runs the client program and records its steps; tidy(step, outcome) may change what is compared, None drops it."""
    if not CLIENT:
        raise SystemExit("the grpc session needs --client, the program conformance-grpc-client")
    members = target.etcd.endpoints if target.etcd.size > 1 else []
    if target.revisions_apart:
        arguments = (*arguments, "--revisions-apart")
    tls = [f"--tls={target.tls.ca},{target.tls.cert},{target.tls.key}"] if target.tls else []
    done = subprocess.Popen([pathlib.Path(CLIENT).resolve(), *tls, *arguments, target.endpoint, *members], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, cwd=target.directory)
    try:
        output, errors = done.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        done.kill()
        output, errors = done.communicate()
    for line in output.decode("utf-8", "replace").splitlines():
        outcome = json.loads(line)
        step = outcome.pop("step")
        if step.startswith("member add") and "response" in outcome:
            target.names.learn_id("learner", outcome["response"]["member"]["ID"])
        if step == "time to live" and "response" in outcome and 95 <= int(outcome["response"]["TTL"]) <= 100:
            outcome["response"]["TTL"] = "<about 100>"
        if step == "lock, not free in time":
            outcome = timed_out(outcome)
        if tidy:
            outcome = tidy(step, outcome)
        if outcome is not None:
            target.record(step, shortened(outcome))
    if done.returncode != 0:
        raise RuntimeError(f"the client ended with {done.returncode}:\n{errors.decode('utf-8', 'replace')[-2000:]}")


def timed_out(outcome):
    """At a deadline client, proxy and member give up at the same moment, and who is first words the error; etcd's own
    lock calls its own deadline Unknown."""
    worded = "deadline exceeded" in outcome.get("message", "").lower()
    if outcome["code"] == "DEADLINE_EXCEEDED" or (outcome["code"] == "UNKNOWN" and worded):
        return {"code": "DEADLINE_EXCEEDED"}
    return outcome


def shortened(outcome):
    """Values of a megabyte are compared by length and ends."""
    if isinstance(outcome, dict):
        return {key: shortened(value) for key, value in outcome.items()}
    if isinstance(outcome, list):
        return [shortened(value) for value in outcome]
    if isinstance(outcome, str) and len(outcome) > 100000:
        return f"{outcome[:20]}...{outcome[-20:]} of length {len(outcome)}"
    return outcome


GO_HTTP = "Go's HTTP server, behind which etcd has its gRPC when TLS is on, adds headers of its own"
COMPRESSED = "(put|get|get without a key), compressed"
ALLOWED = [
    Allowed("the proxy accepts gzip, which 3.4 does not", COMPRESSED, "code", "UNIMPLEMENTED", ("OK", "INVALID_ARGUMENT", "NOT_FOUND")),
    Allowed("the proxy accepts gzip, which 3.4 does not", COMPRESSED, "message", re.compile(".*not installed.*"),
            (ABSENT, re.compile("etcdserver: (key is not provided|requested lease not found)"))),
    Allowed("the proxy accepts gzip, which 3.4 does not", COMPRESSED, "response.*", ABSENT, ...),
]
ALLOWED_OVER_TLS = [
    Allowed(GO_HTTP, ".*", "initial metadata.trailer", "Grpc-Status-Details-Bin", ABSENT),
    Allowed(GO_HTTP, "(put of (3000|9000) KiB|call of .*|health.*)", "initial metadata", ..., ABSENT),
]
