#!/usr/bin/env python3
"""examples/Procfile starts a cluster of three members and a proxy."""

import re
import shlex
import sys

import support


def read(ports):
    services = []
    for line in (support.EXAMPLES / "Procfile").read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        # A name, a colon, and a shell's command line: all that a Procfile is.
        match = re.fullmatch(r"([A-Za-z0-9_-]+):\s*(.+)", line)
        if match is None:
            raise AssertionError(f"not a line of a Procfile: {line}")
        services.append(support.Service(match[1], shlex.split(support.replace_ports(match[2], ports)), {}))
    return services


sys.exit(support.main(__doc__, read))
