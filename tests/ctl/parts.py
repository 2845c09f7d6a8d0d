"""What both tools are told, by family of commands. Each part cleans up nothing: the next works on what is there."""

import re
import shutil

FORMATS = ("simple", "json", "fields", "protobuf", "table", "bogus")


def helped(text):
    """Help is in the words of each tool."""
    return ["<help>"] if "Usage:" in text else text.splitlines()


def in_formats(pair, *words, formats=FORMATS, **options):
    for name in formats:
        pair(*words, "-w", name, **options)


def kv(pair):
    in_formats(pair, "put", "a", "1")
    in_formats(pair, "put", "a", "2", "--prev-kv")
    in_formats(pair, "get", "a")
    in_formats(pair, "get", "", "--prefix")
    in_formats(pair, "get", "nokey")
    for name in FORMATS:
        pair("put", "d", "x")
        pair("del", "d", "-w", name)
        pair("put", "d", "x")
        pair("del", "d", "--prev-kv", "-w", name)
    pair("put", "utf8 ключ", "значение \u2603 \u00a0 \u200b \ufeff <&>")
    pair("put", "bytes", stdin="\x00\x01\x07\x08\x0b\x0c\x7f\"\\\t\r\n")
    for options in ([], ["--hex"], ["-w", "json"], ["-w", "fields"], ["-w", "fields", "--hex"], ["-w", "json", "--hex"]):
        pair("get", "utf8 ключ", *options)
        pair("get", "bytes", *options)
    pair("put", "empty", "")
    pair("put", "lines", stdin="from\nstdin\n")
    pair("put", "nothing", stdin="")
    pair("put", "k", "--", "-v")
    pair("put", "--", "-k", "-v")
    pair("put", "k", "-v")
    pair("put")
    pair("put", "b")
    pair("put", "a", "b", "c")
    pair("put", "a", "1", "--ignore-value")
    pair("put", "a", "--ignore-value", "--ignore-lease")
    pair("put", "nokey", "--ignore-value")
    pair("put", "a", "1", "--lease=zz")
    pair("put", "a", "1", "--lease=1234")
    pair("put", "", "1")
    for i in range(8):
        pair("put", f"list/{i}", f"value {9 - i}")
    for options in (["--prefix"], ["--prefix", "--limit=3"], ["--prefix", "--keys-only"], ["--from-key", "--limit=3"],
                    ["--prefix", "--order=descend"], ["--prefix", "--sort-by=value"], ["--prefix", "--sort-by=modify",
                    "--order=DESCEND"], ["--prefix", "--sort-by=create", "--order=DESCEND"], ["--prefix", "--sort-by=version"],
                    ["--prefix", "--sort-by=KEY", "--order=ASCEND"], ["--prefix", "--order=x"], ["--prefix", "--sort-by=x"],
                    ["--prefix", "--consistency=s"], ["--prefix", "--consistency=x"], ["--prefix", "--count-only"],
                    ["--prefix", "--count-only", "-w", "fields"], ["--prefix", "--count-only", "-w", "json"],
                    ["--prefix", "--print-value-only"], ["--prefix", "--print-value-only", "-w", "json"],
                    ["--keys-only", "--count-only"], ["--prefix", "--from-key"], ["list/9", "--prefix"], ["list/9"],
                    ["list/9", "more"], ["--prefix", "--min-mod-rev=8"], ["--prefix", "--max-mod-rev=40"],
                    ["--prefix", "--min-create-rev=8", "--max-create-rev=41"], ["--rev=2"], ["--rev=99999"], ["--rev=-1"],
                    ["--prefix", "--limit=3", "-w", "json"], ["--prefix", "--limit=3", "-w", "fields"],
                    ["--prefix", "--keys-only", "-w", "json"], ["--limit", "zz"], ["--limit"], ["--prefix=foo"],
                    ["--prefix=false"], ["-wjson"], ["-w=json"], ["-w"], ["-x"], ["--bogus"], ["--hex", "--prefix"],
                    ["--prefix", "--limit=2147483648"], ["--limit=0x2", "--prefix"]):
        pair("get", "list/", *options)
    pair("get")
    pair("get", "")
    pair("get", "", "--from-key", "--limit=2")
    for options in ([], ["-w", "json"], ["-w", "fields"], ["-w", "table"], ["--print-value-only"], ["--keys-only"]):
        pair("get", "list/", "--prefix", "--stream", *options)
    pair("get", "list/", "--prefix", "--stream", "--order", "DESCEND")
    pair("del")
    pair("del", "")
    pair("del", "a", "b", "c")
    pair("del", "a", "b", "--prefix")
    pair("del", "a", "--prefix", "--from-key")
    pair("del", "list/0", "list/2", "--range", "--prev-kv")
    pair("del", "list/2", "list/3")
    pair("del", "list/3", "--range")
    pair("del", "list/", "--prefix", "--prev-kv", "-w", "fields")
    pair("del", "utf8", "--prefix", "--prev-kv", "-w", "json")


def command_line(pair):
    for words in ([], ["--help"], ["help"], ["help", "get"], ["help", "lease", "grant"], ["help", "nope"], ["get", "--help"],
                  ["lease"], ["lease", "--help"], ["lease", "bogus"], ["member"], ["options"], ["-h"], ["get", "-h"]):
        pair(*words, endpoints=False, tidy=helped if words != ["options"] else (lambda text: text[:20]))
    for words in (["bogus"], ["comp"], ["gett"], ["--bogus", "get"], ["get", "--", "--help"], ["completion"],
                  ["completion", "foo"], ["completion", "bash", "zsh"], ["version"], ["version", "-w", "json"]):
        pair(*words, endpoints=words[0] != "version")
    pair("compact", "1")
    pair("endpoint", "stat", tidy=lambda text: text.count(","))
    pair("get", "a", endpoints=False, environment={"ETCDCTL_ENDPOINTS": "{endpoint}"})
    pair("get", "a", environment={"ETCDCTL_ENDPOINTS": "{endpoint}"})
    pair("get", "a", environment={"ETCDCTL_WRITE_OUT": "json"})
    pair("get", "a", environment={"ETCDCTL_HEX": "true"})
    pair("get", "a", environment={"ETCDCTL_HEX": "zz", "ETCDCTL_NOBODY_KNOWS": "1"})
    pair("get", "a", "--hex", environment={"ETCDCTL_HEX": "true"})
    pair("get", "a", "--debug", tidy=lambda text: text)
    pair("get", "a", "--endpoints=", endpoints=False)
    pair("get", "a", "--endpoints=http://{endpoint}", endpoints=False)
    pair("get", "a", "--endpoints=http://{endpoint},http://{endpoint}", endpoints=False)
    pair("get", "a", "--endpoints=127.0.0.1:1,{endpoint}", "--command-timeout=20s", endpoints=False)
    for words in (["get", "a"], ["put", "a", "1"], ["endpoint", "health"], ["endpoint", "health", "-w", "json"],
                  ["endpoint", "status"], ["endpoint", "hashkv"], ["defrag"], ["move-leader", "7"], ["member", "list"],
                  ["get", "a", "--user=a:b", "--dial-timeout=1s"], ["lease", "grant", "10"], ["lease", "revoke", "10"]):
        pair("--endpoints=127.0.0.1:1", "--command-timeout=1s", *words, endpoints=False)
    pair("--endpoints=127.0.0.1:1,{endpoint}", "--command-timeout=1s", "endpoint", "health", endpoints=False)
    pair("--endpoints=127.0.0.1:1,{endpoint}", "--command-timeout=1s", "endpoint", "hashkv", endpoints=False,
         tidy=lambda text: text.count(","))
    for words in (["--cacert="], ["--cert="], ["--key="], ["--cacert=nope"], ["--cert=nope"], ["--key=nope"],
                  ["--endpoints=https://{endpoint}"], ["--insecure-transport=false"], ["--auth-jwt-token=abc"]):
        pair(*words, "--command-timeout=1s", "get", "a", endpoints="--endpoints" not in words[0])


def txn(pair):
    def say(text, *options):
        pair("txn", *options, stdin=text)

    body = 'create("t1") = "0"\n\nput t1 a --prev-kv\nget t1x\ndel t2 --prev-kv\nget a\nget "" --prefix --limit=2\n\nget t1\n\n'
    for name in FORMATS:
        say(body, "-w", name)
    say(body, "-i")
    say(body, "--hex")
    for compare in ('ver("foo") > "1', 'bad("foo") = "1"', 'ver(foo) = "1"', 'ver("foo") = "x"', 'val("x")="5"', 'val("a")',
                    'nonsense', 'c("x") = "1"', 'm("x") != "5"', 'val("a\\"b") > "\\x00"', "mod('a') = '1'",
                    'version("a")  <   "9"', 'value("a") = "1" trailing'):
        say(compare + "\n\n\n\n")
    for request in ("frob a 1", "put a", "put a b c", 'get "ab" --bogus', "get", 'get "unterminated', 'put "k"v "x"y',
                    "put 'single quoted' 'a \\x62'", 'put "a\\x62" "c d\\n"', "put z --lease=77 1", "put z --lease=zz 1",
                    "get a --order=z", "del k l --range", "get -w json a", "get a --rev 99999", "put --prev-kv a 1", "del",
                    "get a 'b' c", "get a --prefix=zz", "put z 1 --ignore-value"):
        say("\n" + request + "\n\n\n")
    say("")
    say("\n\n")
    say('c("x") = "1"')
    say("  \nput a 1\n \t \n\n")
    say("\nput a 1\nput a 2\n\n\n")
    pair("txn", "word")


def watch(pair):
    pair("put", "w", "1", "-w", "json")
    pair.sides[0].values["rev"] = pair.sides[1].values["rev"] = re.search(
        rb'"revision":(\d+)', pair.sides[0].last["stdout"])[1].decode()
    pair("put", "w", "2")
    pair("put", "w2", "3")
    pair("del", "w")

    def lines(count):
        return lambda output: output.count("\n") >= count

    everything = ["watch", "w", "--prefix", "--rev={rev}"]
    pair.hold(*everything, until=lines(12))
    pair.hold(*everything, "--prev-kv", until=lines(16))
    pair.hold(*everything, "--prev-kv", "-w", "json", until=lines(1))
    pair.hold(*everything, "--prev-kv", "-w", "fields", until=lines(36))
    pair.hold(*everything, "--hex", until=lines(12))
    pair.hold(*everything, "-w", "protobuf", until=lambda output: "3" in output and "w2" in output)
    pair.hold(*everything, "-w", "table", until=lines(99))
    show = 'env | grep ^ETCD_WATCH | sort; echo "$@"'
    pair.hold("watch", "w", "--rev={rev}", "--", "sh", "-c", show, "x", "a b", until=lines(9 + 15))
    pair.hold("watch", "w", "--rev={rev}", "--", "sh", "-c", "exit 3", until=lines(99))
    pair.hold("watch", "w", "--rev={rev}", "--", "no-such-command", until=lines(99))
    pair.hold("watch", "w", "x", "--rev={rev}", "-w", "json", until=lines(1))
    pair.hold("watch", "w", "x", "more", "--rev={rev}", "-w", "json", until=lines(1))
    pair.hold("watch", "--rev={rev}", until=lines(9), environment={"ETCDCTL_WATCH_KEY": "w"})
    pair.hold("watch", "--rev={rev}", until=lines(12), environment={"ETCDCTL_WATCH_KEY": "w", "ETCDCTL_WATCH_RANGE_END": "x"})
    pair.hold("watch", "w", "--rev={rev}", until=lines(99), environment={"ETCDCTL_WATCH_KEY": "w"})
    pair.hold("watch", "--rev={rev}", "--", "echo", "x", until=lines(12), environment={"ETCDCTL_WATCH_KEY": "w"})
    for words in ([], ["a", "b", "--prefix"], ["a", "--"], ["w", "--rev=zz"], ["a", "--bogus"]):
        pair("watch", *words)
    # Interactive: what is printed is waited for before the input ends.
    rev = pair.sides[0].values["rev"]
    pair.hold("watch", "-i", stdin=f"foo\nwatch\nwatch w --rev {rev}\n", until=lines(9))
    pair.hold("watch", "-i", stdin=f"watch w --rev {rev} -- echo 'a b'\n", until=lines(12))
    pair.hold("watch", "-i", "-w", "json", stdin="watch nobody\nprogress\n", until=lines(2))
    pair.hold("watch", "-i", stdin=f"watch --rev {rev}\n", until=lines(9), environment={"ETCDCTL_WATCH_KEY": "w"})
    for text in ("", "foo\nwatch\n", "watch a --bogus\n", "watch a --\n", "watch a b --prefix\n", "watch a --rev zz\n"):
        pair("watch", "-i", stdin=text)


def lease(pair):
    for name in FORMATS:
        pair("lease", "grant", "100", "-w", name,
             tidy=lambda text: re.sub(r"\b[0-9a-f]{15,19}\b|\b\d{15,20}\b", "<lease>", text))
    pair("lease", "grant", "1000", tidy=lambda text: re.sub(r"[0-9a-f]{15,16}", "<lease>", text))
    pair.learn("lease", r"lease ([0-9a-f]{16}) granted")
    pair("put", "lk", "1", "--lease={lease}")
    pair("get", "lk", "-w", "json")
    pair("get", "lk", "-w", "fields", "--hex")
    about = lambda text: re.sub(r'99[0-9]|1000', "<about 1000>", text)  # noqa: E731
    for name in FORMATS:
        pair("lease", "timetolive", "{lease}", "-w", name, tidy=about)
        pair("lease", "timetolive", "{lease}", "--keys", "-w", name, tidy=about)
        pair("lease", "timetolive", "1234", "--keys", "-w", name)
        pair("lease", "list", "-w", name,
             tidy=lambda text: sorted(re.sub(r"\b[0-9a-f]{15,16}\b|\b\d{15,20}\b", "<lease>", text).splitlines()))
        pair("lease", "keep-alive", "--once", "{lease}", "-w", name)
    pair("lease", "timetolive", "{lease}", "--hex", "-w", "fields", tidy=about)
    pair("lease", "timetolive", "{lease}", "--hex", "-w", "json", tidy=about)
    pair.hold("lease", "keep-alive", "{lease}", until=lambda output: "\n" in output)
    for words in (["grant"], ["grant", "x"], ["grant", "1", "2"], ["grant", "-1"], ["revoke"], ["revoke", "zz"], ["revoke", "1234"],
                  ["timetolive"], ["timetolive", "zz"], ["keep-alive"], ["keep-alive", "zz"], ["keep-alive", "1234"],
                  ["keep-alive", "--once", "1234"], ["revoke", "1", "2"]):
        pair("lease", *words)
    pair("lease", "revoke", "{lease}")
    pair("get", "lk")
    for name in ("json", "fields"):
        pair("lease", "grant", "1000", tidy=bool)
        pair.learn("lease", r"lease ([0-9a-f]{16}) granted")
        pair("lease", "revoke", "{lease}", "-w", name)


def concurrency(pair):
    def session(text):
        return re.sub(r"/[0-9a-f]{12,16}|\d{15,20}|\"(?:[A-Za-z0-9+/]{20,})=*\"", "<session>", text)

    for name in ("simple", "json", "fields"):
        pair.hold("lock", "door", "-w", name, until=lambda output: "\n" in output and len(output) > 15, tidy=session)
        pair.hold("elect", "chair", "me", "-w", name, until=lambda output: "\n" in output and len(output) > 15, tidy=session)
    pair("lock", "door", "sh", "-c", 'echo "$ETCD_LOCK_KEY"; exit 7', tidy=session)
    pair("lock", "door", "--", "sh", "-c", "echo $ETCD_LOCK_REV | wc -w")
    pair("lock", "door", "no-such-command")
    pair("lock", "door", "--ttl=3", "true")
    pair.hold("elect", "-l", "chair", until=lambda output: output.count("\n") >= 2, tidy=session,
              meanwhile=lambda: pair("put", "chair/1", "someone"))
    for words in (["lock"], ["lock", "l", "--ttl=a"], ["elect"], ["elect", "e"], ["elect", "e", "p", "-l"], ["elect", "-l"],
                  ["elect", "a", "b", "c"]):
        pair(*words)
    pair("get", "door", "--prefix")


def member(pair):
    in_formats(pair, "member", "list")
    in_formats(pair, "member", "list", "--hex")
    for words in (["list", "a"], ["list", "--consistency=s"], ["list", "--consistency=x"], ["add"], ["add", "x"],
                  ["add", "x", "--peer-urls="], ["add", "x", "--peer-urls=foo"], ["add", "x", "http://a:1"], ["add", "x", "y"],
                  ["update"], ["update", "zz"], ["update", "77"], ["update", "77", "a", "--peer-urls=http://127.0.0.1:1"],
                  ["update", "77", "--peer-urls=http://127.0.0.1:1"], ["promote"], ["promote", "zz"], ["promote", "77"],
                  ["remove"], ["remove", "zz"], ["remove", "77"], ["add", "x", "--learner", "--peer-urls={peer}"]):
        pair("member", *words)
    def unordered(text):
        """Members come in the order of their ids, which hold the time."""
        return sorted(re.findall(r"[^\s,\[\]{}]+", re.sub("<member>, started|<learner>, unstarted", "<any>", text)))

    def learn_learner():
        for side in pair.sides:
            found = re.search(rb"([0-9a-f]{12,16}), unstarted", side.last["stdout"])
            side.learn_id("learner", int(found[1], 16) if found else 0x77)  # none where members cannot be added

    for i, name in enumerate(("json", "fields", "protobuf", "table", "simple")):
        pair("member", "add", "learner", "--learner", f"--peer-urls=http://127.0.0.1:{20 + i},http://127.0.0.1:10", "-w", name,
             tidy=lambda text: len(text) > 0)
        pair("member", "list", tidy=lambda text: unordered(re.sub(r"[0-9a-f]{12,16}, unst", "<learner>, unst", text)))
        learn_learner()
        pair("member", "promote", "{learner}")
        pair("member", "update", "{learner}", "--peer-urls=http://127.0.0.1:11", "-w", name, tidy=unordered)
        pair("member", "list", "-w", name, tidy=unordered)
        pair("member", "remove", "{learner}", "-w", name)
    # Members come in the order of their ids, which say when they were added.
    pair("member", "add", "learner", "--learner", "--peer-urls=http://127.0.0.1:9",
         tidy=lambda text: re.sub(r'(?<=ETCD_INITIAL_CLUSTER=")[^"]*', lambda urls: ",".join(sorted(urls[0].split(","))),
                                  re.sub(r"Member [0-9a-f ]{16}", "Member <new>", text)))
    pair("member", "list", tidy=bool)
    learn_learner()
    pair("member", "remove", "{learner}")


def maintenance(pair):
    def sizes(text):
        """Sizes of databases, indexes of entries: what two clusters may differ in."""
        text = re.sub(r'("?(?:dbSize|dbSizeInUse|raftIndex|raftAppliedIndex|raftTerm)"?:)\d+', r"\1<n>", text)
        text = re.sub(r'("(?:DBSize|DBSizeInUse|RaftIndex|RaftTerm|RaftAppliedIndex)" : )\d+', r"\1<n>", text)
        text = re.sub(r"\d+(\.\d)? [kM]?B|\b\d+%", "<size>", text)
        return re.sub(r"(true|false)( ?[,│] ?)(true|false)( ?[,│] ?)\d+( ?[,│] ?)\d+( ?[,│] ?)\d+", r"\1\2\3 <raft>", text)

    in_formats(pair, "endpoint", "status", tidy=sizes)
    in_formats(pair, "endpoint", "status", "--cluster", tidy=sizes)
    pair("endpoint", "status", "--hex", "-w", "fields", tidy=sizes)
    pair("endpoint", "status", "word", tidy=sizes)
    in_formats(pair, "endpoint", "health")
    in_formats(pair, "endpoint", "health", "--cluster")
    pair("endpoint", "hashkv", tidy=bool)
    pair.learn_number("hash", r", (\d+),")  # of a history with leases, whose ids are each cluster's own
    in_formats(pair, "endpoint", "hashkv")
    pair("endpoint", "hashkv", "--rev=5", "-w", "json")
    pair("endpoint", "hashkv", "--rev=99999")
    in_formats(pair, "alarm", "list")
    in_formats(pair, "alarm", "disarm")
    for words in (["alarm", "list", "a"], ["alarm", "disarm", "a"], ["move-leader"], ["move-leader", "zz"], ["move-leader", "7"],
                  ["defrag"], ["defrag", "-w", "json"], ["defrag", "--cluster"], ["compaction"], ["compaction", "a"],
                  ["compaction", "99999"], ["compaction", "5"], ["compaction", "5"], ["compaction", "6", "--physical"],
                  ["compaction", "7", "-w", "json"], ["get", "a", "--rev=3"], ["watch", "a", "--rev=3"],
                  ["watch", "a", "--rev=3", "-w", "json"], ["watch", "a", "--rev=3", "-w", "fields"],
                  ["check", "perf", "--load=x"], ["check", "datascale", "--load=x"], ["downgrade", "validate"],
                  ["downgrade", "enable"], ["downgrade", "validate", "3.4"], ["downgrade", "validate", "bad"],
                  ["downgrade", "validate", "3.6"], ["downgrade", "validate", "3.6", "-w", "json"],
                  ["downgrade", "validate", "3.6", "-w", "fields"], ["make-mirror"], ["make-mirror", "a", "b"],
                  ["make-mirror", "--no-dest-prefix", "--dest-prefix=a", "b"]):
        pair(*words)
    pair("put", "/etcdctl-check-perf/x", "1")
    pair("check", "perf")
    pair("put", "/etcdctl-check-datascale/x", "1")
    pair("check", "datascale")
    pair("del", "/etcdctl-check", "--prefix")


def mirror(pair):
    pair("put", "m/1", "one")
    pair("put", "m/2", "two")
    # Onto the same cluster, which shows as well.
    pair.hold("make-mirror", "--prefix=m/", "--dest-prefix=copy/", "{endpoint}", until=lambda output: pair.mirrored(),
              meanwhile=lambda: pair("put", "m/3", "three"))
    pair("get", "copy/", "--prefix")


def snapshot(pair):
    for words in (["save"], ["save", "a.db", "b"], ["save", "/nonexistent/x.db"]):
        pair("snapshot", *words)
    pair("--endpoints=127.0.0.1:1,{endpoint}", "snapshot", "save", "q.db", endpoints=False)
    pair("snapshot", "save", "s.db", tidy=lambda text: text.splitlines())
    # From here on both look at one and the same file; etcdutl changes what it opens, so each has a copy.
    stock, ours = pair.sides

    def fresh():
        for side in pair.sides:
            shutil.copyfile(stock.directory / "s.db", side.directory / "copy.db")

    for name in FORMATS:
        fresh()
        pair("snapshot", "status", "copy.db", "-w", name, tool="utl", endpoints=False)
        fresh()
        pair("hashkv", "copy.db", "-w", name, tool="utl", endpoints=False)
    for words in (["snapshot", "status"], ["snapshot", "status", "nope.db"], ["snapshot", "status", "copy.db", "b"], ["hashkv"],
                  ["hashkv", "nope.db"], ["hashkv", "copy.db", "--rev=8"], ["hashkv", "copy.db", "--rev=2"],
                  ["hashkv", "copy.db", "--rev=99999"], ["snapshot", "restore"], ["snapshot", "restore", "nope.db", "--data-dir=r1"],
                  ["snapshot", "restore", "copy.db", "--data-dir=r2", "--bump-revision=100"],
                  ["snapshot", "restore", "copy.db", "--data-dir=r2", "--mark-compacted"],
                  ["snapshot", "restore", "copy.db", "--data-dir=r3", "--name=a", "--initial-cluster=b=http://localhost:1"],
                  ["defrag", "--data-dir=nope"]):
        fresh()
        pair(*words, tool="utl", endpoints=False)
    fresh()
    for options in ([], ["--bump-revision=1000", "--mark-compacted"]):
        directory = f"restored{len(options)}"
        fresh()
        pair("snapshot", "restore", "copy.db", f"--data-dir={directory}", *options, tool="utl", endpoints=False)
        pair("snapshot", "restore", "copy.db", f"--data-dir={directory}", *options, tool="utl", endpoints=False)
        # What was restored, read by stock etcdutl on both sides; by hashkv last, which begins the compaction that
        # --mark-compacted asks for and may or may not come to its end.
        ours_tool, ours.tools["utl"] = ours.tools["utl"], stock.tools["utl"]
        pair("snapshot", "status", f"{directory}/member/snap/db", "-w", "json", tool="utl", endpoints=False)
        pair("hashkv", f"{directory}/member/snap/db", "-w", "json", tool="utl", endpoints=False)
        ours.tools["utl"] = ours_tool
        pair("defrag", f"--data-dir={directory}", tool="utl", endpoints=False)


def auth(pair):
    for name in FORMATS:
        pair("user", "add", f"u-{name}:pw", "-w", name)
        pair("role", "add", f"r-{name}", "-w", name)
    for words, stdin in ((["user", "add"], ""), (["user", "add", "u1"], ""), (["user", "add", "u1", "--interactive=false"], "pw\n"),
                         (["user", "add", "u2"], "pw\npw\n"), (["user", "add", "u3"], "pw\nother\n"),
                         (["user", "add", "u4", "--no-password"], ""), (["user", "add", ":pw"], ""), (["user", "add", "u1:pw"], ""),
                         (["user", "add", "u5", "--new-user-password=a"], ""), (["user", "get"], ""), (["user", "get", "nope"], ""),
                         (["user", "passwd"], ""), (["user", "passwd", "u1", "--interactive=false"], "new"),
                         (["user", "passwd", "u1"], "a\na\n"), (["user", "passwd", "u1"], "a\nb\n"), (["user", "passwd", "u1"], ""),
                         (["user", "list", "a"], ""), (["role", "add"], ""), (["role", "add", "r1"], ""), (["role", "add", "r1"], ""),
                         (["role", "get", "nope"], ""), (["role", "get"], ""), (["role", "list", "a"], ""), (["role", "delete"], "")):
        pair(*words, stdin=stdin)
    for words in (["r1", "read", "foo"], ["r1", "bogus", "foo"], ["r1", "READ", "a", "b"], ["r1", "write", "p", "--prefix"],
                  ["r1", "readwrite", "z", "--from-key"], ["r1", "readwrite", "", "--prefix"], ["r1", "read", ""],
                  ["r1", "readwrite", "", "--from-key"], ["r1"], ["r1", "read", "a", "b", "--prefix"],
                  ["r1", "read", "a", "b", "--from-key"], ["r1", "read", "a", "b", "c"],
                  ["r1", "read", "a", "--prefix", "--from-key"], ["r1", "read", "g", "-w", "json"], ["r1", "read", "h", "-w", "fields"],
                  ["r1", "write", "m", "n"], ["nope", "read", "x"]):
        pair("role", "grant-permission", *words)
    for name in FORMATS:
        for words in (["role", "get", "r1"], ["role", "list"], ["user", "grant-role", "u1", "r1"], ["user", "get", "u1"],
                      ["user", "get", "u1", "--detail"], ["user", "list"], ["user", "revoke-role", "u1", "r1"], ["auth", "status"]):
            pair(*words, "-w", name)
    for words in (["r1"], ["r1", "nope"], ["r1", "foo"], ["r1", "a", "b"], ["r1", "p", "--prefix"], ["r1", "z", "--from-key"],
                  ["r1", "", "--prefix"], ["r1", "g", "-w", "json"], ["r1", "h", "-w", "fields"], ["r1", "a", "b", "--prefix"]):
        pair("role", "revoke-permission", *words)
    for words in (["user", "grant-role"], ["user", "grant-role", "u1", "nope"], ["user", "revoke-role", "u1"], ["role", "delete", "r-json"],
                  ["role", "delete", "r-fields", "-w", "json"], ["role", "delete", "nope"], ["user", "delete"],
                  ["user", "delete", "u-json"], ["user", "delete", "u-fields", "-w", "fields"], ["user", "delete", "nope"],
                  ["auth", "enable"], ["auth", "disable"], ["auth", "enable", "a"], ["auth", "status", "a"], ["role", "get", "root"],
                  ["user", "add", "root:pw"], ["user", "grant-role", "u5", "r1"], ["auth", "enable"], ["get", "a"], ["user", "list"],
                  ["role", "get", "root"]):
        pair(*words)
    root = "--user=root:pw"
    for words, stdin in (([root, "get", "a"], ""), (["--user=root:bad", "get", "a"], ""), (["--user=nobody:x", "get", "a"], ""),
                         (["--user=root", "--password=pw", "get", "a"], ""), (["--user=root", "get", "a"], "pw\n"),
                         (["--user=u5:a", "get", "a"], ""), (["--user=u5:a", "get", "m"], ""), (["--user=u5:a", "put", "m", "1"], ""),
                         (["--user=root:pw", "--password=x", "get", "a"], ""), (["--password=x", "get", "a"], ""),
                         (["--user=u5:a", "user", "get", "u5"], ""), (["--user=u5:a", "user", "list"], ""),
                         (["--user=u5:a", "role", "get", "r1"], ""), (["--user=u5:a", "watch", "secret"], ""),
                         (["--user=u5:a", "txn"], "\nput secret 1\n\n\n"), (["--user=u5:a", "endpoint", "health"], ""),
                         (["--user=u5:a", "lease", "timetolive", "1234"], ""), ([root, "auth", "status"], ""),
                         ([root, "role", "get", "root"], ""), (["auth", "disable"], ""), ([root, "auth", "disable"], ""),
                         ([root, "get", "a"], "")):
        pair(*words, stdin=stdin)


def tls(pair):
    all_three = ["--cacert={ca}", "--cert={cert}", "--key={key}"]
    short = "--command-timeout=1s"
    pair(*all_three, "put", "a", "1")
    pair(*all_three, "get", "a", "-w", "json")
    pair(*all_three, "endpoint", "health")
    pair(*all_three, "endpoint", "health", "--cluster")
    pair(*all_three, "--endpoints=https://{endpoint}", "get", "a", endpoints=False)
    pair(*all_three, "--endpoints=http://{endpoint}", short, "get", "a", endpoints=False)
    pair("--cert={cert}", "--key={key}", "--insecure-skip-tls-verify", "get", "a")
    pair("--cert={cert}", "--key={key}", short, "get", "a")  # the authority is not one of the system's
    pair("--cacert={ca}", short, "get", "a")  # without a certificate of its own
    pair(short, "get", "a")
    pair("--cacert={ca}", "--cert={ca}", "--key={key}", short, "get", "a", tidy=bool)
    pair("get", "a", environment={"ETCDCTL_CACERT": "{ca}", "ETCDCTL_CERT": "{cert}", "ETCDCTL_KEY": "{key}"})
    pair(*all_three, "snapshot", "save", "s.db")
    pair.hold(*all_three, "watch", "a", "--rev=1", until=lambda output: output.count("\n") >= 3)


TLS = {"tls": tls}
ALL = {"kv": kv, "command-line": command_line, "txn": txn, "watch": watch, "lease": lease, "concurrency": concurrency, "member": member,
       "maintenance": maintenance, "mirror": mirror, "snapshot": snapshot, "auth": auth}
