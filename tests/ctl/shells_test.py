#!/usr/bin/env python3
"""Completion scripts and manual pages, as shells and groff read them. What is not installed is left out (bash is there)."""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

failures = []


def check(condition, what):
    if not condition:
        failures.append(what)
        print(f"FAILED: {what}")


def run(*argv, stdin=""):
    return subprocess.run([str(word) for word in argv], input=stdin, capture_output=True, text=True, check=False, timeout=30)


def completions(script, *words):
    """What bash offers for the last of the words."""
    listed = " ".join(f"'{word}'" for word in words)
    return run("bash", "-c", f"source '{script}'; COMP_WORDS=({listed}); COMP_CWORD={len(words) - 1}; _gatehousectl;"
               'echo "${COMPREPLY[@]}"').stdout.split()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True)
    tool = parser.parse_args().tool
    with tempfile.TemporaryDirectory(prefix="gatehouse-shells-") as directory:
        work = pathlib.Path(directory)
        for shell in ("bash", "zsh", "fish"):
            done = run(tool, "completion", shell)
            check(done.returncode == 0 and "gatehousectl" in done.stdout, f"completion {shell}")
            script = work / f"completion.{shell}"
            script.write_text(done.stdout)
            if shutil.which(shell):
                read = run(shell, "-n", script)
                check(read.returncode == 0 and not read.stderr, f"{shell} reads it: {read.stderr}")
        bash = work / "completion.bash"
        check(completions(bash, "gatehousectl", "lease", "k") == ["keep-alive"], "lease k")
        check({"get", "grant-role"} <= set(completions(bash, "gatehousectl", "user", "g")), "user g")
        check(completions(bash, "gatehousectl", "get", "--keys") == ["--keys-only"], "get --keys")
        check(completions(bash, "gatehousectl", "get", "-w", "ta") == ["table"], "-w ta")
        check("member" in completions(bash, "gatehousectl", ""), "all commands")

        done = run(tool, "man", work)
        check(done.returncode == 0, f"man: {done.stderr}")
        pages = sorted(path.name for path in work.glob("*.1"))
        check({"gatehousectl.1", "gatehousectl-get.1", "gatehousectl-lease-grant.1"} <= set(pages), f"pages: {pages}")
        if shutil.which("groff"):
            for page in pages:
                read = run("groff", "-man", "-Tascii", "-ww", work / page)
                check(read.returncode == 0 and not read.stderr, f"groff reads {page}: {read.stderr[:200]}")
        check(run(tool, "man", work / "nowhere").returncode == 6, "man into a directory that is not there")
        slow = run(tool, "check", "disk", work)
        check("IOPS" in slow.stdout and ("PASS" in slow.stdout) == (slow.returncode == 0), f"check disk: {slow}")
        check(not list(work.glob("*.tmp")), "check disk leaves nothing behind")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
