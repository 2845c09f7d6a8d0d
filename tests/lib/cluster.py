"""Real processes for tests: members (stock etcd or ours), clusters of them, and proxies in front of them, on loopback.

Every process has a directory and a log of its own, is waited for by what it answers (never by a fixed sleep), is ended
by its process id, and dies with the test that started it. Python's standard library only.
"""

import contextlib
import ctypes
import http.client
import json
import os
import pathlib
import random
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 60.0  # generous: two cores may be busy compiling
STOP_TIMEOUT_S = 20.0
POLL_S = 0.02
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_given_ports = set()


class StartError(RuntimeError):
    """A process ended, or did not answer in time, while it was being started."""


class AddressInUse(StartError):
    """Another program took a port between our choosing it and the process binding it."""


def free_port():
    """A loopback port that nobody listens on and that this process has not handed out before.

    Chosen below the kernel's ephemeral range, so that an outgoing connection does not take it in between.
    """
    while True:
        port = random.randrange(12000, 32000)
        if port in _given_ports:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given_ports.add(port)
        return port


def wait_for(condition, what, timeout_s=START_TIMEOUT_S):
    """Polls `condition` until it is true and returns its value; raises TimeoutError naming `what`."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_s:.0f} s for {what}")
        time.sleep(POLL_S)


def oracle_bin():
    """The directory of stock etcd and etcdctl: GATEHOUSE_ORACLE if set, else what tests/oracle/unpack fetches."""
    given = os.environ.get("GATEHOUSE_ORACLE")
    if given:
        return pathlib.Path(given)
    return pathlib.Path(subprocess.run([ROOT / "tests/oracle/unpack"], check=True, stdout=subprocess.PIPE, text=True,
                                       stdin=subprocess.DEVNULL).stdout.strip())


ETCD_34, ETCD_37, OURS = "etcd-3.4", "etcd-3.7", "ours"
KINDS = (ETCD_34, ETCD_37, OURS)
SKIPPED = 77  # the exit code by which a test says that it could not run here


class NotHere(RuntimeError):
    """A program that this machine cannot have, such as what takes Go to build. A test that needs it is skipped."""


def oracle_go_bin():
    """The directory of etcd, etcdctl and etcdutl 3.7, which tests/oracle/build_go builds once. Raises NotHere."""
    done = subprocess.run([ROOT / "tests/oracle/build_go"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          stdin=subprocess.DEVNULL, check=False)
    if done.returncode == SKIPPED:
        raise NotHere(done.stderr.strip())
    if done.returncode != 0:
        raise RuntimeError(f"tests/oracle/build_go failed:\n{done.stderr}")
    return pathlib.Path(done.stdout.strip())


def server_binary(kind):
    """The program of a kind of member: one of KINDS, or a path to another that takes etcd's flags. Ours is
    GATEHOUSE_MEMBER if set, else that of the release build."""
    if kind == ETCD_34:
        return oracle_bin() / "etcd"
    if kind == ETCD_37:
        return oracle_go_bin() / "etcd"
    given = pathlib.Path(os.environ.get("GATEHOUSE_MEMBER", ROOT / "build/release/bin/gatehouse-member") if kind == OURS
                         else kind).resolve()
    if not given.exists():
        raise NotHere(f"{given} is missing")
    return given


def kind_of(kind):
    """Whose behaviour to expect of a member: that of a program given by its path is ours."""
    return kind if kind in KINDS else OURS


def http_get(port, path, timeout_s=5.0):
    """(status, body) of a GET on loopback, or None when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Daemon:
    """One process. start() again after stop() or kill() runs the same command on the same ports and directory."""

    def __init__(self, name, argv, directory, environment=None):
        self.name = name
        self.argv = [str(word) for word in argv]
        self.environment = dict(environment or {})  # beside that of the test
        self.directory = pathlib.Path(directory)
        self.log_path = self.directory / f"{name}.log"
        self.process = None
        self._log_start = 0

    def spawn(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        # Settings of the user's own etcd and proxy must not leak in.
        environment = {k: v for k, v in os.environ.items()
                       if not k.startswith(("ETCD_", "ETCDCTL_", "GATEHOUSE_PROXY"))}
        environment.update(self.environment)
        with open(self.log_path, "ab") as log:
            self._log_start = log.tell()
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.directory, env=environment, preexec_fn=_die_with_parent)

    def log(self):
        """What it has logged since it was last started."""
        try:
            with open(self.log_path, "rb") as file:
                file.seek(self._log_start)
                return file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def check_alive(self):
        if not self.alive():
            log = self.log()
            kind = AddressInUse if "address already in use" in log else StartError
            code = self.process.returncode if self.process else "none"
            raise kind(f"{self.name} ended with {code}:\n{tail(log)}")
        return True

    def pause(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def kill(self):
        """Ends it at once, as a crash would."""
        if self.alive():
            self.process.kill()
        if self.process:
            self.process.wait()

    def stop(self, timeout_s=STOP_TIMEOUT_S):
        """Asks it to end, then insists. Returns the exit code (negative: the signal), None if it was never started."""
        if self.process is None:
            return None
        if self.alive():
            self.process.terminate()
            with contextlib.suppress(ProcessLookupError):
                self.resume()
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                print(f"{self.name} ignored SIGTERM for {timeout_s:.0f} s; killed", file=sys.stderr)
                self.process.kill()
        return self.process.wait()


class Member(Daemon):
    """One member of any kind. With `tls` its client port asks for a certificate."""

    def __init__(self, binary, name, ports, peers, directory, flags, tls):
        client_port, peer_port, self.health_port = ports
        self.endpoint = f"127.0.0.1:{client_port}"
        self.client_url = f"{'https' if tls else 'http'}://{self.endpoint}"
        if tls:
            flags = [*flags, "--cert-file", tls.cert, "--key-file", tls.key, "--trusted-ca-file", tls.ca,
                     "--client-cert-auth"]
        self.peer_url = f"http://127.0.0.1:{peer_port}"
        self.data_dir = pathlib.Path(directory) / f"{name}.etcd"
        super().__init__(name, [
            binary, "--name", name, "--data-dir", self.data_dir,
            "--listen-client-urls", self.client_url, "--advertise-client-urls", self.client_url,
            "--listen-metrics-urls", f"http://127.0.0.1:{self.health_port}", "--listen-peer-urls", self.peer_url,
            "--initial-advertise-peer-urls", self.peer_url,
            "--initial-cluster", peers, "--initial-cluster-token", "gatehouse-test",
            "--initial-cluster-state", "new", "--logger", "zap", "--log-outputs", "stderr", *flags], directory)

    def healthy(self):
        self.check_alive()
        answer = http_get(self.health_port, "/health")
        return answer is not None and answer[0] == 200 and json.loads(answer[1]).get("health") == "true"

    def start(self):
        """Starts it again, alone, and waits until it serves (the cluster must have a quorum)."""
        self.spawn()
        wait_for(self.healthy, f"{self.name} to be healthy")


class EtcdCluster:
    """`size` members of one kind (server_binary), stock etcd by default. A context manager; start() and stop()
    otherwise."""

    def __init__(self, size=1, directory=None, flags=(), tls=None, kind=ETCD_34):
        self.size = size
        self.tls = tls  # certificates.Certificates, for the client ports
        self.flags = list(flags)
        self.kind = kind_of(kind)
        self.binary = server_binary(kind)
        self._own_directory = directory is None
        self.directory = pathlib.Path(directory or tempfile.mkdtemp(prefix="gatehouse-etcd-"))
        self.members = []

    @property
    def endpoints(self):
        return [member.endpoint for member in self.members]

    def start(self):
        for attempt in range(5):
            try:
                self._start_once(attempt)
                return self
            except AddressInUse:
                self._stop_members()
            except BaseException:
                self._stop_members()
                raise
        raise StartError("no free ports found for etcd in five attempts")

    def _start_once(self, attempt):
        ports = [(free_port(), free_port(), free_port()) for _ in range(self.size)]
        peers = ",".join(f"m{i}=http://127.0.0.1:{peer}" for i, (_, peer, _) in enumerate(ports))
        directory = self.directory / f"etcd-{attempt}"
        self.members = [Member(self.binary, f"m{i}", ports[i], peers, directory, self.flags, self.tls)
                        for i in range(self.size)]
        for member in self.members:
            member.spawn()
        for member in self.members:
            wait_for(member.healthy, f"{member.name} to be healthy")

    def _stop_members(self):
        for member in self.members:
            member.kill()  # how etcd shuts down is not under test, and a cluster of three takes seconds for it

    def stop(self):
        self._stop_members()
        if self._own_directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def logs(self):
        return "\n".join(f"==== {member.name}\n{tail(member.log())}" for member in self.members)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if kind is not None:
            print(self.logs(), file=sys.stderr)
        self.stop()


class Proxy(Daemon):
    """gatehouse-proxy, or with GATEHOUSE_PROXY another program that takes `grpc-proxy start` and its flags."""

    READY = "started gRPC proxy"

    def __init__(self, endpoints, command=None, directory=None, flags=()):
        given = os.environ.get("GATEHOUSE_PROXY")
        self.command = shlex.split(given) if given else [str(command or ROOT / "build/release/bin/gatehouse-proxy")]
        self.upstream = list(endpoints)
        self.flags = list(flags)
        self._own_directory = directory is None
        super().__init__("proxy", [], directory or tempfile.mkdtemp(prefix="gatehouse-proxy-"))
        self.port = None

    @property
    def endpoint(self):
        return f"127.0.0.1:{self.port}"

    @property
    def url(self):
        return f"http://{self.endpoint}"

    @property
    def endpoints(self):
        return [self.endpoint]

    def start(self):
        for _ in range(5):
            self.port = self.port or free_port()
            self.argv = [*self.command, "grpc-proxy", "start", "--endpoints=" + ",".join(self.upstream),
                         f"--listen-addr={self.endpoint}", "--advertise-client-url=", *self.flags]
            self.spawn()
            try:
                wait_for(lambda: self.check_alive() and self.READY in self.log(), "the proxy to serve")
                return self
            except AddressInUse:
                self.port = None
            except BaseException:
                self.kill()
                raise
        raise StartError("no free port found for the proxy in five attempts")

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if kind is not None:
            print(f"==== proxy\n{tail(self.log())}", file=sys.stderr)
        self.stop()
        if self._own_directory:
            shutil.rmtree(self.directory, ignore_errors=True)


def tail(text, lines=15):
    return "\n".join(text.splitlines()[-lines:])
