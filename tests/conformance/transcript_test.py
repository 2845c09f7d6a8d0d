#!/usr/bin/env python3
"""That the comparison finds what differs, names what may, and forgives only what is listed."""

import base64
import re
import sys
import unittest

sys.dont_write_bytecode = True

from transcript import ABSENT, Allowed, Names, Transcript, compare  # noqa: E402


def transcripts(direct, proxied, step="a step"):
    pair = Transcript(Names()), Transcript(Names())
    pair[0].names.learn_id("cluster", 0x1111222233334444)
    pair[1].names.learn_id("cluster", 0xFFFF222233334444)
    pair[0].record(step, direct)
    pair[1].record(step, proxied)
    return pair


def found(direct, proxied, allowed=()):
    return [(entry.path, entry.direct, entry.proxied) for entry in compare(*transcripts(direct, proxied), allowed)]


class Comparison(unittest.TestCase):
    def test_equal_outcomes(self):
        outcome = {"status": 200, "kvs": [{"key": "Zm9v"}], "more": False}
        self.assertEqual(found(outcome, dict(outcome)), [])

    def test_every_kind_of_difference(self):
        self.assertEqual(found({"a": {"b": 1}}, {"a": {"b": 2}}), [("a.b", 1, 2)])
        self.assertEqual(found({"a": "1"}, {"a": 1}), [("a", "1", 1)])
        self.assertEqual(found({"a": 0}, {"a": False}), [("a", 0, False)])
        self.assertEqual(found({"a": 1}, {}), [("a", 1, ABSENT)])
        self.assertEqual(found({}, {"a": None}), [("a", ABSENT, None)])
        self.assertEqual(found([1, 2], [1]), [("", [1, 2], [1])])
        self.assertEqual(found([1, {"x": 2}], [1, {"x": 3}]), [("1.x", 2, 3)])

    def test_a_missing_or_other_step(self):
        direct, proxied = transcripts(1, 1)
        proxied.record("one more", 1)
        self.assertEqual([entry.proxied for entry in compare(direct, proxied)], ["one more"])

    def test_ids_are_names_in_every_form(self):
        one, other = 0x1111222233334444, 0xFFFF222233334444
        for form in ("{}", "{:x}", "door/{:x}", "ID {:016x}, next"):
            self.assertEqual(found(form.format(one), form.format(other)), [])
        self.assertEqual(found({"id": one}, {"id": other - 2**64}), [])
        self.assertEqual(found({"key": base64.b64encode(f"k/{one:x}".encode()).decode()},
                               {"key": base64.b64encode(f"k/{other:x}".encode()).decode()}), [])
        self.assertNotEqual(found(f"{one}0", f"{other}0"), [])

    def test_a_wrong_id_is_seen(self):
        self.assertEqual(found(0x1111222233334444, 12345), [("", "<cluster>", 12345)])

    def test_volatile_values_must_be_there(self):
        self.assertEqual(found({"raft_term": 2}, {"raft_term": 7}), [])
        self.assertEqual(found({"raft_term": 2}, {"raft_term": 0}), [("raft_term", "<raft_term>", 0)])
        self.assertEqual(found({"raft_term": 2}, {}), [("raft_term", "<raft_term>", ABSENT)])

    def test_members_are_compared_by_name(self):
        a, b = {"name": "m0", "x": 1}, {"name": "m1", "x": 2}
        self.assertEqual(found({"members": [a, b]}, {"members": [b, a]}), [])
        self.assertNotEqual(found({"members": [a, b]}, {"members": [a, a]}), [])

    def test_only_what_is_listed_is_allowed(self):
        entry = Allowed("a reason", "a .*", "status", 412, (400, 404))
        self.assertEqual(found({"status": 412}, {"status": 400}, [entry]), [])
        self.assertEqual(entry.uses, 1)
        self.assertEqual(len(found({"status": 412}, {"status": 500}, [entry])), 1)
        self.assertEqual(len(found({"status": 400}, {"status": 412}, [entry])), 1)
        self.assertEqual(len(found({"status": 412, "x": 1}, {"status": 400, "x": 2}, [entry])), 1)
        self.assertEqual(len(found({"status": 412}, {"status": 400}, [Allowed("", "other", ".*", ..., ...)])), 1)
        text = Allowed("", ".*", "t", ..., re.compile("e.*"))
        self.assertEqual(found({"t": 5}, {"t": "error"}, [text]), [])
        self.assertEqual(len(found({"t": 5}, {"t": "an error"}, [text])), 1)


if __name__ == "__main__":
    unittest.main()
