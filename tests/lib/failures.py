#!/usr/bin/env python3
"""What CTest's last run says of the tests that failed, short enough to be read where only the end of an output is kept.

    failures.py BUILD_DIRECTORY

Of each: the lines that look like the reason, the last lines, and at the end the list of names. The whole outputs are in
BUILD_DIRECTORY/Testing/Temporary/LastTest.log.
"""

import pathlib
import re
import sys

REASON = re.compile(r"DIFFERENT|CHECK failed|FAILED|Failure|Sanitizer|Error\b|error:|\bwrong\b|liveness|not caught")
REASONS = 6
LAST_LINES = 14
COLUMNS = 260


def outputs(log):
    """(name, lines) of each test that failed."""
    for test in re.split(r"^\d+/\d+ Testing: ", log, flags=re.M)[1:]:
        if not re.search(r"^Test Failed\.$", test, re.M):
            continue
        output = re.search(r"^Output:\n-+\n(.*)^<end of output>$", test, re.M | re.S)
        lines = output[1].splitlines() if output else test.splitlines()
        yield test.split("\n", 1)[0], [line[:COLUMNS] for line in lines if line.strip()]


def main():
    log = pathlib.Path(sys.argv[1]) / "Testing/Temporary/LastTest.log"
    failed = list(outputs(log.read_text(encoding="utf-8", errors="replace")))
    for name, lines in failed:
        end = max(0, len(lines) - LAST_LINES)
        print(f"\n==== {name}")
        for line in [line for line in lines[:end] if REASON.search(line)][-REASONS:] + lines[end:]:
            print(line)
    if failed:
        print(f"\nFailed: {' '.join(name for name, _ in failed)}\nTheir whole outputs: {log}")


main()
