#!/usr/bin/env python3
"""Plants the bugs of bugs.txt in a copy of a source file, each behind a switch of its own.

  plant.py BUGS SOURCE COPY     SOURCE relative to the present directory, as bugs.txt names it
  plant.py BUGS --table FILE    their names and descriptions, as a C++ table

The production code knows nothing of it. A text that is not there exactly once is an error: the bug
has to be written anew for what the source has become.
"""
import sys


def read_bugs(path):
    bugs = []
    with open(path, encoding="utf-8") as file:
        for line in file.read().splitlines():
            if not line or line.startswith("#"):
                continue
            if line.startswith("  "):
                bugs[-1]["what"] = line.strip()
            elif line.startswith("- "):
                bugs[-1]["old"] = line[2:]
            elif line.startswith("+ "):
                bugs[-1]["new"] = line[2:]
            else:
                name, source = line.split()
                bugs.append({"name": name, "source": source, "what": "", "old": None, "new": None})
    return bugs


def plant(bugs, source, copy):
    with open(source, encoding="utf-8") as file:
        text = file.read()
    for bug in bugs:
        if bug["source"] != source or bug["old"] is None:
            continue
        if text.count(bug["old"]) != 1:
            sys.exit(f"{source} has the text of the planted bug {bug['name']} {text.count(bug['old'])} times, "
                     f"not once:\n  {bug['old']}")
        text = text.replace(bug["old"], bug["new"])
    with open(copy, "w", encoding="utf-8") as file:
        file.write('#include "tests/sim/planted.h"\nusing gatehouse::sim::planted;\n')
        file.write(f'#line 1 "{source}"\n{text}')


def main():
    bugs = read_bugs(sys.argv[1])
    if sys.argv[2] == "--table":
        with open(sys.argv[3], "w", encoding="utf-8") as file:
            for bug in bugs:
                file.write(f'{{"{bug["name"]}", "{bug["what"]}"}},\n')
    else:
        plant(bugs, sys.argv[2], sys.argv[3])


if __name__ == "__main__":
    main()
