"""What the tests of examples/ share: the services that a file names are started with free ports in place of those in it,
and have to be a cluster of three with a proxy in front of it."""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import cluster  # noqa: E402
from cluster import wait_for  # noqa: E402

EXAMPLES = cluster.ROOT / "examples"


class Service:
    """One line of a Procfile, one service of a compose file."""

    def __init__(self, name, argv, environment):
        self.name, self.argv, self.environment = name, argv, environment


def replace_ports(text, ports):
    """Each port of `text` (":1234") by the one that `ports` has for it; a new one is chosen at its first occurrence."""
    def free(match):
        return ":" + str(ports.setdefault(match[1], cluster.free_port()))
    return re.sub(r":(\d{4,5})\b", free, text)


def main(what, read):
    """`read(ports)` gives the services of the example, its ports replaced and noted in `ports`."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--member", default=str(cluster.ROOT / "build/release/bin/gatehouse-member"))
    parser.add_argument("--proxy", default=str(cluster.ROOT / "build/release/bin/gatehouse-proxy"))
    options = parser.parse_args()
    programs = {"gatehouse-member": options.member, "gatehouse-proxy": options.proxy}
    for attempt in range(5):
        ports = {}
        services = read(ports)
        check_shape(services)
        directory = pathlib.Path(tempfile.mkdtemp(prefix="gatehouse-examples-"))
        daemons = [cluster.Daemon(service.name, [os.path.realpath(programs[service.argv[0]]), *service.argv[1:]], directory,
                                  {key: value.replace("/var/lib/etcd", str(directory / f"{service.name}.data"))
                                   for key, value in service.environment.items()}) for service in services]
        try:
            for daemon in daemons:
                daemon.spawn()
            check(daemons, f"127.0.0.1:{ports['23790']}")
            return 0
        except cluster.AddressInUse:
            print(f"a port was taken meanwhile (attempt {attempt}); with others again")
        except BaseException:
            for daemon in daemons:
                print(f"==== {daemon.name}: {' '.join(daemon.argv)}\n{cluster.tail(daemon.log())}", file=sys.stderr)
            raise
        finally:
            for daemon in daemons:
                daemon.kill()
            shutil.rmtree(directory, ignore_errors=True)
    return 1


def check_shape(services):
    programs = sorted(service.argv[0] for service in services)
    if programs != ["gatehouse-member"] * 3 + ["gatehouse-proxy"]:
        raise AssertionError(f"the example starts {programs}, not three members and a proxy")


def check(daemons, endpoint):
    members = [daemon for daemon in daemons if "gatehouse-member" in daemon.argv[0]]

    def etcdctl(*words):
        done = subprocess.run([cluster.oracle_bin() / "etcdctl", "--endpoints", endpoint, *words], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=60,
                              env={"ETCDCTL_API": "3", "PATH": os.environ["PATH"]}, check=False)
        return done.returncode, done.stdout

    def ask(*words):
        code, answer = etcdctl(*words)
        if code:
            raise AssertionError(f"etcdctl {' '.join(words)} ended with {code}:\n{answer}")
        return answer

    port = int(endpoint.rpartition(":")[2])

    def serving():
        for daemon in daemons:
            daemon.check_alive()
        answer = cluster.http_get(port, "/health")
        return answer is not None and answer[0] == 200
    wait_for(serving, "the proxy to be healthy")
    # A member is in the list from the beginning, and started once it has told its client URLs.
    wait_for(lambda: ask("member", "list").count(", started, ") == 3, "all three members to have started")
    ask("put", "example", "written")

    # Whoever is killed, the two others carry on, and the proxy finds them.
    victim = members[0]
    victim.kill()
    wait_for(lambda: etcdctl("put", "example", "without one")[0] == 0, "a write without one of the members")
    if ask("get", "example", "--print-value-only").strip() != "without one":
        raise AssertionError("the write is not there")

    # It comes back with what it had, and catches up.
    victim.spawn()

    def same():
        status = json.loads(ask("endpoint", "status", "--cluster", "-w", "json"))
        return len({member["Status"]["header"]["revision"] for member in status}) == 1 and len(status) == 3

    def all_answer():
        victim.check_alive()
        code, answer = etcdctl("endpoint", "hashkv", "--cluster")
        hashes = [line.split(", ")[1] for line in answer.splitlines() if line.count(", ") == 1]
        return code == 0 and len(hashes) == 3 and len(set(hashes)) == 1
    wait_for(all_answer, "all three to answer with one hash")
    if not same():
        raise AssertionError("revisions differ although hashes do not")
    print("three members and the proxy: writes and reads go on without one, which comes back and has everything")
