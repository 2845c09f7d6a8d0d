#!/usr/bin/env python3
"""That README.md says what is so: the commands it prints are there and work, the places of its map exist."""

import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]


def main():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = [shlex.split(line, comments=True) for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)
                for line in block.splitlines() if line.strip()]
    problems = []
    for command in commands:
        program = ROOT / command[0]
        if not (program.is_file() and program.stat().st_mode & 0o111):
            problems.append(f"the command {shlex.join(command)} names no program")
    for wanted in (["examples/quickstart"], ["tests/run"]):
        if wanted not in commands:
            problems.append(f"the command {wanted[0]} is not printed")
    problems += [f"the map names {place}, which is not there" for place in places(text) if not (ROOT / place).exists()]
    for problem in problems:
        print(f"README.md: {problem}", file=sys.stderr)
    if problems:
        return 1
    # tests/run is what runs this test; the other command is tried here.
    return subprocess.run([ROOT / "examples/quickstart", "--once"], cwd=ROOT, stdin=subprocess.DEVNULL).returncode


def places(text):
    """The paths in the first column of the map. A name without a slash lies beside the one before it."""
    section = text.partition("## The map")[2].partition("\n## ")[0]
    for row in re.findall(r"^\| (`[^|]*) \|", section, re.M):
        parent = ""
        for name in re.findall(r"`([^`]*)`", row):
            path = name.rstrip("/") if "/" in name else parent + name
            parent = path.rpartition("/")[0] + "/" if "/" in path else ""
            yield path.partition("*")[0].rstrip("/")


if __name__ == "__main__":
    sys.exit(main())
