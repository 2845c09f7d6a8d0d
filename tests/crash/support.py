"""What the crash tests share: a member that is killed and started again, the client that writes and checks, WAL frames."""

import argparse
import contextlib
import hashlib
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import cluster  # noqa: E402

# Elections within milliseconds: a member alone must wait for one whenever it starts. A segment's worth of snapshots, too.
FAST = ["--heartbeat-interval=10", "--election-timeout=100", "--snapshot-count=2000"]
SECTOR = 512


def parse(description, extra=lambda parser: None):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--member", default=cluster.OURS, help="a kind (tests/lib/cluster.py) or a program")
    parser.add_argument("--client", required=True, type=lambda given: pathlib.Path(given).resolve(), help="crash-client")
    parser.add_argument("--failing-fsync", help="the library failing-fsync")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("GATEHOUSE_SEED") or random.randrange(1 << 32)))
    parser.add_argument("--writers", type=int, default=16)
    extra(parser)
    options = parser.parse_args()
    print(f"{sys.argv[0]}: GATEHOUSE_SEED={options.seed}", flush=True)
    return options


def run(main):
    """Runs main() and turns what cannot be had here into a skipped test."""
    try:
        sys.exit(main())
    except cluster.NotHere as missing:
        print(f"skipped: {missing}")
        sys.exit(cluster.SKIPPED)


@contextlib.contextmanager
def scratch():
    with tempfile.TemporaryDirectory(prefix="gatehouse-crash-") as directory:
        yield pathlib.Path(directory)


def member(kind, directory, flags=(), environment=None):
    """One member, not started; its data is below `directory`."""
    ports = cluster.free_port(), cluster.free_port(), cluster.free_port()
    made = cluster.Member(cluster.server_binary(kind), "m0", ports, f"m0=http://127.0.0.1:{ports[1]}",
                          pathlib.Path(directory), [*FAST, *flags], None)
    made.environment.update(environment or {})
    return made


class Wrong(AssertionError):
    """The store is not what was acknowledged."""


class Client:
    """crash-client: see crash_client.cc for its commands."""

    def __init__(self, options, endpoint):
        self.endpoint = endpoint
        self.process = subprocess.Popen([options.client, str(options.seed), str(options.writers)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)

    def begin(self, command):
        self.process.stdin.write(f"{command} {self.endpoint}\n")

    def answer(self):
        line = self.process.stdout.readline().strip()
        if not line or line.startswith("wrong"):
            raise Wrong(line or "crash-client ended")
        return line

    def ask(self, command):
        self.begin(command)
        return self.answer()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.kill()
        self.process.wait()


def wal_files(data_dir):
    return sorted((pathlib.Path(data_dir) / "member/wal").glob("*.wal"))


def frames(path):
    """(offset, length of the record, length with its padding) of each frame of a segment up to the first that is none."""
    found = []
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        offset = 0
        while offset + 8 <= size:
            file.seek(offset)
            (field,) = struct.unpack("<Q", file.read(8))
            length, padding = field & ((1 << 56) - 1), (field >> 56) & 7
            if field == 0 or offset + 8 + length + padding > size:
                break
            found.append((offset, length, length + padding))
            offset += 8 + length + padding
    return found


def digests(directory):
    """SHA-256 by relative path of every file."""
    directory = pathlib.Path(directory)
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(directory.rglob("*")) if path.is_file()}


def copy(source, target):
    """A copy of a data directory; preallocated zeros stay holes."""
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "-a", "--sparse=always", source, target], check=True)
