#!/usr/bin/env python3
"""examples/kubernetes: the manifests are what Kubernetes' schemas allow, refer to each other by the right names, and the
programs take the settings in them and answer the probes."""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import cluster  # noqa: E402

MANIFESTS = cluster.ROOT / "examples/kubernetes"
SCHEMAS, VERSION = "kubernetes-validate==1.31.0", "1.31"  # from PyPI; has the schemas in it
PACKAGES = cluster.ROOT / "build/kubernetes-validate"


def load_validator():
    """From where an earlier run put it, else from PyPI into the build directory. Raises NotHere."""
    stamp = PACKAGES / ".complete"
    if not stamp.exists():
        done = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--target", PACKAGES, "--upgrade", SCHEMAS],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        if done.returncode != 0:
            raise cluster.NotHere(f"{SCHEMAS} cannot be installed: {cluster.tail(done.stdout, 1)}")
        stamp.touch()
    sys.path.insert(0, str(PACKAGES))
    import kubernetes_validate
    import yaml
    return kubernetes_validate, yaml


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--member", default=cluster.ROOT / "build/release/bin/gatehouse-member")
    parser.add_argument("--proxy", default=cluster.ROOT / "build/release/bin/gatehouse-proxy")
    options = parser.parse_args()
    try:
        validator, yaml = load_validator()
    except cluster.NotHere as why:
        print(f"skipped: {why}")
        return cluster.SKIPPED
    objects = {}
    for file in sorted(MANIFESTS.glob("*.yaml")):
        for document in yaml.safe_load_all(file.read_text(encoding="utf-8")):
            validator.validate(document, VERSION, strict=True)
            objects[document["kind"]] = document
            print(f"{file.name}: a {document['kind']} as in Kubernetes {VERSION}")
    # The test would not notice a validator that takes anything.
    try:
        validator.validate({**objects["Service"], "spec": {"ports": [{"prot": 1}]}}, VERSION, strict=True)
        raise AssertionError("the validator takes a port without a number")
    except validator.ValidationError:
        pass
    check_references(objects)
    serve(objects, options)
    return 0


def check_references(objects):
    members = objects["StatefulSet"]
    expect(members["spec"]["serviceName"], objects["Service"]["metadata"]["name"])
    labels = members["spec"]["template"]["metadata"]["labels"]
    for selector in (objects["Service"]["spec"]["selector"], members["spec"]["selector"]["matchLabels"],
                     objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]):
        expect(selector, labels)
    proxies = objects["DaemonSet"]["spec"]
    expect(proxies["selector"]["matchLabels"], proxies["template"]["metadata"]["labels"])
    container = container_of(members)
    expect([mount["name"] for mount in container["volumeMounts"]],
           [claim["metadata"]["name"] for claim in members["spec"]["volumeClaimTemplates"]])


def container_of(workload):
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    return container


def environment(container, fields):
    """The variables of a container, with the downward API's fields as given and $(NAME) replaced, as Kubernetes does."""
    variables = {}
    for entry in container["env"]:
        value = entry["value"] if "value" in entry else fields[entry["valueFrom"]["fieldRef"]["fieldPath"]]
        variables[entry["name"]] = re.sub(r"\$\((\w+)\)", lambda match: variables[match[1]], value)
    return variables


def serve(objects, options):
    """Each pod gets a loopback address in place of its DNS name, and a directory in place of its volume."""
    members, proxies = objects["StatefulSet"], objects["DaemonSet"]
    names = [f"{members['metadata']['name']}-{i}" for i in range(members["spec"]["replicas"])]
    block = os.getpid() % 250 + 1
    hosts = {f"{name}.{members['spec']['serviceName']}": f"127.77.{block}.{i + 1}" for i, name in enumerate(names)}
    node = f"127.77.{block}.100"

    with tempfile.TemporaryDirectory(prefix="gatehouse-kubernetes-") as directory:
        def here(text, own, name):
            for host, address in hosts.items():
                text = text.replace(f"{host}:", f"{address}:")
            return text.replace("0.0.0.0", own).replace("/var/lib/etcd", f"{directory}/{name}")

        daemons = []
        for name in names:
            own = hosts[f"{name}.{members['spec']['serviceName']}"]
            container = container_of(members)
            daemons.append(daemon(name, options.member, container, {"metadata.name": name}, directory,
                                  lambda text, own=own, name=name: here(text, own, name)))
            daemons[-1].probes = (own, container)
        container = container_of(proxies)
        daemons.append(daemon("proxy", options.proxy, container, {"status.hostIP": node}, directory,
                              lambda text: here(text, node, "proxy")))
        daemons[-1].probes = (node, container)
        try:
            for each in daemons:
                each.spawn()
            for each in daemons:
                address, container = each.probes
                for probe in ("livenessProbe", "readinessProbe"):
                    wanted = container[probe]["httpGet"]
                    (port,) = [p["containerPort"] for p in container["ports"] if p["name"] == wanted["port"]]
                    cluster.wait_for(lambda: each.check_alive() and answers(address, port, wanted["path"]),
                                     f"{each.name} to answer {wanted['path']}")
            print("three members and a proxy take these settings and answer their probes")
        except BaseException:
            for each in daemons:
                print(f"==== {each.name}\n{cluster.tail(each.log(), 3)}", file=sys.stderr)
            raise
        finally:
            for each in daemons:
                each.kill()


def daemon(name, program, container, fields, directory, here):
    expect(container["command"], [pathlib.Path(program).name])
    variables = {key: here(value) for key, value in environment(container, fields).items()}
    return cluster.Daemon(name, [pathlib.Path(program).resolve()], directory, variables)


def answers(address, port, path):
    try:
        import urllib.request
        with urllib.request.urlopen(f"http://{address}:{port}{path}", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def expect(value, wanted):
    if value != wanted:
        raise AssertionError(f"{value!r} where {wanted!r} was expected")


if __name__ == "__main__":
    sys.exit(main())
