#!/usr/bin/env python3
"""Files that are not what they were: a flipped bit, a cut, another program's directory, another cluster's log. A member
must refuse to start with an error that names the file and where in it, and must leave every file as it was.

    files_test.py --client PROGRAM [--member KIND] [--seed N] [scenario...]
"""

import pathlib
import random
import re
import shutil
import subprocess
import sys
import time

import support

EXIT_TIMEOUT_S = 30.0
PAGE = 4096
CRASHES = {-4, -6, -7, -8, -11}  # SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV


def flip(path, offset, random_):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ (1 << random_.randrange(8))]))


def data_frames(path):
    """Frames that hold more than a header, not the last ones: damage there is no torn tail."""
    return [frame for frame in support.frames(path)[:-20] if frame[1] > 64]


def wal_record(data, random_, _):
    path = support.wal_files(data)[-1]
    offset, length, _ = random_.choice(data_frames(path))
    flip(path, offset + 8 + random_.randrange(20, length), random_)
    return path


def wal_length(data, random_, _):
    path = support.wal_files(data)[-1]
    offset, _, _ = random_.choice(data_frames(path))
    flip(path, offset + 1, random_)
    return path


def wal_head(data, random_, _):
    path = support.wal_files(data)[-1]
    flip(path, support.frames(path)[1][0] + 8 + 9, random_)  # the member's and the cluster's id
    return path


def wal_of_another_cluster(data, _, other):
    shutil.rmtree(data / "member/wal")
    support.copy(other / "member/wal", data / "member/wal")
    return data / "member"


def db_metas(data, random_, _):
    path = data / "member/snap/db"
    for page in (0, 1):
        flip(path, page * PAGE + 16 + random_.randrange(56), random_)
    return path


def db_of_random_bytes(data, random_, _):
    path = data / "member/snap/db"
    with open(path, "r+b") as file:
        file.write(random_.randbytes(4 * PAGE))
    return path


def db_cut(data, _, __):
    path = data / "member/snap/db"
    with open(path, "r+b") as file:
        file.truncate(2 * PAGE + 100)
    return path


def db_empty_of_text(data, _, __):
    path = data / "member/snap/db"
    path.write_text("SQLite format 3\0" + "x" * 5000)
    return path


def another_program(data, _, __):
    shutil.rmtree(data)
    (data / "base").mkdir(parents=True)
    (data / "PG_VERSION").write_text("15\n")
    (data / "postgresql.conf").write_text("port = 5432\n")
    return data


def member_is_a_file(data, _, __):
    shutil.rmtree(data / "member")
    (data / "member").write_text("not a directory\n")
    return data / "member"


# What is done; whether stock etcd refuses as well; whether an offset must be told.
SCENARIOS = {
    "wal record": (wal_record, True, True),
    "wal length": (wal_length, True, True),
    "wal head": (wal_head, True, True),
    "wal of another cluster": (wal_of_another_cluster, False, False),
    "db, both metas": (db_metas, True, True),
    "db, random bytes": (db_of_random_bytes, True, True),
    "db, cut": (db_cut, False, True),
    "db, text": (db_empty_of_text, True, True),
    "another program's directory": (another_program, False, False),
    "member is a file": (member_is_a_file, True, False),
}


def started_on(kind, directory, data):
    """A member spawned on this data directory."""
    member = support.member(kind, directory)
    member.argv[member.argv.index("--data-dir") + 1] = str(data)
    member.data_dir = data
    member.spawn()
    return member


def refuses(kind, directory, data, damaged, offset_wanted):
    """Starts the member and returns what is wrong with how it refuses, None if nothing is."""
    before = support.digests(data)
    member = started_on(kind, directory, data)
    try:
        code = member.process.wait(EXIT_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        member.kill()
        return "it started and stayed"
    if code == 0:
        return "exit code 0"
    if support.cluster.kind_of(kind) != support.cluster.OURS:
        return None
    changed = {name for name, digest in support.digests(data).items() if before.get(name) != digest} | (
        before.keys() - support.digests(data).keys())
    if changed - {name for name in changed if name.endswith((".lock", "LOCK"))}:
        return f"it changed {sorted(changed)}"
    if code in CRASHES:
        return f"it crashed with signal {-code}"
    said = [line for line in member.log().splitlines() if damaged.name in line]
    if not said:
        return f"no line names {damaged.name}:\n{support.cluster.tail(member.log())}"
    if offset_wanted and not any(re.search(r"(offset|page)\D{0,3}\d+", line) for line in said):
        return f"no offset in: {said[-1]}"
    return None


def flips_anywhere(options, directory, data, random_):
    """One bit anywhere in the database: pages have no checksum, so it may go unseen, but it must never be a crash."""
    size = (data / "member/snap/db").stat().st_size
    for number in range(12):
        copy = directory / "flipped"
        support.copy(data, copy)
        offset = random_.randrange(2 * PAGE, size) if number % 2 else PAGE * random_.randrange(2, size // PAGE) + random_.randrange(16)
        flip(copy / "member/snap/db", offset, random_)
        member = started_on(options.member, directory, copy)
        try:
            deadline = time.monotonic() + EXIT_TIMEOUT_S
            while member.alive() and time.monotonic() < deadline:
                answer = support.cluster.http_get(member.health_port, "/health")
                if answer and answer[0] == 200:
                    break
                time.sleep(0.02)
            subprocess.run([support.cluster.oracle_bin() / "etcdctl", "--endpoints", member.endpoint, "get", "", "--from-key"],
                           env={"ETCDCTL_API": "3"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30, check=False)
            code = member.process.poll()
            print(f"bit flip at offset {offset} of the database: {'serves' if code is None else f'exit code {code}'}", flush=True)
            if code in CRASHES and support.cluster.kind_of(options.member) == support.cluster.OURS:
                raise support.Wrong(f"crashed by a bit flip at {offset}\n{support.cluster.tail(member.log())}")
        finally:
            member.kill()


def make_data(options, directory, seconds):
    """The data directory of a member that has written for a while and was ended in good order, checked."""
    member = support.member(options.member, directory)
    with support.Client(options, member.endpoint) as client:
        try:
            member.spawn()
            client.ask("check")
            client.begin("write")
            time.sleep(seconds)
            member.stop()
            client.answer()
            member.spawn()
            print(f"data: {client.ask('check')}")
        finally:
            member.stop()
    return member.data_dir


def main():
    options = support.parse(__doc__, lambda parser: parser.add_argument("scenario", nargs="*", help="default: all"))
    random_ = random.Random(options.seed)
    ours = support.cluster.kind_of(options.member) == support.cluster.OURS
    wrong = 0
    with support.scratch() as directory:
        data = make_data(options, directory / "one", 0.7)
        other = make_data(options, directory / "other", 0.2)
        for name, (damage, stock_refuses, offset_wanted) in SCENARIOS.items():
            if (options.scenario and name not in options.scenario) or not (ours or stock_refuses):
                continue
            copy = pathlib.Path(directory / "copy")
            support.copy(data, copy)
            damaged = damage(copy, random_, other)
            problem = refuses(options.member, directory, copy, damaged, offset_wanted)
            print(f"{name}: {problem or 'refused'}", flush=True)
            wrong += problem is not None
        if not options.scenario:
            flips_anywhere(options, directory, data, random_)
    return 1 if wrong else 0


support.run(main)
