"""What the comparisons of this directory share: rounds that alternate between servers, CPU from /proc, medians, RESULTS.md.

A round measures every server once, one right after the other, so that what else the machine does falls on all alike;
numbers are medians over rounds, ratios the medians of the ratios within a round.
"""

import datetime
import os
import pathlib
import re
import shlex
import shutil
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RESULTS = HERE / "RESULTS.md"
LOAD_WHEN_BEGUN = os.getloadavg()[0]
BUSY_LOAD = 0.5
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
MIN_ROUNDS = 5


class Load:
    """One shape of load: `connections` x `streams` of h2load."""

    def __init__(self, connections, streams):
        self.connections, self.streams = connections, streams
        self.name = f"{connections} x {streams}"


SHAPES = [Load(16, 16), Load(64, 1)]


class Sample:
    """What one run of h2load against one server gave."""

    def __init__(self, requests, seconds, cpu_s):
        self.rate = requests / seconds
        self.cpu_us = cpu_s * 1e6 / requests


def cpu_seconds(pids):
    """User and system time that the processes have used so far (proc(5): fields 14 and 15 of stat)."""
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / CLOCK_TICKS


def h2load_command(load, requests, url, body):
    return ["h2load", f"-n{requests}", f"-c{load.connections}", f"-m{load.streams}", "-d", str(body),
            "-H", "content-type: application/grpc", "-H", "te: trailers", url]


def h2load(load, requests, url, body, pids):
    """Runs h2load; every request has to succeed, or there is nothing to compare."""
    before = cpu_seconds(pids)
    output = subprocess.run(h2load_command(load, requests, url, body), check=True, stdout=subprocess.PIPE,
                            text=True).stdout
    cpu = cpu_seconds(pids) - before
    finished = re.search(r"finished in ([\d.]+)(us|ms|s|m),", output)
    succeeded = re.search(r"(\d+) succeeded", output)
    if not finished or not succeeded or int(succeeded[1]) != requests:
        raise RuntimeError(f"h2load against {url}: not every request succeeded:\n{output}")
    seconds = float(finished[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}[finished[2]]
    return Sample(requests, seconds, cpu)


class Server:
    """One of the servers compared: where it answers and whose CPU counts."""

    def __init__(self, name, url, pids):
        self.name, self.url, self.pids = name, url, list(pids)


def alternate(servers, shapes, body, rounds, seconds, progress):
    """{(shape name, server name): [Sample, ...]}, the k-th sample of every server from the same round."""
    samples = {}
    for load in shapes:
        requests = {}
        for server in servers:  # a warm-up that also tells how many requests fill a round
            warm_up = h2load(load, 20 * load.connections * load.streams, server.url, body, server.pids)
            warm_up = h2load(load, max(2000, int(warm_up.rate / 2)), server.url, body, server.pids)
            requests[server.name] = max(2000, int(warm_up.rate * seconds))
        for number in range(rounds):
            # Every other round in reverse, so that nobody always follows the same neighbour.
            for server in servers if number % 2 == 0 else reversed(servers):
                progress(f"{load.name}: round {number + 1} of {rounds}, {server.name}")
                samples.setdefault((load.name, server.name), []).append(
                    h2load(load, requests[server.name], server.url, body, server.pids))
    progress(None)
    return samples


def show_progress(text):
    if sys.stderr.isatty():
        print("\r\x1b[K" + (text or ""), end="", file=sys.stderr, flush=True)


def median_of(samples, field):
    return statistics.median(getattr(sample, field) for sample in samples)


def median_ratio(ours, theirs, field):
    return statistics.median(getattr(a, field) / getattr(b, field) for a, b in zip(ours, theirs))


def table(samples, shapes, servers, base):
    """The rows of a Markdown table; ratios are to the server named `base`."""
    lines = [f"| load | server | requests/s | lowest..highest | x {base} | CPU us a request | x {base} |",
             "|---|---|---:|---:|---:|---:|---:|"]
    for load in shapes:
        reference = samples[(load.name, base)]
        for server in servers:
            mine = samples[(load.name, server.name)]
            rates = [sample.rate for sample in mine]
            lines.append(f"| {load.name} | {server.name} | {median_of(mine, 'rate'):,.0f} | "
                         f"{min(rates):,.0f}..{max(rates):,.0f} | {median_ratio(mine, reference, 'rate'):.2f} | "
                         f"{median_of(mine, 'cpu_us'):.2f} | {median_ratio(mine, reference, 'cpu_us'):.2f} |")
    return lines


def verdict(name, value, wanted, at_least):
    met = value >= wanted if at_least else value <= wanted
    return f"- {name}: {value:.2f}, wanted {'>=' if at_least else '<='} {wanted:.2f}: {'met' if met else 'MISSED'}"


def first_line(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=True).stdout.splitlines()[0].strip()


def package_version(package):
    done = subprocess.run(["dpkg-query", "-W", "-f=${Version}", package], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=False)
    return done.stdout.strip() or "unknown"


def machine():
    model = re.search(r"model name\s*:\s*(.+)", pathlib.Path("/proc/cpuinfo").read_text())
    return f"{os.cpu_count()} cores ({model[1].strip() if model else os.uname().machine}), Linux {os.uname().release}"


def revision():
    return first_line("git", "-C", str(ROOT), "describe", "--always", "--dirty")


def section(title, facts, lines):
    """The text of a section of RESULTS.md."""
    command = shlex.join([os.path.relpath(sys.argv[0], ROOT), *sys.argv[1:]])
    head = [f"## {title}", "", f"- `{command}`, {datetime.date.today().isoformat()}, Gatehouse {revision()}",
            f"- {machine()}; load average when it began: {LOAD_WHEN_BEGUN:.2f}"]
    if LOAD_WHEN_BEGUN > BUSY_LOAD:
        head.append("- the machine was busy with other things: of these figures only the CPU a request is worth something")
    return "\n".join([*head, *(f"- {fact}" for fact in facts), "", *lines]) + "\n"


def record(title, text):
    """Puts the section in RESULTS.md in place of an earlier one of that title."""
    old = RESULTS.read_text() if RESULTS.exists() else (
        "# Measured\n\nWritten by the programs of this directory (`--record`), never by hand. Every table compares servers in one run\n"
        "on one machine; compare ratios, not numbers of different tables.\n")
    parts = re.split(r"(?m)^(?=## )", old)
    kept = [part.rstrip() + "\n" for part in parts if not part.startswith(f"## {title}\n")]
    RESULTS.write_text("\n".join([*kept, text]))


def finish(title, facts, lines, write):
    text = section(title, facts, lines)
    print(text)
    if write:
        record(title, text)
        print(f"recorded in {RESULTS.relative_to(ROOT)}", file=sys.stderr)


def need(program):
    if shutil.which(program) is None:
        sys.exit(f"{program} is missing: tests/run installs it (Debian: nghttp2-client)")


def require_program(path):
    if not path.exists():
        sys.exit(f"{path} is missing: cmake --build build/release --target {path.name}")


def add_options(parser, build=True):
    if build:
        parser.add_argument("--bin", type=lambda given: pathlib.Path(given).resolve(), default=ROOT / "build/release/bin",
                            help="where the binaries are (default: build/release/bin)")
    parser.add_argument("--rounds", type=int, default=MIN_ROUNDS, help=f"alternating rounds (default: {MIN_ROUNDS})")
    parser.add_argument("--seconds", type=float, default=2.0, help="about how long each measurement takes (default: 2)")
    parser.add_argument("--record", action="store_true", help="put the table into tests/bench/RESULTS.md")
