"""One tool with its cluster, and its outcomes without what is unique to them: ids, addresses, times."""

import os
import re
import signal
import subprocess
import threading
import time

DURATION = re.compile(r"(?<![0-9A-Za-z.])(?:[0-9.]+(?:h|ms|µs|ns|m|s))+(?![0-9A-Za-z])")


class Side:
    def __init__(self, name, tools, member, directory, tls=None):
        self.name = name
        self.tools = {key: str(tool) for key, tool in tools.items()}
        self.member = member
        self.directory = directory
        self.values = {"endpoint": member.endpoint, "peer": member.peer_url}  # for {names} in words
        if tls:
            self.values |= {"ca": str(tls.ca), "cert": str(tls.cert), "key": str(tls.key)}
        self.certificates = [f"--cacert={tls.ca}", f"--cert={tls.cert}", f"--key={tls.key}"] if tls else []
        self.names = {}  # what is printed -> its name
        self.last = None
        self._learn_member()

    def _learn_member(self):
        port = self.member.endpoint.rpartition(":")[2]
        self.names[port] = "<port>"
        self.names[self.member.peer_url.rpartition(":")[2]] = "<peer port>"
        listed = subprocess.run([self.tools["ctl"], f"--endpoints={self.member.endpoint}", *self.certificates,
                                 "member", "list", "-w", "json"], capture_output=True, text=True, check=True,
                                env=self.environment(None)).stdout
        self.learn_id("cluster", int(re.search(r'"cluster_id":(\d+)', listed)[1]))
        self.learn_id("member", int(re.search(r'"ID":(\d+)', listed)[1]))

    def learn_id(self, name, number):
        self.values[name] = f"{number:x}"
        for form in (str(number), f"{number:x}", f"{number:016x}"):
            self.names[form] = f"<{name}>"

    def learn(self, name, pattern):
        found = re.search(pattern, self.last["stdout"].decode("utf-8", "replace"))
        self.learn_id(name, int(found[1], 16) if found else 0)

    def learn_number(self, name, pattern):
        found = re.search(pattern, self.last["stdout"].decode("utf-8", "replace"))
        if found:
            self.names[found[1]] = f"<{name}>"

    def environment(self, more):
        # Nothing of the user's own settings, nor of a machine's proxies.
        own = {key: value for key, value in os.environ.items() if not key.startswith(("ETCDCTL_", "ETCD_"))
               and key.lower() not in ("http_proxy", "https_proxy", "no_proxy", "all_proxy")}
        for key, value in (more or {}).items():
            own[key] = value.format(**self.values)
        return own

    def start(self, words, environment, endpoints, tool):
        argv = [self.tools[tool]]
        if endpoints and tool == "ctl":
            argv.append(f"--endpoints={self.member.endpoint}")
        argv += [re.sub(r"\{(\w+)\}", lambda match: self.values[match[1]], word) for word in words]
        return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                cwd=self.directory, env=self.environment(environment))

    @staticmethod
    def finish(process, stdin, timeout_s):
        try:
            stdout, stderr = process.communicate(stdin.encode(), timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
            stderr += b"TIMEOUT"
        return {"stdout": stdout, "stderr": stderr, "exit": process.returncode}

    @staticmethod
    def end(process, until, timeout_s):
        """Collects until it has said enough or ended, then SIGTERM."""
        stdout, stderr = bytearray(), bytearray()
        changed = threading.Condition()

        def read(pipe, into):
            while piece := os.read(pipe.fileno(), 65536):
                with changed:
                    into.extend(piece)
                    changed.notify()
            with changed:
                changed.notify()

        threads = [threading.Thread(target=read, args=pair, daemon=True)
                   for pair in ((process.stdout, stdout), (process.stderr, stderr))]
        for thread in threads:
            thread.start()
        with changed:
            deadline = time.monotonic() + timeout_s
            # By turns: what is waited for may be seen elsewhere.
            while not until(stdout.decode("utf-8", "replace")) and process.poll() is None and time.monotonic() < deadline:
                changed.wait(0.1)
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(timeout_s)
        for thread in threads:
            thread.join()
        process.stdin.close()
        return {"stdout": bytes(stdout), "stderr": bytes(stderr), "exit": process.returncode}

    def named(self, text):
        text = re.sub(r"\b(etcdctl|etcdutl|gatehousectl)\b", "<tool>", text)
        text = DURATION.sub("<time>", text)
        pattern = "|".join(re.escape(form) for form in sorted(self.names, key=len, reverse=True))
        text = re.sub(r"(?<![0-9A-Za-z])(?:" + pattern + r")(?![0-9A-Za-z])", lambda match: self.names[match[0]], text)
        return re.sub(" +<", " <", text)  # %16x pads with blanks

    def outcome(self, tidy):
        output = self.last["stdout"]
        errors = self.last["stderr"].decode("utf-8", "replace")
        try:
            text = self.named(output.decode("utf-8"))
        except UnicodeDecodeError:
            try:
                text = self.named(str(wire(output)))
            except IndexError:  # text before it (user get --detail)
                for name in ("cluster", "member"):
                    output = output.replace(varint(int(self.values[name], 16)), b"")
                text = f"{len(output)} bytes and the ids"
        if re.search(r"[│┌]", text):  # ids and sizes may have other widths
            text = re.sub(r"─+", "─", re.sub(r" +", " ", text))
        # The raft term may differ after an election that took two rounds.
        text = re.sub(r'("raft_term":|"RaftTerm" : )\d+', r"\1<term>", text)
        return {"stdout": tidy(text) if tidy else text, "stderr": self.errors(errors), "exit": self.last["exit"]}

    def errors(self, text):
        text = re.split(r"^Usage:$", text, maxsplit=1, flags=re.M)
        lines = [line for line in text[0].splitlines() if not line.startswith(("{", "stty:"))
                 and not re.match(r"\d{4}-\d\d-\d\dT", line)]
        if lines and lines[0].startswith("ETCDCTL_"):  # --debug: the rest is what Go's gRPC says of itself
            lines = [line for line in lines if line.startswith("ETCDCTL_")]
        return self.named("\n".join(lines)).splitlines() + (["<usage>"] if len(text) > 1 else [])


def varint(number):
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    return bytes([*encoded, number])


def wire(data):
    """A protobuf message without its .proto: (field, value) pairs; what may be a message is one."""
    fields = []
    at = 0

    def varint():
        nonlocal at
        number = shift = 0
        while True:
            byte = data[at]
            at += 1
            number |= (byte & 127) << shift
            if byte < 128:
                return number
            shift += 7

    while at < len(data):
        tag = varint()
        kind = tag & 7
        if kind == 0:
            fields.append((tag >> 3, str(varint())))
        elif kind == 2:
            size = varint()
            value = data[at:at + size]
            if len(value) != size:
                raise IndexError
            at += size
            fields.append((tag >> 3, inner(value)))
        else:
            raise IndexError
    return fields


def inner(value):
    try:
        return wire(value) if len(value) > 8 else value
    except IndexError:
        return value
