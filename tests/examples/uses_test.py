#!/usr/bin/python3
"""The examples of one use, as its README runs them, against a member behind the proxy: what each program prints, how
those of different languages work together, and that they get over a proxy that restarts."""

import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import cluster  # noqa: E402
from cluster import NotHere  # noqa: E402

EXAMPLES = cluster.ROOT / "examples"
TIMEOUT_S = 60.0  # generous: two cores may be busy compiling


class Program:
    """An example that runs; what it prints is read as it comes."""

    def __init__(self, argv, environment):
        self.argv = [str(word) for word in argv]
        self.process = subprocess.Popen(self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, bufsize=1, env=environment, preexec_fn=cluster._die_with_parent)
        self.lines, self.errors, self._next = [], [], 0
        self._readers = [threading.Thread(target=self._read, args=pair, daemon=True)
                         for pair in ((self.process.stdout, self.lines), (self.process.stderr, self.errors))]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(stream, lines):
        for line in stream:
            lines.append(line.rstrip("\n"))

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def line(self, pattern):
        """The next line that it prints, which has to match."""
        def there():
            if len(self.lines) > self._next:
                return True
            if self.process.poll() is not None and not any(reader.is_alive() for reader in self._readers):
                raise self.wrong(f"ended with {self.process.returncode} where {pattern!r} was expected")
            return False
        cluster.wait_for(there, f"{pattern!r} from {' '.join(self.argv)}; {self.errors[-3:]}", TIMEOUT_S)
        line = self.lines[self._next]
        self._next += 1
        match = re.fullmatch(pattern, line)
        if match is None:
            raise self.wrong(f"printed {line!r} where {pattern!r} was expected")
        return match

    def until(self, pattern):
        """Skips lines until one matches."""
        while True:
            try:
                return self.line(pattern)
            except WrongLine:
                if self.process.poll() is not None and self._next >= len(self.lines):
                    raise

    def quiet(self):
        if len(self.lines) > self._next:
            raise self.wrong(f"printed {self.lines[self._next:]} where nothing was expected")

    def wrong(self, what):
        return WrongLine(f"{' '.join(self.argv)} {what}; errors: {self.errors[-5:]}")

    def end(self, code=0):
        """It ends by itself."""
        if self.process.wait(TIMEOUT_S) != code:
            raise self.wrong(f"ended with {self.process.returncode}")

    def interrupt(self):
        self.process.send_signal(signal.SIGTERM)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class WrongLine(AssertionError):
    pass


class Bench:
    """The member, the proxy, and the programs that run against it."""

    def __init__(self, proxy):
        self.proxy, self.programs = proxy, []

    def start(self, command, *words):
        program = Program([*command, *words], {**os.environ, "ETCD_ENDPOINT": self.proxy.endpoint})
        self.programs.append(program)
        return program

    def run(self, command, *words):
        program = self.start(command, *words)
        program.end()
        return program

    def kill(self):
        for program in self.programs:
            program.kill()


def python(path):
    if subprocess.run(["/usr/bin/python3", "-c", "import etcd3"], stderr=subprocess.DEVNULL, check=False).returncode:
        raise NotHere("python3-etcd3 is not there")
    return ["/usr/bin/python3", EXAMPLES / path]


def shell(path):
    return [EXAMPLES / path]


def javascript(path):
    """Runs from a copy in the build directory, beside the packages that npm puts there."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise NotHere("node and npm are not there")
    place = cluster.ROOT / "build/examples-js"
    place.mkdir(parents=True, exist_ok=True)
    with locked(place / ".lock"):
        manifest = (EXAMPLES / "package.json").read_text(encoding="utf-8")
        stamp = place / ".installed"
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != manifest:
            shutil.copy(EXAMPLES / "package.json", place)
            done = subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"],
                                  cwd=place, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, check=False)
            if done.returncode:
                raise NotHere(f"npm install failed: {cluster.tail(done.stdout, 1)}")
            stamp.write_text(manifest, encoding="utf-8")
        target = place / path.replace("/", "-")
        shutil.copy(EXAMPLES / path, target)
    return ["node", target]


def golang(path):
    if shutil.which("go") is None:
        raise NotHere("Go is not there")
    place = cluster.ROOT / "build/examples-go"
    place.mkdir(parents=True, exist_ok=True)
    program = place / path.split("/")[0]
    environment = {**os.environ, "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    with locked(place / ".lock"):
        for words in (["go", "mod", "download"], ["nice", "go", "build", "-p=1", "-o", program, f"./{path}"]):
            done = subprocess.run(words, cwd=EXAMPLES, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, check=False)
            if done.returncode:
                if "download" in words:
                    raise NotHere("Go is too old or has no module proxy")
                raise AssertionError(done.stdout)
    return [program]


class locked:
    """A file that one test at a time holds."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        import fcntl
        self.file = open(self.path, "w", encoding="utf-8")
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_):
        self.file.close()


def each_other(commands):
    """Pairs of a command and one of another language, where there is one."""
    return [(command, commands[(i + 1) % len(commands)]) for i, command in enumerate(commands)]


def service_discovery(bench, commands):
    for number, (command, other) in enumerate(each_other(commands)):
        name = f"web{number}"
        watch = bench.start(command, "watch", name)
        watch.line(rf"{name} \[\]")
        first = bench.start(command, "register", name, "10.0.0.1:80")
        first.line("registered 10.0.0.1:80")
        watch.line(rf"{name} \[10.0.0.1:80\]")
        second = bench.start(other, "register", name, "10.0.0.2:80")
        second.line("registered 10.0.0.2:80")
        watch.line(rf"{name} \[10.0.0.1:80 10.0.0.2:80\]")
        first.interrupt()  # says that it goes
        first.line("unregistered 10.0.0.1:80")
        watch.line(rf"{name} \[10.0.0.2:80\]")
        bench.proxy.stop()
        bench.proxy.start()
        third = bench.start(other, "register", name, "10.0.0.3:80")
        watch.until(rf"{name} \[10.0.0.2:80 10.0.0.3:80\]")
        second.kill()  # does not
        watch.until(rf"{name} \[10.0.0.3:80\]")
        third.interrupt()
        watch.until(rf"{name} \[\]")


def publish_subscribe(bench, commands):
    for number, (command, other) in enumerate(each_other(commands)):
        topic = f"news{number}"
        subscriber = bench.start(command, "subscribe", topic)
        subscriber.line(f"subscribed to {topic}")
        first = int(bench.run(other, "publish", topic, "it rains").line(r"published it rains at (\d+)")[1])
        subscriber.line(f"{first} it rains")
        # What is published while the subscriber has no connection comes when it has one again, once.
        bench.proxy.stop()
        bench.proxy.start()
        revisions = [int(bench.run(command, "publish", topic, f"message {i}").line(rf"published message {i} at (\d+)")[1])
                     for i in range(3)]
        for i, revision in enumerate(revisions):
            subscriber.until(f"{revision} message {i}")
        time.sleep(0.2)  # for what must not come
        subscriber.quiet()
        again = bench.start(other, "subscribe", topic, str(first))
        again.line(f"subscribed to {topic}")
        again.line(f"{first} it rains")
        for i, revision in enumerate(revisions):
            again.line(f"{revision} message {i}")


def load_balancing(bench, commands):
    for number, (command, other) in enumerate(each_other(commands)):
        name = f"api{number}"
        servers = [bench.start(each, "serve", name, address, weight)
                   for each, address, weight in ((command, "a", "3"), (other, "b", "1"))]
        for server in servers:
            server.line(r"serving at . with weight .")
        client = bench.start(command, "pick", name)
        client.until("servers a b")
        for address in "aabaaaba":
            client.say("")
            client.line(address)
        servers[0].interrupt()
        client.line("servers b")
        for _ in range(3):
            client.say("")
            client.line("b")
        servers[1].interrupt()
        client.line("servers")
        client.say("")
        client.line("nobody")


def coordination(bench, commands):
    for number, (command, other) in enumerate(each_other(commands)):
        name = f"start{number}"
        bench.run(command, "hold", name).line("held")
        waiting = [bench.start(each, "wait", name) for each in (command, other)]
        time.sleep(0.5)  # for what must not come; a wait that begins later would have to be right too
        for each in waiting:
            each.quiet()
        bench.run(other, "release", name).line("released")
        for each in waiting:
            each.line("through")
            each.end()
        bench.run(command, "wait", name).line("through")  # there is none any more
        for _ in range(2):  # a double barrier can be used again
            early = [bench.start(command, "together", f"batch{number}", "3") for _ in range(2)]
            time.sleep(0.3)
            for each in early:
                each.quiet()
            for each in [*early, bench.start(command, "together", f"batch{number}", "3")]:
                each.line("all 3 are here")
                each.line("all are done")
                each.end()


def lock_and_queue(bench, commands):
    counting = [bench.start(command, "count", "visits", "5") for command in commands * 2]
    for each in counting:
        each.end()
    bench.run(commands[0], "count", "visits", "1").line(rf"added 1, now {5 * len(counting) + 1}")
    workers = [bench.start(command, "work", "jobs") for command in commands * 2]
    for number, command in enumerate(commands):
        bench.run(command, "enqueue", "jobs", *[f"job-{number}-{i}" for i in range(10)])
    wanted = sorted(f"working on job-{number}-{i}" for number in range(len(commands)) for i in range(10))
    cluster.wait_for(lambda: sum(len(worker.lines) for worker in workers) >= len(wanted), "every job to be taken", TIMEOUT_S)
    time.sleep(0.2)  # for what must not come
    taken = sorted(line for worker in workers for line in worker.lines)
    if taken != wanted:
        raise AssertionError(f"the jobs taken are {taken}")


def leader_election(bench, commands):
    for number, (command, other) in enumerate(each_other(commands)):
        name = f"scheduler{number}"
        observers = [bench.start(each, "observe", name) for each in (command, other)]
        first = bench.start(command, "campaign", name, "a")
        first.line(r"a leads since revision \d+")
        second = bench.start(other, "campaign", name, "b")
        for observer in observers:
            observer.line(r"leader a after \d+ s")
        time.sleep(0.3)
        second.quiet()
        first.interrupt()
        first.line("a leads no more")
        second.line(r"b leads since revision \d+")
        third = bench.start(command, "campaign", name, "c")
        for observer in observers:
            observer.line(r"leader b after \d+ s")
        time.sleep(0.5)
        second.kill()  # its lease runs out
        third.line(r"c leads since revision \d+")
        for observer in observers:
            observer.line(r"leader c after \d+ s")


USES = {
    "service-discovery": (service_discovery, [(python, "service-discovery/discovery.py"), (golang, "service-discovery/go")]),
    "publish-subscribe": (publish_subscribe, [(shell, "publish-subscribe/pubsub.sh"),
                                              (javascript, "publish-subscribe/pubsub.js")]),
    "load-balancing": (load_balancing, [(python, "load-balancing/balance.py"), (javascript, "load-balancing/balance.js")]),
    "coordination": (coordination, [(python, "coordination/coordinate.py"), (golang, "coordination/go")]),
    "lock-and-queue": (lock_and_queue, [(python, "lock-and-queue/work.py"), (javascript, "lock-and-queue/work.js")]),
    "leader-election": (leader_election, [(shell, "leader-election/election.sh"), (golang, "leader-election/go")]),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("use", choices=USES)
    parser.add_argument("--member", default=cluster.OURS)
    parser.add_argument("--proxy", default=str(cluster.ROOT / "build/release/bin/gatehouse-proxy"))
    options = parser.parse_args()
    test, languages = USES[options.use]
    commands = []
    for make, path in languages:
        try:
            commands.append(make(path))
        except NotHere as why:
            print(f"{path} is skipped: {why}")
    if not commands:
        return cluster.SKIPPED
    with tempfile.TemporaryDirectory(prefix="gatehouse-uses-") as directory, \
            cluster.EtcdCluster(kind=options.member) as members, \
            cluster.Proxy(members.endpoints, command=options.proxy, directory=directory,
                          flags=["--drain-timeout=300ms"]) as proxy:  # streams do not end by themselves
        bench = Bench(proxy)
        try:
            test(bench, commands)
        finally:
            bench.kill()
    print(f"{options.use}: {len(commands)} of {len(languages)} languages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
