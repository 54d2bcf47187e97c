"""Range messages: two sides compare a set in the order of time (chapter 07)."""

import bisect
import hashlib

from errors import Coded

VERSION, SKIP, FINGERPRINT, IDS = 0x61, 0, 1, 2
END = (2**64, b"")  # behind every item
FEW, PARTS = 32, 16
NUMBER_MAX = 2**53 - 1
MARGIN = 200


def number(value):
    """Base 128, most significant digit first."""
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(value & 0x7F | 0x80)
    return bytes(reversed(out))


def timed(items):
    """Of id to time: what takes part, in order (RCN-072)."""
    return sorted((time, id) for id, time in items.items() if time <= NUMBER_MAX)


def fingerprint(ids):
    """RCN-071."""
    total = sum(int.from_bytes(id, "little") for id in ids) % 2**256
    return hashlib.sha256(total.to_bytes(32, "little") + number(len(ids))).digest()[:16]


def between(left, right):
    """The bound between two neighbours."""
    if left[0] != right[0]:
        return right[0], b""
    shared = next(i for i in range(32) if left[1][i] != right[1][i])
    return right[0], right[1][: shared + 1]


class Writer:
    """A message in the making: ranges, each from where the last one ended."""

    def __init__(self):
        self.out = bytearray([VERSION])
        self.time = 0
        self.skipped = None  # bound of a skip that is written only if something follows

    def copy(self):
        other = Writer()
        other.out, other.time, other.skipped = bytearray(self.out), self.time, self.skipped
        return other

    def range(self, bound, mode, content):
        if self.skipped is not None:
            self._bound(self.skipped)
            self.out += number(SKIP)
            self.skipped = None
        self._bound(bound)
        self.out += number(mode) + content

    def _bound(self, bound):
        time, prefix = bound
        self.out += number(0 if bound == END else 1 + time - self.time) + number(len(prefix)) + prefix
        self.time = time


def split(writer, items, bound):
    """RCN-074: a range of these items up to the bound."""
    if len(items) < FEW:
        writer.range(bound, IDS, number(len(items)) + b"".join(id for _, id in items))
        return
    size, larger = divmod(len(items), PARTS)
    at = 0
    for part in range(PARTS):
        end = at + size + (part < larger)
        upper = bound if end == len(items) else between(items[end - 1], items[end])
        writer.range(upper, FINGERPRINT, fingerprint([id for _, id in items[at:end]]))
        at = end


def open_message(items):
    """The asker's first message over its sorted items, each (time, id)."""
    writer = Writer()
    split(writer, sorted(items), END)
    return bytes(writer.out)


# --- reading -----------------------------------------------------------------------------------


class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, size):
        if self.at + size > len(self.data):
            raise Coded("E_MALFORMED")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self):
        value = 0
        while True:
            [byte] = self.take(1)
            value = value << 7 | byte & 0x7F
            if value > NUMBER_MAX:
                raise Coded("E_MALFORMED")
            if byte < 0x80:
                return value


def parse(data):
    """[(bound, mode, content)], or E_MALFORMED (RCN-078, RCN-079)."""
    reader = Reader(data)
    if reader.take(1) != bytes([VERSION]):
        raise Coded("E_MALFORMED")
    out, time, last = [], 0, None
    while reader.at < len(data):
        told, length = reader.number(), reader.number()
        if length > 32:
            raise Coded("E_MALFORMED")
        prefix = reader.take(length)
        time = END[0] if told == 0 else time + told - 1
        bound = time, prefix
        if (told == 0 and prefix) or (told and time > NUMBER_MAX) or (last is not None and bound <= last):
            raise Coded("E_MALFORMED")
        last, mode = bound, reader.number()
        if mode == IDS:
            content = reader.take(32 * reader.number())
            content = [content[i : i + 32] for i in range(0, len(content), 32)]
        elif mode == FINGERPRINT:
            content = reader.take(16)
        elif mode == SKIP:
            content = None
        else:
            raise Coded("E_MALFORMED")
        out.append((bound, mode, content))
    return out


def react(asker, longest, data, items):
    """(message, ids needed, ids that the other side lacks); the message of an asker who is done is empty.

    `longest` is RCN-080's limit, or None.
    """
    items, parsed = sorted(items), parse(data)
    writer, at, needed, lacking = Writer(), 0, set(), set()

    def full(size):
        return longest is not None and size > longest - MARGIN

    for bound, mode, content in parsed:
        end = max(at, bisect.bisect_left(items, bound))
        own = [id for _, id in items[at:end]]
        before, rest = writer.copy(), None
        if mode == IDS and asker:
            needed.update(set(content) - set(own))
            lacking.update(set(own) - set(content))
            writer.skipped = bound
        elif mode == IDS:
            fits = next((n for n in range(len(own)) if full(len(writer.out) + 32 * n)), len(own))
            cut = fits < len(own)
            writer.range(items[at + fits] if cut else bound, IDS, number(fits) + b"".join(own[:fits]))
            if cut or full(len(writer.out)):
                rest = items[at + fits :]
        elif mode == SKIP or content == fingerprint(own):
            writer.skipped = bound
        else:
            split(writer, items[at:end], bound)
            if full(len(writer.out)):
                writer, rest = before, items[at:]
        if rest is not None:  # RCN-080
            writer.range(END, FINGERPRINT, fingerprint([id for _, id in rest]))
            break
        at = end
    message = bytes(writer.out)
    return b"" if asker and len(message) == 1 else message, needed, lacking
