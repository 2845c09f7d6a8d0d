"""etcd's gRPC API for tests, on Debian's python3-grpcio, with messages encoded here: what is sent is exactly what the
test says, fields that no client library knows included.

Raises ImportError where there is no grpcio: a test that needs it is skipped then.
"""

import queue
import threading

import grpc

RANGE, PUT, DELETE, TXN, COMPACT = (f"/etcdserverpb.KV/{n}" for n in ("Range", "Put", "DeleteRange", "Txn", "Compact"))
WATCH, KEEP_ALIVE = "/etcdserverpb.Watch/Watch", "/etcdserverpb.Lease/LeaseKeepAlive"
GRANT, REVOKE, TIME_TO_LIVE = (f"/etcdserverpb.Lease/Lease{n}" for n in ("Grant", "Revoke", "TimeToLive"))
ALL = b"\0"
TIMEOUT_S = 15


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def message(**fields):
    """message(f1=b"key", f3=5, f8=True): fields by number; lists are repeated fields, None is left out."""
    out = b""
    for name, values in fields.items():
        number = int(name[1:])
        for value in values if isinstance(values, list) else [values]:
            if value is None:
                continue
            if isinstance(value, str):
                value = value.encode()
            if isinstance(value, bytes):
                out += varint(number << 3 | 2) + varint(len(value)) + value
            else:
                out += varint(number << 3) + varint(int(value))
    return out


def _take_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    """{number: [values]}: integers signed, bytes as they are."""
    found, at = {}, 0
    while at < len(data):
        tag, at = _take_varint(data, at)
        if tag & 7 == 0:
            value, at = _take_varint(data, at)
            value -= (value >> 63) << 64
        else:
            assert tag & 7 == 2, tag
            size, at = _take_varint(data, at)
            value, at = data[at:at + size], at + size
        found.setdefault(tag >> 3, []).append(value)
    return found


def one(found, number, default=0):
    return found.get(number, [default])[-1]


class Kv:
    """mvccpb.KeyValue."""

    def __init__(self, data):
        found = fields(data)
        self.key, self.value = one(found, 1, b""), one(found, 5, b"")
        self.create_revision, self.mod_revision, self.version, self.lease = (one(found, n) for n in (2, 3, 4, 6))


class Answer:
    """A response whose field 1 is a header. kvs, more, count are those of Range."""

    def __init__(self, data, metadata=()):
        self.fields = fields(data)
        header = fields(one(self.fields, 1, b""))
        self.cluster_id, self.member_id, self.revision, self.raft_term = (one(header, n) for n in (1, 2, 3, 4))
        self.metadata = dict(metadata)

    @property
    def kvs(self):
        return [Kv(kv) for kv in self.fields.get(2, [])]

    @property
    def more(self):
        return bool(one(self.fields, 3))

    @property
    def count(self):
        return one(self.fields, 4)


class WatchAnswer(Answer):
    def __init__(self, data):
        super().__init__(data)
        self.watch_id, self.created, self.canceled, self.compact_revision = (one(self.fields, n) for n in (2, 3, 4, 5))
        self.reason = one(self.fields, 6, b"").decode()
        self.fragment = bool(one(self.fields, 7))
        self.events = []  # (deleted, Kv, previous Kv or None)
        for event in self.fields.get(11, []):
            found = fields(event)
            self.events.append((one(found, 1) == 1, Kv(one(found, 2, b"")), Kv(found[3][0]) if 3 in found else None))


class Client:
    """Calls on one connection of its own."""

    def __init__(self, endpoint, metadata=()):
        self.channel = grpc.insecure_channel(endpoint, options=[("grpc.use_local_subchannel_pool", 1),
                                                                ("grpc.max_receive_message_length", -1),
                                                                ("grpc.enable_http_proxy", 0)])
        self.metadata = list(metadata)

    def close(self):
        self.channel.close()

    def call(self, path, request, metadata=(), timeout_s=TIMEOUT_S):
        answer, call = self.channel.unary_unary(path).with_call(request, timeout=timeout_s,
                                                                metadata=self.metadata + list(metadata))
        return Answer(answer, call.initial_metadata())

    def range(self, key, end=None, serializable=False, metadata=(), timeout_s=TIMEOUT_S, limit=0, revision=0, **more):
        return self.call(RANGE, message(f1=key, f2=end, f3=limit, f4=revision, f7=serializable, **more), metadata, timeout_s)

    def value(self, key, **more):
        kvs = self.range(key, **more).kvs
        return kvs[0].value if kvs else None

    def put(self, key, value, lease=0, timeout_s=TIMEOUT_S):
        return self.call(PUT, message(f1=key, f2=value, f3=lease), timeout_s=timeout_s)

    def delete(self, key, end=None):
        return self.call(DELETE, message(f1=key, f2=end))

    def compact(self, revision):
        return self.call(COMPACT, message(f1=revision))

    def grant(self, ttl_s):
        return one(self.call(GRANT, message(f1=ttl_s)).fields, 2)

    def stream(self, path, metadata=()):
        return Stream(self.channel.stream_stream(path), self.metadata + list(metadata))

    def watch(self, metadata=()):
        return Watch(self, metadata)


class Stream:
    """A bidirectional stream: send(bytes), receive() with a deadline."""

    END = object()

    def __init__(self, method, metadata):
        self._requests, self._answers = queue.Queue(), queue.Queue()
        self.error = None
        self._call = method(iter(self._requests.get, None), metadata=metadata)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            for answer in self._call:
                self._answers.put(answer)
        except grpc.RpcError as error:
            self.error = error
        self._answers.put(self.END)

    def send(self, request):
        self._requests.put(request)

    def half_close(self):
        self._requests.put(None)

    def receive(self, timeout_s=TIMEOUT_S):
        """The next message; None at the end of the stream (`error` tells which). Raises queue.Empty."""
        answer = self._answers.get(timeout=timeout_s)
        return None if answer is self.END else answer

    def cancel(self):
        self._call.cancel()


class Watch:
    """One Watch stream."""

    def __init__(self, client, metadata=()):
        self.stream = client.stream(WATCH, metadata)

    def create(self, key, end=None, start=0, progress_notify=False, prev_kv=False, watch_id=0, fragment=False, filters=()):
        """Sends the creation and returns its frame."""
        self.stream.send(message(f1=message(f1=key, f2=end, f3=start, f4=progress_notify, f5=list(filters), f6=prev_kv,
                                            f7=watch_id, f8=fragment)))
        return self.receive()

    def cancel(self, watch_id):
        self.stream.send(message(f2=message(f1=watch_id)))

    def ask_progress(self):
        self.stream.send(message(f3=b""))

    def receive(self, timeout_s=TIMEOUT_S):
        answer = self.stream.receive(timeout_s)
        return None if answer is None else WatchAnswer(answer)

    def events(self, count, timeout_s=TIMEOUT_S):
        """The next `count` events, whatever the number of responses."""
        found = []
        while len(found) < count:
            answer = self.receive(timeout_s)
            assert answer is not None and not answer.canceled, getattr(answer, "reason", self.stream.error)
            found += answer.events
        return found

    def close(self):
        self.stream.cancel()
