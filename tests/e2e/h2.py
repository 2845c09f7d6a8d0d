"""HTTP/2 frames by hand (RFC 9113), for what no decent client would send."""

import contextlib
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 1
END_HEADERS = 4
ENHANCE_YOUR_CALM = 11


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _integer(value, prefix_bits):
    limit = (1 << prefix_bits) - 1
    if value < limit:
        return bytes([value])
    out, value = [limit], value - limit
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes([*out, value])


def header_block(fields):
    """HPACK literals without indexing and without Huffman codes (RFC 7541 section 6.2.2)."""
    block = b""
    for name, value in fields:
        name, value = name.encode(), value.encode()
        block += b"\x00" + _integer(len(name), 7) + name + _integer(len(value), 7) + value
    return block


def request(stream, method="GET", path="/livez", more=(), end=True):
    fields = [(":method", method), (":scheme", "http"), (":path", path), (":authority", "test"), *more]
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, header_block(fields))


def grpc_request(stream, path, message, end=True):
    head = request(stream, "POST", path, [("content-type", "application/grpc"), ("te", "trailers")], end=False)
    body = b"\0" + struct.pack(">I", len(message)) + message
    return head + frame(DATA, END_STREAM if end else 0, stream, body)


class Connection:
    """Frames over a connected socket. Sends the preface and SETTINGS first, unless `settings` is None."""

    def __init__(self, sock, settings=b""):
        self.sock = sock
        self.buffer = b""
        if settings is not None:
            self.send(PREFACE + frame(SETTINGS, 0, 0, settings))

    def send(self, data):
        with contextlib.suppress(ConnectionError):  # a peer that has ended it is seen by read()
            self.sock.sendall(data)

    def read(self):
        """(kind, flags, stream, payload) of the next frame; None at the end of the connection. Answers pings."""
        while len(self.buffer) < 9 or len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
            try:
                piece = self.sock.recv(65536)
            except ConnectionError:
                return None
            if not piece:
                return None
            self.buffer += piece
        length = int.from_bytes(self.buffer[:3], "big")
        kind, flags, stream = struct.unpack(">BBI", self.buffer[3:9])
        payload, self.buffer = self.buffer[9:9 + length], self.buffer[9 + length:]
        if kind == PING and not flags & ACK:
            self.send(frame(PING, ACK, 0, payload))
        return kind, flags, stream & 0x7fffffff, payload

    def read_until(self, kind):
        """The next frame of this kind; None when the connection ends before."""
        while (got := self.read()) is not None:
            if got[0] == kind:
                return got
        return None

    def read_to_end(self):
        while self.read() is not None:
            pass

    def exchange(self, stream, **kind):
        """A request and its answer: (it was 200, body)."""
        self.send(request(stream, **kind))
        ok, body = False, b""
        while (got := self.read()) is not None:
            if got[2] != stream:
                continue
            if got[0] == HEADERS:
                ok = ok or got[3][:1] == b"\x88"  # ":status: 200" of the static table
            elif got[0] == DATA:
                body += got[3]
            if got[0] in (HEADERS, DATA) and got[1] & END_STREAM:
                return ok, body
        return False, body


def goaway_reason(got):
    """(error code, debug text) of a GOAWAY frame."""
    return int.from_bytes(got[3][4:8], "big"), got[3][8:].decode("utf-8", "replace")
