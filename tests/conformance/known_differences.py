"""In what two members may differ, each with its reason.

Etcd 3.7 is what ours is to be, 3.4.23 is what Debian has. FROM_34 says how 3.7 changed what 3.4 does; comparing the two
stock members proves it. OURS is where ours means to differ from 3.7. MIRROR_OF_34 is where a mirror answers as 3.7 does
though it fronts a 3.4.
"""

import copy
import re

from transcript import ABSENT, Allowed

UNARY_STREAM = "3.4 has no RangeStream"
GZIP = "3.7 accepts gzip, which 3.4 does not"
STATUS = "3.7 tells more in its status"
NEW_TEXT = re.compile(".+")


def _any(reason, step, path=".*"):
    return Allowed(reason, step, path, ..., ...)


_STATUS = [
    Allowed("3.7 is another release", ".*status.*", r"(.*\.)?version", "3.4.23", re.compile(r"3\.7\.\d+")),
    Allowed(STATUS, ".*status.*", r".*\.(storageVersion|dbSizeQuota|downgradeInfo)", ABSENT, ...),
    Allowed("3.4 writes an alarm with a blank behind it", ".*status.*", r".*\.errors\.\d+", re.compile("(.*) "), NEW_TEXT),
]
_ALARM_HEADER = Allowed("an alarm's answer has a header in 3.7", ".*alarm.*", r"(response|body)\.header", ABSENT, ...)
_KEYS_ONLY = Allowed("3.7 answers keys_only from its index, without the lease", "(?s).*keys( |_)only.*", r".*\.lease", ..., ABSENT)
_CHECKED_FIRST = ("3.7 checks leases and revisions of a whole transaction before it runs any of it, and in another order; "
                  "either way it is refused")

# Frames that say "all is told up to here" before it is so. A mirror tells progress for itself, and by one rule.
_PROGRESS = [
    _any("3.4 reports progress to a stream without a watcher", "progress without a watcher: .*", r"items\..*"),
    _any("3.4 reports progress to a stream that waits for a revision to come", "progress with a start to come: .*",
         r"items\..*"),
]

FROM_34 = {
    "grpc": [
        *_STATUS, _ALARM_HEADER, _KEYS_ONLY,
        _any(UNARY_STREAM, "range stream.*"),
        _any("3.4 does not check sort options", "check: sort order outside the enum", "(code|message|response)"),
        _any("a negative start revision is compacted in 3.7, now in 3.4", "negative start.*", r"items\..*"),
        *_PROGRESS,
        Allowed("3.4 forgets that a learner is one when it is updated", "member update", r".*\.isLearner", ABSENT, True),
        Allowed("HashKV says its revision in 3.7", ".*hash.*", r"response\.hash_revision", ABSENT, ...),
        _any("HashKV at the compacted revision is possible in 3.7", ".*: hash at .*", "(code|message|response)"),
        Allowed("a delete at exactly the compacted revision can still be watched in 3.7", "watch from 3: history", "items",
                ..., ...),
        _any("3.4 has no Downgrade and no AuthStatus", "(downgrade|auth status)"),
        Allowed(GZIP, "(put|get|get without a key), compressed", "code", "UNIMPLEMENTED", ...),
        Allowed(GZIP, "(put|get|get without a key), compressed", "message", re.compile(".*not installed.*"), ...),
        Allowed(GZIP, "(put|get|get without a key), compressed", "response.*", ABSENT, ...),
        _any("Compact and more need the role root since 3.5.29", "alice.*(compact|hash|status|defrag).*"),
    ],
    "random": [
        _KEYS_ONLY,
        Allowed(_CHECKED_FIRST, r"\d+: txn .*", "code", ("INVALID_ARGUMENT", "NOT_FOUND", "OUT_OF_RANGE"),
                ("INVALID_ARGUMENT", "NOT_FOUND", "OUT_OF_RANGE")),
        Allowed(_CHECKED_FIRST, r"\d+: txn .*", "message", re.compile("etcdserver: .*"), re.compile("etcdserver: .*")),
        Allowed("a delete at exactly the compacted revision can still be watched in 3.7", "the history: all that is left",
                "items", ..., ...),
    ],
    "quota": [*_STATUS, _ALARM_HEADER],
    "etcdctl": [
        *_STATUS,
        Allowed("3.4 forgets that a learner is one when it is updated", "etcdctl member list.*", r".*\.isLearner", ABSENT,
                True),
        _any("Compact needs the role root since 3.5.29", "etcdctl --user=alice:alicepw compaction 21"),
        _any("and so 3.4 has compacted one revision more", "etcdctl watch  --prefix --rev=21 .*", "lines"),
        _any("3.7 keeps more in its database: storage version, confirmed state", "etcdctl snapshot status.*",
             r"stdout\.totalKey"),
    ],
}

ESCAPING = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
FROM_34["rest"] = [
    *_STATUS, _ALARM_HEADER,
    Allowed("an error's body has no field error in 3.7", ".*", r"body\.error", ..., ABSENT),
    Allowed("FailedPrecondition is 400 in every release; Debian builds 3.4 with a gateway that says 412", ".*", "status", 412,
            400),
    Allowed("3.7 answers an unauthenticated call with WWW-Authenticate", ".*", "www-authenticate", ABSENT,
            re.compile("etcdserver: .*")),
    Allowed("the text of a JSON decoder is not stable; the code is compared", ".* bad JSON: .*", r"body\.message", ...,
            NEW_TEXT),
    _any("bad JSON on a stream is Unknown in 3.4, ends the request in 3.7", ".* bad JSON on a stream: .*"),
    _any("3.7 ignores an unknown enum name", ".* an unknown enum name"),
    _any("3.7 accepts a Bearer token", ".* a Bearer token"),
    _any("3.7 answers an unknown path below /v3/ in JSON", ".* /v3/.* an unknown path", "(content-type|body)"),
    _any("3.7 answers a wrong method below /v3/ with 501 and JSON", ".* /v3/.* a wrong method", "(status|content-type|body)"),
    _any("3.4's gateway has no such route", ".*/(maintenance/(hashkv|downgrade)|auth/status).*"),
    Allowed("a snapshot's messages say their version in 3.7", ".*/maintenance/snapshot.*", r"body\.fields", ..., ...),
    Allowed("3.5 and later give a reason with the health", "GET /health.*", r"body\.reason", ABSENT, ...),
    _any("3.4.23 has no /livez and no /readyz", ".* /(livez|readyz).*"),
    Allowed("3.5 and later give a reason with the health", "GET /health.* on the metrics port", "body",
            '{"health":"true"}', '{"health":"true","reason":""}'),
    Allowed("the page of 3.7's metrics names an escaping scheme", "GET /metrics.*", "content-type", ..., ESCAPING),
    _any("3.7 redirects with 307, 3.4 with 301", "GET /v3 an unknown path", "(status|body)"),
    _any("3.4 gives the internal error of a snapshot that nobody may have", "POST /v3/maintenance/snapshot without a token"),
    Allowed("3.7 tells the version of its storage", "GET /version.*", r"body\.storage", ABSENT, ...),
    Allowed("3.7 is another release", "GET /version.*", r"body\.(etcdserver|etcdcluster)", re.compile(r"3\.4\..*"),
            re.compile(r"3\.7\.\d+")),
]

OURS = {
    "rest": [
        Allowed("an error's body carries error beside message for those who read 3.4's answers", ".*", r"body\.error", ABSENT,
                NEW_TEXT),
        Allowed("the text of a JSON decoder is not stable; the code is compared", ".* bad JSON: .*", r"body\.(error|message)",
                ..., NEW_TEXT),
        _any("bad JSON on a stream is the client's mistake as it is elsewhere; 3.7 says nothing",
             ".* bad JSON on a stream: .*"),
        Allowed("the page of 3.7's metrics names an escaping scheme", "GET /metrics.*", "content-type", ESCAPING, ...),
        _any("no redirect from /v3 to /v3/, where there is nothing", "GET /v3 an unknown path"),
    ],
}

MIRROR_OF_34 = {"grpc": _PROGRESS}


def between(oracle, member, session):
    """The list for one run, which counts its uses."""
    lists = []
    if oracle != member and "etcd-3.4" in (oracle, member):
        lists += FROM_34.get(session, [])
    if member == "ours":
        lists += OURS.get(session, [])
    return copy.deepcopy(lists)


def of_mirror(oracle, session):
    """The list for a run of a mirror before this oracle, beside what the session allows any proxy."""
    return copy.deepcopy(MIRROR_OF_34.get(session, []) if oracle == "etcd-3.4" else [])
