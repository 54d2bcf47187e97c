"""Sketches and tables: sets whose difference is peeled out (chapter 07)."""

import math

from errors import Coded
from wire import read_uvarint, uvarint

U64 = 2**64 - 1
INDEX_END = 2**31
STEP = 0xDA942042E4DD58B5


def siphash(key, data):
    """SipHash-2-4 as 8 bytes; `key` has 16."""
    k0, k1 = (int.from_bytes(key[i : i + 8], "little") for i in (0, 8))
    v0, v1, v2, v3 = (
        k0 ^ 0x736F6D6570736575,
        k1 ^ 0x646F72616E646F6D,
        k0 ^ 0x6C7967656E657261,
        k1 ^ 0x7465646279746573,
    )
    padded = data + bytes(7 - len(data) % 8) + bytes([len(data) & 0xFF])
    words = [int.from_bytes(padded[i : i + 8], "little") for i in range(0, len(padded), 8)]
    for word, rounds in [(word, 2) for word in words] + [(None, 4)]:
        if word is None:
            v2, word = v2 ^ 0xFF, 0
        v3 ^= word
        for _ in range(rounds):
            v0 = (v0 + v1) & U64
            v1 = (v1 << 13 & U64 | v1 >> 51) ^ v0
            v0 = v0 << 32 & U64 | v0 >> 32
            v2 = (v2 + v3) & U64
            v3 = (v3 << 16 & U64 | v3 >> 48) ^ v2
            v0 = (v0 + v3) & U64
            v3 = (v3 << 21 & U64 | v3 >> 43) ^ v0
            v2 = (v2 + v1) & U64
            v1 = (v1 << 17 & U64 | v1 >> 47) ^ v2
            v2 = v2 << 32 & U64 | v2 >> 32
        v0 ^= word
    return (v0 ^ v1 ^ v2 ^ v3).to_bytes(8, "little")


def short_id(salt, id):
    return siphash(salt, id)  # RCN-002


def checksum(salt, short):
    return siphash(salt, short)  # RCN-003


def xor(ids):
    """The XOR of short ids; 8 zero bytes for none."""
    out = 0
    for each in ids:
        out ^= int.from_bytes(each, "little")
    return out.to_bytes(8, "little")


def partition(ids, bits, prefix):
    """Those of the ids that begin with these bits."""
    return [id for id in ids if int.from_bytes(id[:2], "big") >> (16 - bits) == prefix]


# --- where an item stands ----------------------------------------------------------------------


def walk(state):
    """Indices after 0 and below 2^31 (RCN-005); `state` is u64(checksum)."""
    r, i = state, 0
    while True:
        r = r * STEP & U64
        q = -(-((2 * i + 3) ** 2 << 64) // (r + 1))
        root = math.isqrt(q - 1) + 1  # the smallest whole number whose square is at least q
        i = max(i + 1, (root - 2) // 2)
        if i >= INDEX_END:
            return
        yield i


def symbol_indices(state, end):
    """RCN-004: 0 and the walk, below `end`."""
    if end > 0:
        yield 0
    for i in walk(state):
        if i >= end:
            return
        yield i


def cell_indices(state, cells):
    """RCN-060: one in each quarter."""
    quarter, r = cells // 4, state
    for j in range(4):
        r = r * STEP & U64
        yield j * quarter + (r >> 32) * quarter // 2**32


# --- symbols -----------------------------------------------------------------------------------


class Symbols:
    """Sums, checks and counts; of a sketch from symbol 0 on, or of a table with `cells`."""

    def __init__(self, salt, cells=0):
        self.salt = salt
        self.cells = cells
        self.sums = [0] * cells
        self.checks = [0] * cells
        self.counts = [0] * cells

    def indices(self, short, check):
        state = int.from_bytes(check, "little")
        return cell_indices(state, self.cells) if self.cells else symbol_indices(state, len(self.sums))

    def grow(self, shorts, count):
        """A sketch of the set gets `count` symbols in all (RCN-006)."""
        start = len(self.sums)
        for each in self.sums, self.checks, self.counts:
            each += [0] * (count - start)
        for short in shorts:
            self.put(short, checksum(self.salt, short), 1, start)

    def put(self, short, check, sign, start=0):
        """An item goes into its symbols from `start` on, or out of them; returns in how many."""
        number, check_number, steps = int.from_bytes(short, "little"), int.from_bytes(check[:6], "little"), 0
        for i in self.indices(short, check):
            if i >= start:
                self.sums[i] ^= number
                self.checks[i] ^= check_number
                self.counts[i] += sign
                steps += 1
        return steps

    def empty(self, i):
        return not (self.sums[i] or self.checks[i] or self.counts[i])

    def pure(self, i):
        """The short id that symbol i names and its checksum, or None (RCN-032)."""
        if self.counts[i] not in (1, -1) or not self.sums[i]:
            return None
        short = self.sums[i].to_bytes(8, "little")
        check = checksum(self.salt, short)
        return (short, check) if int.from_bytes(check[:6], "little") == self.checks[i] else None

    def expected(self, i, size):
        return 4 * size // self.cells if self.cells else 2 * size // (i + 2)

    def write(self, first, count, size):
        """RCN-012, RCN-062."""
        out = bytearray()
        for i in range(first, first + count):
            out += self.sums[i].to_bytes(8, "little") + self.checks[i].to_bytes(6, "little")
            off = self.counts[i] - self.expected(i, size)
            out += uvarint(2 * off if off >= 0 else -2 * off - 1)
        return bytes(out)

    def read(self, data, first, count, size):
        """(sum, check, count) of each symbol, or E_MALFORMED (RCN-025)."""
        out, at = [], 0
        try:
            for i in range(first, first + count):
                end = at + 14
                zigzag, after = read_uvarint(data, end)
                number = self.expected(i, size) + (zigzag >> 1 if zigzag % 2 == 0 else -(zigzag >> 1) - 1)
                if after - end > 5 or not 0 <= number <= size:
                    raise Coded("E_MALFORMED")
                halves = data[at : at + 8], data[at + 8 : end]
                out.append(tuple(int.from_bytes(half, "little") for half in halves) + (number,))
                at = after
        except Coded:
            raise Coded("E_MALFORMED") from None
        if at != len(data):
            raise Coded("E_MALFORMED")
        return out


class Decoder:
    """The asker's side: takes its own symbols off those that come, and peels."""

    def __init__(self, salt, own, cells=0, steps_per_symbol=64):
        self.salt = salt
        self.own = set(own)
        self.mine = Symbols(salt, cells)  # grows with what comes
        self.left = Symbols(salt, cells)  # what is left of both
        self.theirs = []  # short ids that the answerer alone has
        self.ours = []
        self.named = {}  # short id -> (checksum, sign)
        self.steps = 0
        self.steps_per_symbol = steps_per_symbol
        if cells:
            for short in self.own:
                self.mine.put(short, checksum(salt, short), 1)

    @property
    def received(self):
        return 0 if self.mine.cells else len(self.left.sums)

    def add(self, data, count, size):
        """Symbols that follow those that came, or all cells. True when the set is decoded."""
        left, mine, first = self.left, self.mine, self.received
        came = mine.read(data, first, count, size)
        if not mine.cells:
            mine.grow(self.own, first + count)
            for each in left.sums, left.checks, left.counts:
                each += [0] * count
        for i, (sum_, check, number) in enumerate(came, start=first):
            left.sums[i] ^= sum_ ^ mine.sums[i]
            left.checks[i] ^= check ^ mine.checks[i]
            left.counts[i] += number - mine.counts[i]
        if not mine.cells:
            for short, (check, sign) in self.named.items():  # of what is known they are rid as well
                self.spend(left.put(short, check, -sign, first))
        self.peel(range(first, len(left.sums)))
        return self.decoded()

    def decoded(self):
        return all(map(self.left.empty, range(len(self.left.sums)))) if self.mine.cells else self.left.empty(0)

    def peel(self, fresh):
        todo = list(fresh)
        while todo:
            i = todo.pop()
            found = self.left.pure(i)
            if not found:
                continue
            short, check = found
            sign = self.left.counts[i]
            if short in self.named or (short in self.own) == (sign == 1):
                raise Coded("E_SKETCH")  # RCN-031
            self.named[short] = check, sign
            (self.theirs if sign == 1 else self.ours).append(short)
            self.spend(self.left.put(short, check, -sign))
            todo += self.left.indices(short, check)

    def spend(self, steps):
        self.steps += steps
        if self.steps > self.steps_per_symbol * len(self.left.sums):
            raise Coded("E_SKETCH")  # RCN-034
