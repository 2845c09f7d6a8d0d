#!/usr/bin/env python3
"""The Debian packages, from `cpack` to `apt-get purge`, in a chroot of a fresh Debian: they install with what they depend
on, the units' command lines start and serve, an upgrade keeps settings and data, and nothing stays behind."""

import argparse
import base64
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.dont_write_bytecode = True

import chroot
from chroot import Chroot, Unit, cluster, run

COMPONENTS = ("member", "proxy", "tools")
STATE = "var/lib/gatehouse"
MEMBER_SETTINGS, PROXY_SETTINGS = "etc/default/gatehouse-member", "etc/default/gatehouse-proxy"
NEXT_VERSION = "99.0.0"
WORST_EXPOSURE = "20"  # of 100, by systemd-analyze


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=cluster.ROOT / "build/release")
    options = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="gatehouse-packages-"))
    try:
        chroot.own_mounts()
        test(options.build, work)
    except cluster.NotHere as why:
        print(f"skipped: {why}")
        return cluster.SKIPPED
    finally:
        subprocess.run(["umount", work / "root/proc"], stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(work, ignore_errors=True)
    return 0


def test(build, work):
    step = Steps()
    first = pack(build, work / "first")
    second = [next_version(package, work / "second") for package in first]
    step("packed")
    chroot.make_base(first)
    step("there is a Debian")
    root = work / "root"
    run("cp", "-a", chroot.BASE, root)
    run("mount", "-t", "proc", "proc", root / "proc")
    debian = Chroot(root)
    debian.install(first)
    check_installed(debian)
    step("installed")
    chroot.own_network()  # nothing is fetched after this
    check_units(debian)

    services = Services(debian, work)
    try:
        # As it comes: one member, and a proxy that finds it.
        member, proxy = services.start("gatehouse-member"), services.start("gatehouse-proxy")
        put(23790, "before", "the upgrade")
        for unit in (member, proxy):
            unit.wait_for_message("WATCHDOG=1")
        services.stop()
        step("served by the units' command lines")

        for settings, line in ((MEMBER_SETTINGS, "ETCD_QUOTA_BACKEND_BYTES=1073741824\n"),
                               (PROXY_SETTINGS, "GATEHOUSE_PROXY_LOG_LEVEL=warn\n")):
            (root / settings).write_text(line, encoding="utf-8")
        debian.install(second)
        expect(debian.run("dpkg-query", "-W", "-f=${Version} ", *package_names()), f"{NEXT_VERSION} " * 3)
        expect((root / MEMBER_SETTINGS).read_text(encoding="utf-8"), "ETCD_QUOTA_BACKEND_BYTES=1073741824\n")
        services.start("gatehouse-member")
        services.start("gatehouse-proxy")
        expect(get(23790, "before"), "the upgrade")
        services.stop()
        step("upgraded")

        check_setup(debian, services)
        step("three members and a proxy by gatehouse-setup")
    finally:
        services.kill()

    said = debian.run("apt-get", "-qq", "remove", "-y", *package_names())
    expect("the data in /var/lib/gatehouse stay" in said, True)
    expect((root / STATE / "default/member").is_dir(), True)
    expect((root / MEMBER_SETTINGS).exists(), True)
    expect([path for path in debian.files("gatehouse") if path.startswith("/usr/")], [])
    said = debian.run("apt-get", "-qq", "purge", "-y", *package_names())
    expect("deleting /var/lib/gatehouse, the data" in said, True)
    expect(debian.files("gatehouse"), [])
    for file in ("etc/passwd", "etc/group", "etc/shadow"):
        expect("gatehouse" in (root / file).read_text(encoding="utf-8"), False)
    step("removed and purged without a trace")


class Steps:
    def __init__(self):
        self.began = time.monotonic()

    def __call__(self, what):
        print(f"{time.monotonic() - self.began:5.1f} s  {what}", flush=True)


class Services:
    """Units that run; each is ready when start() returns."""

    def __init__(self, debian, directory):
        self.debian, self.directory, self.units = debian, directory, []

    def start(self, *names):
        started = [Unit(self.debian, name, self.directory) for name in names]
        for unit in started:
            self.units.append(unit)
            unit.start()
        for unit in started:  # those of a cluster are ready together
            unit.wait_for_message("READY=1")
        return started[0]

    def stop(self):
        for unit in reversed(self.units):
            unit.stop()
        self.units.clear()

    def kill(self):
        for unit in self.units:
            unit.kill()


def pack(build, directory):
    run("cpack", "-G", "DEB", "-B", directory, cwd=build)
    packages = sorted(directory.glob("*.deb"))
    expect([package.name.split("_")[0] for package in packages], package_names())
    return packages


def next_version(package, directory):
    """The same files and scripts as a later release."""
    tree = directory / package.stem
    directory.mkdir(exist_ok=True)
    run("dpkg-deb", "-R", package, tree)
    control = tree / "DEBIAN/control"
    text = control.read_text(encoding="utf-8")
    control.write_text(re.sub(r"^Version: .*", f"Version: {NEXT_VERSION}", text, flags=re.M), encoding="utf-8")
    later = directory / f"{package.name.split('_')[0]}_{NEXT_VERSION}.deb"
    run("dpkg-deb", "-Zgzip", "-z1", "-b", tree, later)
    return later


def package_names():
    return [f"gatehouse-{component}" for component in COMPONENTS]


def check_installed(debian):
    for name, home in (("gatehouse", "/var/lib/gatehouse"), ("gatehouse-proxy", "/var/lib/gatehouse-proxy")):
        fields = debian.run("getent", "passwd", name).strip().split(":")
        expect(fields[5:], [home, "/usr/sbin/nologin"])
    expect(debian.run("stat", "-c", "%a %U %G", f"/{STATE}").strip(), "700 gatehouse gatehouse")
    expect(debian.run("stat", "-c", "%a %U", f"/{MEMBER_SETTINGS}", f"/{PROXY_SETTINGS}").split(), ["644", "root"] * 2)
    expect(debian.files("gatehouse-member.service"), ["/usr/lib/systemd/system/gatehouse-member.service"])  # not enabled
    for program in ("gatehouse-member", "gatehouse-proxy", "gatehouse-bench"):
        debian.run(program, "--version" if program != "gatehouse-bench" else "--help")
    debian.run("dpkg", "--verify", *package_names())


def check_units(debian):
    if shutil.which("systemd-analyze") is None:
        print("systemd-analyze is not there: the units are not verified")
        return
    units = ("gatehouse-member.service", "gatehouse-member@1.service", "gatehouse-proxy.service")
    # There is no systemd in the chroot; what its units refer to is this machine's.
    own = debian.root / "usr/lib/systemd/system"
    lent = [shutil.copy(file, own) for kind in ("target", "slice", "mount")
            for file in pathlib.Path("/usr/lib/systemd/system").glob(f"*.{kind}") if not (own / file.name).exists()]
    said = run("systemd-analyze", "verify", "--man=no", f"--root={debian.root}", *units)
    expect([line for line in said.splitlines() if "gatehouse" in line], [])
    for file in lent:
        pathlib.Path(file).unlink()
    for unit in units:
        run("systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={WORST_EXPOSURE}",
            f"--root={debian.root}", unit)


def check_setup(debian, services):
    """Under five commands from packages to a cluster: install, gatehouse-setup, systemctl, prometheus."""
    refused = subprocess.run(["chroot", debian.root, "gatehouse-setup", "127.0.0.1"], text=True, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, env=chroot.ENVIRONMENT, check=False)
    expect((refused.returncode, refused.stdout),
           (1, "gatehouse-setup: /etc/default/gatehouse-proxy has settings already; --force replaces them\n"))
    install, setup, enable, monitor = readme_commands()
    expect(install.startswith("apt install ./gatehouse-*.deb"), True)
    said = debian.run(*setup.replace("gatehouse-setup", "gatehouse-setup --force").split())
    units = run("bash", "-c", f"echo {enable.removeprefix('systemctl enable --now ')}").split()
    expect(said.partition("systemctl enable --now ")[2].splitlines()[0].split(), units)
    expect(monitor.partition("--config.file=")[2] in said, True)
    services.start(*units[:3])
    services.start(units[3])
    expect(len(call(23790, "/v3/cluster/member/list", {})["members"]), 3)
    put(23790, "of three", "members")
    expect(get(23790, "of three"), "members")
    check_monitoring(debian)
    services.stop()
    # On three hosts: who this one is follows from its address.
    debian.run("gatehouse-setup", "--force", "10.9.9.1", "127.0.0.1", "10.9.9.3")
    text = (debian.root / MEMBER_SETTINGS).read_text(encoding="utf-8")
    for line in ("ETCD_NAME=member-2", "ETCD_LISTEN_CLIENT_URLS=http://127.0.0.1:2379",
                 "ETCD_INITIAL_CLUSTER=member-1=http://10.9.9.1:2380,member-2=http://127.0.0.1:2380,"
                 "member-3=http://10.9.9.3:2380"):
        expect(line in text.splitlines(), True)


def readme_commands():
    """Those of the README's way from packages to a cluster."""
    text = (cluster.ROOT / "README.md").read_text(encoding="utf-8").partition("## Install from packages")[2]
    block = text.partition("```sh ignore\n")[2].partition("```")[0]
    return [line.partition("#")[0].strip() for line in block.splitlines()]


def check_monitoring(debian):
    """Each target of the Prometheus configuration answers with metrics."""
    text = (debian.root / "etc/gatehouse/prometheus.yml").read_text(encoding="utf-8")
    try:
        import yaml
    except ImportError:
        print("python3-yaml is not there: what Prometheus would scrape is not tried")
        return
    config = yaml.safe_load(text)
    for rules in config.get("rule_files", []):
        expect((debian.root / rules.lstrip("/")).exists(), True)
    targets = [(f"http://{target}{job.get('metrics_path', '/metrics')}", job["job_name"]) for job in config["scrape_configs"]
               for static in job["static_configs"] for target in static["targets"]]
    expect(len(targets), 4)
    for url, job in targets:
        with urllib.request.urlopen(url, timeout=10) as answer:
            metric = {"etcd": "etcd_server_has_leader 1", "gatehouse-proxy": "gatehouse_proxy_build_info"}[job]
            expect(metric in answer.read().decode(), True)


def call(port, path, request):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", json.dumps(request).encode(), timeout=30) as answer:
        return json.load(answer)


def encode(text):
    return base64.b64encode(text.encode()).decode()


def put(port, key, value):
    call(port, "/v3/kv/put", {"key": encode(key), "value": encode(value)})


def get(port, key):
    return base64.b64decode(call(port, "/v3/kv/range", {"key": encode(key)})["kvs"][0]["value"]).decode()


def expect(value, wanted):
    if value != wanted:
        raise AssertionError(f"{value!r} where {wanted!r} was expected")


if __name__ == "__main__":
    sys.exit(main())
