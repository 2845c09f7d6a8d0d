#!/usr/bin/env python3
"""The usual calls of the official Go client (go/main.go) against one member.

    go_test.py [--member KIND]
"""

import argparse
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

import cluster  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--member", default=cluster.OURS, help="a kind (tests/lib/cluster.py) or a program")
    options = parser.parse_args()
    built = subprocess.run([HERE / "build_go"], stdout=subprocess.PIPE, text=True, check=False)
    if built.returncode != 0:
        return built.returncode
    try:
        with cluster.EtcdCluster(1, kind=options.member) as member:
            done = subprocess.run([pathlib.Path(built.stdout.strip()) / "go-client", member.endpoints[0]], timeout=90, check=False)
            if done.returncode != 0:
                print(member.logs())
            return done.returncode
    except cluster.NotHere as missing:
        print(f"skipped: {missing}")
        return cluster.SKIPPED


if __name__ == "__main__":
    sys.exit(main())
