#!/usr/bin/env python3
"""kill -9 at random moments under load, hundreds of times on one data directory; often the log gets the torn tail that a
loss of power leaves. After each start every acknowledged write has to be there with its revision, and nothing else.

    kill_test.py --client PROGRAM [--member KIND] [--rounds N] [--seconds S] [--writers N] [--seed N]
"""

import os
import random
import struct
import sys
import time

import support


def tear_log(data_dir, random_):
    """Makes the end of the log that of a write which power loss cut short: behind the last whole frame, so that nothing
    that was acknowledged is touched. Returns what was done, for the transcript."""
    path = support.wal_files(data_dir)[-1]
    whole = support.frames(path)
    end = whole[-1][0] + 8 + whole[-1][2]
    with open(path, "r+b") as file:
        file.seek(end)
        if any(file.read(8)):
            return "left as the kill tore it"
        kind = random_.choice(["sectors", "short frame", "short length", "nothing follows"])
        if kind == "nothing follows":
            file.truncate(end)
        elif kind == "short length":
            file.truncate(end)
            file.seek(end)
            file.write(random_.randbytes(random_.randrange(1, 8)))
        else:
            length = 8 * random_.randrange(300, 2000)
            frame = bytearray(struct.pack("<Q", length) + b"\x08\x02\x10" + random_.randbytes(length - 3))
            if kind == "short frame":
                file.truncate(end)
                del frame[random_.randrange(8, len(frame)):]
            else:  # some sectors of it were written, others were not and are zero
                first = -end % support.SECTOR
                sectors = list(range(first, len(frame) - support.SECTOR, support.SECTOR))
                for start in random_.sample(sectors, random_.randrange(1, len(sectors) + 1)):
                    frame[start:start + support.SECTOR] = bytes(support.SECTOR)
            file.seek(end)
            file.write(frame)
        os.fsync(file.fileno())
    return kind


def one_round(number, member, client, random_):
    member.spawn()
    if random_.random() < 0.1:  # killed while it starts: it must start all the same the next time
        time.sleep(random_.uniform(0, 0.1))
        member.kill()
        what = "killed at its start"
        member.spawn()
    else:
        what = "killed under load"
    try:
        state = client.ask("check")
        if random_.random() < 0.15:
            state += ", " + client.ask("compact")
        client.begin("write")
        time.sleep(random_.uniform(0.001, 0.25))
        member.check_alive()
    finally:
        member.kill()
    wrote = client.answer()
    torn = tear_log(member.data_dir, random_) if random_.random() < 0.4 else "whole"
    print(f"round {number}: {state}; {wrote}; {what}; log: {torn}", flush=True)
    return int(wrote.split()[1])


def main():
    def extra(parser):
        parser.add_argument("--rounds", type=int, default=200)
        parser.add_argument("--seconds", type=float, default=150, help="no round begins after so many")

    options = support.parse(__doc__, extra)
    random_ = random.Random(options.seed)
    began = time.monotonic()
    acknowledged = rounds = 0
    with support.scratch() as directory:
        member = support.member(options.member, directory)
        with support.Client(options, member.endpoint) as client:
            try:
                while rounds < options.rounds and time.monotonic() - began < options.seconds:
                    acknowledged += one_round(rounds, member, client, random_)
                    rounds += 1
                member.spawn()
                print(f"at last: {client.ask('check')}")
            except Exception:
                print(f"round {rounds} of seed {options.seed}; the member's log ends with\n"
                      + support.cluster.tail(member.log(), 30), file=sys.stderr)
                raise
            finally:
                member.kill()
    seconds = time.monotonic() - began
    print(f"{rounds} rounds, {acknowledged} acknowledged writes, none lost; {seconds:.1f} s, {seconds / max(rounds, 1):.2f} s a round")
    return 0 if acknowledged > rounds else 1  # a test in which nothing is written proves nothing


support.run(main)
