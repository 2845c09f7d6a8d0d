"""A fresh Debian in a directory, its packages, and the units of systemd started by hand as systemd would start them."""

import ctypes
import fcntl
import os
import pathlib
import re
import shlex
import shutil
import socket
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import cluster  # noqa: E402

RELEASE, ARCHIVE = "bookworm", "http://deb.debian.org/debian"
BASE = cluster.ROOT / "build/packages-base"  # what debootstrap made, kept for the next run
CLONE_NEWNS, CLONE_NEWNET, MS_REC, MS_PRIVATE = 0x20000, 0x40000000, 0x4000, 0x40000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive",
               **{name: os.environ[name] for name in ("http_proxy", "https_proxy") if name in os.environ}}
_libc = ctypes.CDLL(None, use_errno=True)


def run(*argv, **options):
    """The output of a command that has to succeed."""
    done = subprocess.run([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{shlex.join(str(word) for word in argv)} ended with {done.returncode}:\n"
                             f"{cluster.tail(done.stdout, 30)}")
    return done.stdout


def _unshare(flags, what):
    if _libc.unshare(flags) != 0:
        raise cluster.NotHere(f"no {what} of its own: {os.strerror(ctypes.get_errno())}")


def own_mounts():
    """What this process mounts from now on is seen by nobody else and gone with it."""
    _unshare(CLONE_NEWNS, "mount space")
    _libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)


def own_network():
    """From now on a network of this process and its children only, which is a loopback interface: every port is free."""
    _unshare(CLONE_NEWNET, "network")
    with socket.socket() as any_socket:
        request = struct.pack("16sh22x", b"lo", 0)
        flags = struct.unpack("16sh22x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | IFF_UP))


def make_base(packages):
    """Makes BASE once; raises NotHere where it cannot. `packages` are fetched into its cache, not installed."""
    if os.geteuid() != 0:
        raise cluster.NotHere("a chroot takes root")
    if shutil.which("debootstrap") is None:
        raise cluster.NotHere("debootstrap is not there")
    if not (BASE / "etc/apt/sources.list").exists():
        shutil.rmtree(BASE, ignore_errors=True)
        stage = BASE.with_suffix(".new")
        shutil.rmtree(stage, ignore_errors=True)
        done = subprocess.run(["debootstrap", "--variant=minbase", RELEASE, stage, ARCHIVE], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise cluster.NotHere("debootstrap failed: " + cluster.tail(done.stdout, 2))
        (stage / "etc/hosts").write_text("127.0.0.1 localhost\n", encoding="utf-8")  # as Debian's installer does
        stage.rename(BASE)
    base = Chroot(BASE)
    base.run("apt-get", "-qq", "update")
    base.run("apt-get", "-qq", "install", "-y", "--no-install-recommends", "--download-only", *base.put(packages))


class Chroot:
    def __init__(self, root):
        self.root = pathlib.Path(root)

    def run(self, *argv):
        return run("chroot", self.root, *argv, env=ENVIRONMENT)

    def put(self, packages):
        """Copies files into its /tmp and returns their names there."""
        for package in packages:
            shutil.copy(package, self.root / "tmp")
        return [f"/tmp/{pathlib.Path(package).name}" for package in packages]

    def install(self, packages):
        """From the files, with what they depend on. A conffile that was changed stays."""
        return self.run("apt-get", "-qq", "install", "-y", "--no-install-recommends",
                        "-o", "Dpkg::Options::=--force-confold", *self.put(packages))

    def files(self, word):
        """All paths that have `word` in their name, but for what dpkg and apt keep for themselves."""
        own = ("/proc/", "/var/lib/dpkg/", "/var/cache/", "/var/lib/apt/", "/tmp/")
        found = self.run("find", "/", "-xdev", "-name", f"*{word}*").split()
        return sorted(path for path in found if not path.startswith(own))


class Unit:
    """A service of the chroot: its settings, and the process that they describe."""

    def __init__(self, chroot, name, directory):
        self.chroot, self.name = chroot, name
        self.directory = pathlib.Path(directory)
        base, _, instance = name.partition("@")
        file = chroot.root / "usr/lib/systemd/system" / (f"{base}@.service" if instance else f"{base}.service")
        self.settings = {}
        for line in file.read_text(encoding="utf-8").splitlines():
            if match := re.fullmatch(r"(\w+)=(.*)", line):
                value = match[2].replace("%H", socket.gethostname()).replace("%i", instance)
                if "%" in value:
                    raise AssertionError(f"this test does not know what {value} stands for")
                self.settings.setdefault(match[1], []).append(value)
        self.process = None
        self.socket = None

    def one(self, key):
        values = self.settings[key]
        if len(values) != 1:
            raise AssertionError(f"{self.name}: {key} is there {len(values)} times")
        return values[0]

    def environment(self):
        variables = dict(setting.split("=", 1) for setting in self.settings["Environment"])
        for name in self.settings["EnvironmentFile"]:
            file = self.chroot.root / name.lstrip("-/")
            if not file.exists() and name.startswith("-"):
                continue
            for line in file.read_text(encoding="utf-8").splitlines():
                if line.strip() and not line.startswith("#"):
                    key, value = line.split("=", 1)
                    variables[key] = " ".join(shlex.split(value))
        return variables

    def argv(self):
        variables = self.environment()
        words = []
        for word in self.one("ExecStart").split():
            # "$NAME" as a word of its own is split into words, none of them if it is empty.
            words += variables.get(word[1:], "").split() if word.startswith("$") else [word]
        return words

    def start(self, watchdog_ms=400):
        """Starts it as its user, with a supervisor that wants to hear from it every `watchdog_ms`."""
        if self.one("Type") != "notify" or not self.one("WatchdogSec"):
            raise AssertionError(f"{self.name} is not watched")
        state = self.chroot.root / "var/lib" / self.one("StateDirectory")
        if not state.exists():  # as systemd does
            state.mkdir(mode=int(self.one("StateDirectoryMode"), 8))
            self.chroot.run("chown", f"{self.one('User')}:{self.one('Group')}", f"/var/lib/{state.name}")
        supervisor = f"@gatehouse-packages-{os.getpid()}-{self.name}"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + supervisor[1:])
        environment = {**self.environment(), "NOTIFY_SOCKET": supervisor, "WATCHDOG_USEC": str(watchdog_ms * 1000),
                       "PATH": ENVIRONMENT["PATH"]}
        with open(self.directory / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(
                ["chroot", f"--userspec={self.one('User')}:{self.one('Group')}", self.chroot.root, *self.argv()],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                umask=int(self.one("UMask"), 8), preexec_fn=cluster._die_with_parent)

    def wait_for_message(self, wanted, timeout_s=30.0):
        self.socket.settimeout(timeout_s)
        while True:
            try:
                message = self.socket.recv(256).decode()
            except TimeoutError:
                raise AssertionError(f"{self.name} did not say {wanted}:\n{self.log()}") from None
            if message == wanted:
                return

    def log(self):
        return cluster.tail((self.directory / f"{self.name}.log").read_text(encoding="utf-8", errors="replace"))

    def stop(self):
        """As systemd does; it has to say so, and to end as asked."""
        self.process.terminate()
        self.wait_for_message("STOPPING=1")
        code = self.process.wait(cluster.STOP_TIMEOUT_S)
        if code not in (0, -15):  # what systemd takes for a clean end
            raise AssertionError(f"{self.name} ended with {code}:\n{self.log()}")
        self.socket.close()

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
