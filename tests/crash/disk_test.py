#!/usr/bin/env python3
"""A disk that is full (a small tmpfs; needs root) and one that loses writes (fsync fails, or is slow; needs a dynamically
linked member, ours): the member stays up and says no, or ends and says why; nothing acknowledged is lost.

    disk_test.py --client PROGRAM --failing-fsync LIBRARY [--member KIND] [--seed N]
"""

import contextlib
import os
import pathlib
import subprocess
import time

import support

DISK_BYTES = 220 << 20  # two log segments of 64 MB and then some
LEFT_BYTES = 4 << 20
END_TIMEOUT_S = 30.0


@contextlib.contextmanager
def small_disk(directory):
    directory.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "gatehouse-crash", directory],
                          stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise support.cluster.NotHere(f"no small disk without root: {done.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", directory], check=True)


def full_disk(options, directory):
    with small_disk(directory / "disk") as disk:
        member = support.member(options.member, disk / "data")
        member.log_path = directory / "full-disk.log"
        with support.Client(options, member.endpoint) as client:
            try:
                member.spawn()
                client.ask("check")
                filler = disk / "filler"
                free = os.statvfs(disk)
                with open(filler, "wb") as file:
                    os.posix_fallocate(file.fileno(), 0, max(1, free.f_bavail * free.f_frsize - LEFT_BYTES))
                # Writers stop at the first refusal, or when the member ends.
                client.begin("write")
                deadline = time.monotonic() + END_TIMEOUT_S
                while member.alive() and os.statvfs(disk).f_bavail > 0 and time.monotonic() < deadline:
                    time.sleep(0.05)
                time.sleep(1)
                stayed = member.alive()
                if not stayed and support.cluster.kind_of(options.member) == support.cluster.OURS:
                    if "no space" not in member.log().lower():
                        raise support.Wrong(f"it ended without saying why:\n{support.cluster.tail(member.log())}")
                filler.unlink()
                member.kill()
                wrote = client.answer()
                member.spawn()
                print(f"full disk: the member {'stayed' if stayed else 'ended'}; {wrote}; {client.ask('check')}", flush=True)
            finally:
                member.kill()


def failing_fsync(options, directory, suffix):
    if support.cluster.kind_of(options.member) != support.cluster.OURS:
        print("failing fsync: only where it can be made to fail, in ours")
        return
    switch = directory / f"fail-{suffix.strip('./')}"
    member = support.member(options.member, directory / f"fsync-{suffix.strip('./')}", environment={
        "LD_PRELOAD": str(pathlib.Path(options.failing_fsync).resolve()), "GATEHOUSE_FAIL_FSYNC": str(switch)})
    with support.Client(options, member.endpoint) as client:
        try:
            member.spawn()
            client.ask("check")
            client.begin("write")
            time.sleep(0.3)
            switch.write_text(suffix)
            try:
                member.process.wait(END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                raise support.Wrong(f"it goes on after a failed fsync of *{suffix}") from None
            wrote = client.answer()
            if member.process.returncode == 0 or suffix.lstrip("/") not in member.log():
                raise support.Wrong(f"exit code {member.process.returncode} and no word of {suffix}:\n"
                                    f"{support.cluster.tail(member.log())}")
            switch.unlink()
            member.spawn()
            print(f"failing fsync of *{suffix}: exit, {wrote}; {client.ask('check')}", flush=True)
        finally:
            member.kill()


def slow_fsync(options, directory):
    """A disk that takes its time is told of, and nothing else happens."""
    if support.cluster.kind_of(options.member) != support.cluster.OURS:
        return
    switch = directory / "slow"
    member = support.member(options.member, directory / "fsync-slow", environment={
        "LD_PRELOAD": str(pathlib.Path(options.failing_fsync).resolve()), "GATEHOUSE_FAIL_FSYNC": str(switch)})
    with support.Client(options, member.endpoint) as client:
        try:
            member.spawn()
            client.ask("check")
            client.begin("write")
            switch.write_text("~.wal")
            support.cluster.wait_for(lambda: '"msg":"slow fdatasync","took":"1.5' in member.log(), "slow fdatasync")
            switch.unlink()
            if '"expected-duration":"1s"' not in member.log():
                raise support.Wrong(support.cluster.tail(member.log()))
            member.kill()
            wrote = client.answer()
            member.spawn()
            print(f"slow fsync: told, {wrote}; {client.ask('check')}", flush=True)
        finally:
            member.kill()


def main():
    options = support.parse(__doc__)
    with support.scratch() as directory:
        failing_fsync(options, directory, ".wal")
        failing_fsync(options, directory, "/db")
        slow_fsync(options, directory)
        full_disk(options, directory)
    return 0


support.run(main)
