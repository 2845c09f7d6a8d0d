#!/usr/bin/python3
"""examples/docker-compose.yml starts a cluster of three members and a proxy, and its image has the libraries they need.

Docker is not used. Each service gets a loopback address of its own, as it gets a host name of its own from Docker, and a
directory in place of its volume."""

import random
import re
import shlex
import subprocess
import sys

import support

try:
    import yaml
except ImportError:
    print("skipped: python3-yaml is not there")
    sys.exit(support.cluster.SKIPPED)


def read(ports):
    file = yaml.safe_load((support.EXAMPLES / "docker-compose.yml").read_text(encoding="utf-8"))
    hosts = {name: f"127.{random.randrange(1, 255)}.{random.randrange(256)}.{random.randrange(1, 255)}"
             for name in file["services"]}
    published = {inside: outside for service in file["services"].values()
                 for outside, inside in [mapping.split(":") for mapping in service.get("ports", [])]}
    services = []
    for name, service in file["services"].items():
        unknown = set(service) - {"image", "build", "command", "restart", "volumes", "environment", "depends_on", "ports"}
        if unknown:
            raise AssertionError(f"this test does not know what {unknown} of {name} would do")

        def here(text, name=name):
            for inside in published:  # what is published is reached on the host's own loopback address
                text = text.replace(f"0.0.0.0:{inside}", f"127.0.0.1:{inside}")
            text = text.replace("0.0.0.0", hosts[name])
            text = re.sub(r"\b(%s)(?=:\d)" % "|".join(hosts), lambda match: hosts[match[1]], text)
            return support.replace_ports(text, ports)
        services.append(support.Service(name, [here(word) for word in shlex.split(service["command"])],
                                        {key: here(value) for key, value in service.get("environment", {}).items()}))
        check_volumes(name, service, file)
    return services


def check_volumes(name, service, file):
    data = service.get("environment", {}).get("ETCD_DATA_DIR")
    mounted = dict(volume.split(":") for volume in service.get("volumes", []))
    if data is not None and data not in mounted.values():
        raise AssertionError(f"the data of {name} are in {data}, which is no volume")
    for volume in mounted:
        if volume not in file["volumes"]:
            raise AssertionError(f"the volume {volume} of {name} is not declared")


def check_image():
    """The packages that the Dockerfile installs are those whose libraries the programs load, where this is Debian 12."""
    text = (support.EXAMPLES / "Dockerfile").read_text(encoding="utf-8")
    base = re.search(r"^FROM debian:(\d+)", text, re.M)[1]
    try:
        here = open("/etc/debian_version", encoding="utf-8").read().split(".")[0]
    except OSError:
        return
    if here != base:
        return
    last_stage = text.rpartition("\nFROM ")[2]
    installs = re.search(r"--no-install-recommends(.*?)&&", last_stage, re.S)[1].replace("\\\n", " ").split()
    missing, files = [], set()
    for package in installs:
        listed = subprocess.run(["dpkg-query", "-L", package], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                check=False)
        if listed.returncode:
            missing.append(f"{package}, which is no package installed here")
        files.update(line.rpartition("/")[2] for line in listed.stdout.splitlines())
    for program in ("gatehouse-member", "gatehouse-proxy"):
        path = next((word for word in sys.argv if word.endswith(program)), support.cluster.ROOT / f"build/release/bin/{program}")
        dynamic = subprocess.run(["ldd", path], stdout=subprocess.PIPE, text=True, check=True).stdout
        for library in re.findall(r"^\s*(\S+) =>", dynamic, re.M):
            if library not in files and not re.match(r"lib(c|m|gcc_s|pthread|dl|rt)\.", library):
                missing.append(f"a package with {library}, which {program} loads")
    if missing:
        raise AssertionError("examples/Dockerfile lacks " + "; ".join(missing))


check_image()
sys.exit(support.main(__doc__, read))
