"""What a session saw, made comparable: ids and addresses become names, values that may differ become placeholders.

A session runs twice: against etcd itself ("direct" below), and against another member or a proxy in front of one
("proxied"). Each run writes a Transcript: one outcome (nested dicts and lists) for each step. compare() then walks both,
field by field.
"""

import base64
import binascii
import dataclasses
import json
import re
import time

# Fields that hold bytes (base64 in JSON). They are decoded so that an id inside a key is replaced as well.
BYTES_FIELDS = {"key", "value", "range_end", "name", "keys"}
# Values that two identical clusters need not share, however the request got there. Zero is kept: it means "absent".
VOLATILE_FIELDS = {"raft_term", "raftTerm", "raftIndex", "raftAppliedIndex", "dbSize", "dbSizeInUse", "hash",
                   "totalSize", "remaining_bytes"}


class Names:
    """Replaces what is unique to one run (ids, addresses, tokens) by a name that both runs share."""

    def __init__(self):
        self._names = {}
        self._pattern = None

    def learn(self, name, *forms):
        for form in forms:
            self._names[str(form)] = f"<{name}>"
        self._pattern = None

    def learn_id(self, name, number):
        """A 64-bit id in every way it is printed: signed and unsigned decimal, hex, hex of full width."""
        number = int(number) & (2**64 - 1)
        signed = number - 2**64 if number >= 2**63 else number
        self.learn(name, number, signed, f"{number:x}", f"{number:016x}")

    def apply(self, text):
        if not self._names:
            return text
        if self._pattern is None:
            longest_first = sorted(self._names, key=len, reverse=True)
            self._pattern = re.compile(r"(?<![0-9A-Za-z])(?:" + "|".join(map(re.escape, longest_first)) +
                                       r")(?![0-9A-Za-z])")
        return self._pattern.sub(lambda match: self._names[match.group()], text)


class Transcript:
    def __init__(self, names):
        self.names = names
        self.steps = []  # (step name, outcome), in order
        self.times_s = []  # when each was recorded, by time.monotonic()

    def record(self, step, outcome):
        """`outcome` is anything JSON can hold; it is normalised here, with the names known by now."""
        self.times_s.append(time.monotonic())
        self.steps.append((self.names.apply(step), self._normal(outcome, "")))

    def _normal(self, value, field):
        if isinstance(value, dict):
            return {self.names.apply(key): self._normal(item, key) for key, item in value.items()}
        if isinstance(value, list):
            items = [self._normal(item, field) for item in value]
            # Member ids come from the ports, so etcd's order (by id) differs between the runs.
            return sorted(items, key=_member_order) if field == "members" else items
        if field in VOLATILE_FIELDS:
            return f"<{field}>" if value not in (0, "0", "") else value
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, (int, float)):
            named = self.names.apply(str(value))
            return named if named != str(value) else value
        if field in BYTES_FIELDS:
            value = _decoded(value)
        return self.names.apply(value)


def _member_order(member):
    return str(member.get("name", "")) if isinstance(member, dict) else str(member)


def _decoded(text):
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text
    return "bytes:" + raw.decode("latin-1")


@dataclasses.dataclass
class Difference:
    step: str
    path: str  # field names and list positions from the outcome's top, joined by dots
    direct: object
    proxied: object

    def text(self, direct_name, proxied_name):
        width = max(len(direct_name), len(proxied_name)) + 1
        return (f"{self.step}\n    at {self.path or 'the whole outcome'}\n"
                f"    {direct_name + ':':{width}} {_short(self.direct)}\n    {proxied_name + ':':{width}} {_short(self.proxied)}")


@dataclasses.dataclass
class Allowed:
    """A difference that is meant to be. `step` and `path` are regular expressions that must match whole; the values
    must be those given, where a compiled pattern stands for what matches it and ... for anything."""

    reason: str
    step: str
    path: str
    direct: object
    proxied: object
    uses: int = 0

    def covers(self, difference):
        return (re.fullmatch(self.step, difference.step, re.DOTALL) is not None
                and re.fullmatch(self.path, difference.path, re.DOTALL) is not None
                and _matches(self.direct, difference.direct) and _matches(self.proxied, difference.proxied))


ABSENT = "(absent)"


def _matches(expected, actual):
    if expected is ...:
        return True
    if isinstance(expected, re.Pattern):
        return isinstance(actual, str) and expected.fullmatch(actual) is not None
    if isinstance(expected, tuple):
        return any(_matches(item, actual) for item in expected)
    return expected == actual


def differences(direct, proxied, path=""):
    """Yields (path, direct, proxied) for every leaf or shape in which two outcomes differ."""
    if isinstance(direct, dict) and isinstance(proxied, dict):
        for key in sorted(set(direct) | set(proxied)):
            yield from differences(direct.get(key, ABSENT), proxied.get(key, ABSENT), f"{path}.{key}" if path else key)
    elif isinstance(direct, list) and isinstance(proxied, list) and len(direct) == len(proxied):
        for i, (left, right) in enumerate(zip(direct, proxied)):
            yield from differences(left, right, f"{path}.{i}" if path else str(i))
    elif direct != proxied or type(direct) is not type(proxied):
        yield path, direct, proxied


def compare(direct, proxied, allowed=()):
    """Two transcripts of one session. Returns the differences that no entry of `allowed` covers; counts its uses."""
    found = []
    for i in range(max(len(direct.steps), len(proxied.steps))):
        left = direct.steps[i] if i < len(direct.steps) else (ABSENT, None)
        right = proxied.steps[i] if i < len(proxied.steps) else (ABSENT, None)
        if left[0] != right[0]:
            # From here on the runs are not the same session, and comparing further would only be noise.
            found.append(Difference(f"step {i}", "name", left[0], right[0]))
            break
        for path, a, b in differences(left[1], right[1]):
            difference = Difference(left[0], path, a, b)
            cover = next((entry for entry in allowed if entry.covers(difference)), None)
            if cover:
                cover.uses += 1
            else:
                found.append(difference)
    return found


def _short(value, limit=2000):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"
