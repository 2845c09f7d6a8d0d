"""The session as a user of Debian's etcdctl types it. Each step's exit code, output and error text are compared."""

import base64
import json
import os
import re
import subprocess

import cluster
from background import STEP_TIMEOUT_S, Background
from target import flatten_events

# A busy machine is no reason for etcdctl to give up; a call that hangs still shows.
PATIENT = ["--dial-timeout=20s", "--command-timeout=20s"]
MESSAGE_LIMIT = 3  # MiB; a value above every limit on the way


class Etcdctl:
    def __init__(self, target):
        self.target = target
        self.binary = cluster.oracle_bin() / "etcdctl"
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("ETCD_", "ETCDCTL_"))}
        self.environment["ETCDCTL_API"] = "3"

    def argv(self, *words):
        tls = self.target.tls
        secure = [f"--cacert={tls.ca}", f"--cert={tls.cert}", f"--key={tls.key}"] if tls else []
        return [str(self.binary), f"--endpoints={self.target.endpoint}", *PATIENT, *secure, *words]

    def __call__(self, *words, stdin=None, tidy=None):
        """Runs one command and records it. `tidy` maps its standard output to what is compared."""
        self.target.settle()
        done = subprocess.run(self.argv(*words), input=stdin if stdin is not None else "", capture_output=True,
                              text=True, errors="replace", timeout=STEP_TIMEOUT_S, env=self.environment,
                              cwd=self.target.directory)
        output = done.stdout
        shown = tidy(output) if tidy else _parsed(output)
        label = " ".join(word if len(word) < 200 else word[:20] + "..." for word in words)
        self.target.record("etcdctl " + label, {"exit": done.returncode, "stdout": shown, "stderr": _errors(done.stderr)})
        return output

    def background(self, *words):
        return Running(self, words)


class Running:
    """A command in the background; what it printed is recorded when it is ended."""

    def __init__(self, ctl, words):
        self.ctl = ctl
        self.words = words
        ctl.target.settle()
        self.background = Background(ctl.argv(*words), ctl.target.directory, ctl.environment)
        self.wait_lines = self.background.wait_lines
        self.wait_end = self.background.wait_end

    def end(self, tidy):
        outcome = self.background.end()
        outcome["stderr"] = _errors(outcome["stderr"])
        outcome["lines"] = tidy(self.background.lines)
        self.ctl.target.record("etcdctl " + " ".join(self.words) + " (in the background)", outcome)


def _parsed(output):
    try:
        return json.loads(output)
    except ValueError:
        return output.splitlines()


def _errors(text):
    # The Go client logs its retries as JSON; they say how, not what.
    return [re.sub(r"took = [0-9.]+[mµn]?s", "took = <time>", line)
            for line in text.splitlines() if not line.startswith("{")]


def _about_100s(output):
    output = re.sub(r"remaining\((\d+)s\)", lambda m: "remaining(<about 100s>)" if 90 <= int(m[1]) <= 100 else m[0],
                    output)
    # The attached keys come in no particular order.
    return re.sub(r"keys\(\[(.*)\]\)", lambda m: f"keys({sorted(m[1].split())})", output).splitlines()


def _events(lines):
    return flatten_events(map(json.loads, lines), "Events")


def run(target):
    ctl = Etcdctl(target)
    for part in (writes_and_reads, transactions, watches, leases, locks_and_elections, membership, maintenance,
                 compaction_and_snapshot, auth):
        if target.wants(part):
            part(ctl)
    if "auth" in target.skip:
        whole_state(ctl)


def writes_and_reads(ctl):
    ctl("put", "foo", "bar")
    ctl("put", "foo", "bar2", "--prev-kv")
    ctl("put", "foo", "bar3", "--prev-kv", "-w", "json")
    ctl("put", "foo2", stdin="from standard input\n")
    ctl("put", "foo2", "--ignore-value", "-w", "json")
    ctl("put", "missing", "--ignore-value")
    ctl("put", "foo", "x", "--lease=1234abcd")
    ctl("put", "", "x")
    ctl("put")
    ctl("put", "unicode/ключ", "значение \u2603")
    ctl("put", "empty", "")
    for i in range(12):
        ctl("put", f"list/{i:02d}", f"value {11 - i}")
    for options in ([], ["-w", "json"], ["-w", "fields"], ["--hex"], ["--print-value-only"], ["--consistency=s"],
                    ["--rev=2", "-w", "json"], ["--rev=999"], ["--rev=-5"], ["--keys-only"]):
        ctl("get", "foo", *options)
    for options in (["--prefix"], ["--prefix", "--limit=3", "-w", "json"], ["--prefix", "--keys-only"],
                    ["--prefix", "--order=DESCEND", "--sort-by=VALUE"], ["--prefix", "--order=ASCEND", "--sort-by=MODIFY"],
                    ["--prefix", "--sort-by=CREATE", "--order=DESCEND", "--limit=2", "-w", "json"],
                    ["--prefix", "--sort-by=VERSION", "--limit=4", "-w", "json"],
                    ["--prefix", "--rev=10", "-w", "json"], ["--from-key", "--limit=2"],
                    ["--prefix", "--consistency=s", "-w", "json"], ["--prefix", "--order=SIDEWAYS"]):
        ctl("get", "list/", *options)
    ctl("get", "list/03", "list/06", "-w", "json")
    ctl("get", "list/06", "list/03", "-w", "json")
    ctl("get", "", "--prefix", "--keys-only")
    ctl("get", "", "--from-key", "-w", "json")
    ctl("get", "")
    ctl("get", "nothing-here", "-w", "json")
    ctl("get", "foo", "-w", "protobuf", tidy=bool)
    ctl("get", "foo", "--prefix", "--from-key")
    ctl("get", "unicode/", "--prefix", "-w", "json")
    ctl("del", "list/00")
    ctl("del", "list/00", "-w", "json")
    ctl("del", "list/01", "--prev-kv", "-w", "json")
    ctl("del", "list/02", "list/05", "--prev-kv")
    ctl("del", "list/", "--prefix", "-w", "json")
    ctl("del", "")
    ctl("put", "big", stdin="x" * (1 << 20))
    ctl("get", "big", tidy=lambda output: {"length": len(output), "tail": output[-10:]})
    ctl("put", "too-big", stdin="x" * (MESSAGE_LIMIT << 20))
    ctl("no-such-command")


def transactions(ctl):
    def txn(text, *options):
        ctl.target.record("txn input", text)
        ctl("txn", *options, stdin=text)

    txn('value("foo") = "bar3"\n\nput t1 a\nget foo\ndel empty --prev-kv\n\nput t1 b\n\n')
    txn('value("foo") = "other"\n\nput t2 a\n\nget foo --prefix\nput t2 b\n\n', "-w", "json")
    txn('create("t1") > "0"\nversion("t2") < "5"\nmod("foo") != "1"\n\nget t --prefix\n\n\n', "-w", "json")
    txn('create("nope") = "0"\n\nput nope here\nput nope twice\n\n\n')
    txn("\nput t3 x\nput t4 y\ndel t1\n\n\n", "-w", "fields")
    txn("\n\n\n", "-w", "json")
    txn('bad("foo") = "1"\n\n\n\n')
    txn("\nfrob a\n\n\n")
    txn('value("foo") = "1"\n')
    txn("\nget foo --rev=9999\n\n\n")
    txn("\n" + "".join(f"put op{i} x\n" for i in range(129)) + "\n\n")


def watches(ctl):
    everything = ctl.background("watch", "", "--prefix", "--rev=1", "--prev-kv", "-w", "json")
    one_key = ctl.background("watch", "w/a", "--rev=2", "-w", "json")
    simple = ctl.background("watch", "w/", "--prefix", "--rev=2", "--prev-kv")
    ranged = ctl.background("watch", "w/b", "w/d", "--rev=2", "-w", "json")
    ctl("put", "w/a", "1")
    ctl("put", "w/b", "2")
    ctl("put", "w/c", "3")
    ctl("put", "w/d", "4")
    ctl("put", "w/a", "5")
    ctl("del", "w/a")
    ctl("del", "w/", "--prefix")
    ctl("put", "w/end", "end")
    end = len(_events(everything.wait_lines(lambda lines: "dy9lbmQ=" in "".join(lines))))
    one_key.wait_lines(lambda lines: len(_events(lines)) >= 3)
    simple.wait_lines(lambda lines: "end" in lines)
    ranged.wait_lines(lambda lines: len(_events(lines)) >= 4)
    everything.end(_events)
    one_key.end(_events)
    simple.end(list)
    ranged.end(_events)
    ctl.target.record("events since revision 1", end)
    ctl("watch")


def leases(ctl):
    def grant(ttl):
        answer = ctl_quiet(ctl, "lease", "grant", str(ttl), "-w", "json")
        lease = json.loads(answer)
        ctl.target.names.learn_id(f"lease {len(known)}", lease["ID"])
        known.append(f"{lease['ID']:016x}")
        ctl.target.record(f"lease grant {ttl}", lease)
        return known[-1]

    known = []
    first = grant(100)
    ctl("put", "leased", "1", f"--lease={first}", "-w", "json")
    ctl("put", "leased2", "2", f"--lease={first}")
    ctl("put", "leased", "--ignore-value", "--ignore-lease")
    ctl("get", "leased", "-w", "json")
    ctl("lease", "timetolive", first, "--keys", tidy=_about_100s)
    ctl("lease", "timetolive", first, tidy=_about_100s)
    ctl("lease", "keep-alive", "--once", first)
    ctl("lease", "keep-alive", "--once", first, "-w", "json")
    ctl("lease", "keep-alive", "--once", "7fffffff00000001")
    keeping = ctl.background("lease", "keep-alive", grant(0))  # etcd makes that two seconds
    keeping.wait_lines(lambda lines: len(lines) >= 2)
    keeping.end(lambda lines: sorted(set(lines)))
    ctl("lease", "list", tidy=lambda output: sorted(set(re.findall("[0-9a-f]{16}", output)) & {first}))
    ctl("lease", "revoke", first)
    ctl("lease", "revoke", first)
    ctl("get", "leased", "--prefix", "-w", "json")
    ctl("lease", "timetolive", first)
    ctl("lease", "timetolive", "1234abcd", "-w", "json")
    ctl("lease", "revoke", "zz")
    # An expiry is seen as an ordinary delete.
    revision = json.loads(ctl_quiet(ctl, "put", "expires", "soon", f"--lease={grant(4)}", "-w", "json"))
    watch = ctl.background("watch", "expires", f"--rev={revision['header']['revision']}", "-w", "json")
    watch.wait_lines(lambda lines: len(_events(lines)) >= 2)
    watch.end(_events)
    ctl("get", "expires", "-w", "json")


def ctl_quiet(ctl, *words):
    ctl.target.settle()
    return subprocess.run(ctl.argv(*words), capture_output=True, text=True, timeout=STEP_TIMEOUT_S,
                          env=ctl.environment, stdin=subprocess.DEVNULL, check=True).stdout


def locks_and_elections(ctl):
    def without_ids(lines):
        return [re.sub(r"/[0-9a-f]{12,16}", "/<session>", line) for line in lines]

    ctl("lock", "door", "--", "sh", "-c", "echo $ETCD_LOCK_KEY; exit 7", tidy=lambda output: without_ids(output.splitlines()))
    holder = ctl.background("lock", "door")
    held = holder.wait_lines(bool)
    waiter = ctl.background("lock", "door")
    # The waiter stands in line as soon as its key is there.
    cluster.wait_for(lambda: ctl_quiet(ctl, "get", "door/", "--prefix", "--keys-only").count("door/") == 2,
                     "the second lock's key", STEP_TIMEOUT_S)
    ctl.target.record("lock: the second waits", {"held": bool(held), "waiter's lines": len(waiter.background.lines)})
    holder.end(without_ids)
    waiter.wait_lines(bool)
    waiter.end(without_ids)
    ctl("get", "door/", "--prefix", "--keys-only")

    leader = ctl.background("elect", "chair", "me")
    leader.wait_lines(lambda lines: len(lines) >= 2)
    observer = ctl.background("elect", "-l", "chair")
    observer.wait_lines(lambda lines: len(lines) >= 2)
    observer.end(without_ids)
    leader.end(without_ids)
    ctl("get", "chair", "--prefix", "--keys-only")


def membership(ctl):
    def single_spaced(output):  # ids are padded with blanks
        return re.sub(" +", " ", output).splitlines()

    def by_name(output):  # etcd's order is that of the ids, which are others in the other cluster
        return sorted(re.sub(r"[ +|-]+", " ", output).splitlines(), key=lambda line: re.findall(r"\bm\d\b", line))

    ctl("member", "list", tidy=by_name)
    ctl("member", "list", "-w", "json")
    ctl("member", "list", "-w", "table", tidy=by_name)
    added = ctl_quiet(ctl, "member", "add", "learner", "--learner", "--peer-urls=http://127.0.0.1:1", "-w", "json")
    added = json.loads(added)
    ctl.target.names.learn_id("learner", added["member"]["ID"])
    ctl.target.record("member add --learner", added)
    learner = f"{added['member']['ID']:x}"
    ctl("member", "promote", learner)
    ctl("member", "add", "learner2", "--learner", f"--peer-urls={ctl.target.etcd.members[0].peer_url}")
    ctl("member", "update", learner, "--peer-urls=http://127.0.0.1:2", tidy=single_spaced)
    ctl("member", "list", "-w", "json")
    ctl("member", "remove", learner, tidy=single_spaced)
    ctl("member", "remove", learner)
    ctl("member", "remove", "8")


def maintenance(ctl):
    ctl("member", "list", "-w", "json")
    ctl("endpoint", "status", "-w", "json")
    ctl("endpoint", "health")
    ctl("endpoint", "hashkv", "-w", "json")
    ctl("alarm", "list")
    ctl("alarm", "disarm")
    if ctl.target.etcd.size == 1:  # else it depends on whether the leader was asked
        ctl("move-leader", "8")
    ctl("defrag")
    ctl("check", "perf", "--load=nonsense")


def compaction_and_snapshot(ctl):
    ctl("compaction", "20", "--physical")
    ctl("compaction", "20")
    ctl("compaction", "99999")
    ctl("get", "foo", "--rev=19")
    ctl("get", "foo", "--rev=20", "-w", "json")
    too_old = ctl.background("watch", "foo", "--rev=3")
    too_old.wait_end()
    too_old.end(list)
    ctl("snapshot", "save", "snap.db", tidy=lambda output: output.splitlines()[-1:])
    ctl("snapshot", "status", "snap.db", "-w", "json")


def auth(ctl):
    root = "--user=root:rootpw"
    alice = "--user=alice:alicepw"
    ctl("auth", "enable")
    ctl("user", "add", "root:rootpw")
    ctl("user", "add", "root:again")
    ctl("user", "add", "alice", "--interactive=false", stdin="alicepw")
    ctl("user", "add", "bob", "--no-password")
    ctl("role", "add", "root")
    ctl("role", "add", "reader")
    ctl("role", "add", "reader")
    ctl("role", "grant-permission", "reader", "read", "foo")
    ctl("role", "grant-permission", "reader", "readwrite", "mine/", "--prefix=true")
    ctl("role", "grant-permission", "nobody", "read", "foo")
    ctl("role", "get", "reader")
    ctl("role", "get", "reader", "-w", "json")
    ctl("role", "list")
    ctl("user", "grant-role", "root", "root")
    ctl("user", "grant-role", "alice", "reader")
    ctl("user", "grant-role", "alice", "nothing")
    ctl("user", "get", "alice", "--detail")
    ctl("user", "list", "-w", "json")
    ctl("auth", "enable")
    ctl("get", "foo")
    ctl("put", "mine/x", "1")
    ctl(root, "put", "secret", "1")
    ctl(alice, "get", "foo", "-w", "json")
    ctl(alice, "get", "secret")
    ctl(alice, "put", "foo", "x")
    ctl(alice, "put", "mine/x", "1")
    ctl(alice, "get", "mine/", "--prefix", "-w", "json")
    ctl(alice, "get", "", "--prefix")
    ctl(alice, "del", "mine/", "--prefix")
    ctl(alice, "txn", stdin="\nput mine/y 1\nput secret 2\n\n\n")
    if ctl.target.etcd.size == 1:
        # With several members etcd 3.4 refuses this too, but applies it on all members but the one that was asked: they
        # leave out the reads of a transaction before they check its permissions.
        ctl(alice, "txn", stdin="\nput mine/y 1\nget secret\n\n\n")
    ctl(alice, "user", "list")
    ctl(alice, "role", "get", "reader")
    ctl(alice, "compaction", "21")
    denied = ctl.background(alice, "watch", "secret")
    denied.wait_end()
    denied.end(list)
    ctl("--user=alice:wrong", "get", "foo")
    ctl("--user=nobody:x", "get", "foo")
    ctl("--user=bob:", "get", "foo")
    ctl(root, "user", "passwd", "alice", "--interactive=false", stdin="newpw")
    ctl(alice, "get", "foo")
    ctl("--user=alice:newpw", "get", "foo")
    ctl(root, "role", "revoke-permission", "reader", "foo")
    ctl("--user=alice:newpw", "get", "foo")
    ctl(root, "user", "revoke-role", "alice", "reader")
    ctl(root, "user", "revoke-role", "alice", "reader")
    ctl(root, "role", "delete", "reader")
    ctl(root, "user", "delete", "alice")
    ctl(root, "endpoint", "status", "-w", "json")
    ctl(root, "auth", "disable")
    whole_state(ctl)


def whole_state(ctl):
    """What all of the session has left: every key with its revisions, and every event since the compaction."""
    state = json.loads(ctl("get", "", "--prefix", "-w", "json", tidy=without_large_values))
    last = state["header"]["revision"]
    watch = ctl.background("watch", "", "--prefix", "--rev=21", "-w", "json")
    watch.wait_lines(lambda lines: any(event["kv"]["mod_revision"] >= last for event in _events(lines)))
    watch.end(lambda lines: [f"{event.get('type', 0)} {without_session(event['kv']['key'])} {event['kv']['mod_revision']}"
                             for event in _events(lines)])


def without_session(key):
    """The keys of locks and elections end in the id of a lease that etcdctl made for itself."""
    return re.sub(r"/[0-9a-f]{10,16}$", "/<session>", base64.b64decode(key).decode())


def without_large_values(output):
    state = json.loads(output)
    for pair in state["kvs"]:
        if len(pair.get("value", "")) > 1000:
            pair["value"] = f"{len(pair['value'])} characters"
    return state
