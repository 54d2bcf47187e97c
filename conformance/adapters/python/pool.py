"""The pool of transactions (chapter 05, Mempool): who gets in, who leaves, what a block takes."""

import functools

from wire import SCHEMAS, Field
from identity import PAYLOADS

SCHEMAS.update(
    {
        "Transfer": {1: Field("to", "bytes"), 2: Field("amount", "u64")},
        "Entry": {1: Field("data", "bytes")},
        "Transaction": {
            1: Field("version", "u32"),
            2: Field("created_ms", "u64"),
            3: Field("nonce", "u64"),
            4: Field("valid_until_slot", "u64"),
            5: Field("fee", "u64"),
            6: Field("transfer", "Transfer", oneof=True),
            7: Field("entry", "Entry", oneof=True),
        },
        "Forward": {1: Field("transactions", "bytes", repeated=True, count=(1, 64))},
    }
)
PAYLOADS["transaction", 1] = "Transaction"


def has_body(fields):
    """MEM-003."""
    return bool(fields["entry"]) or bool(fields["transfer"]) and len(fields["transfer"]["to"]) == 32


class Transaction:
    def __init__(self, account, id, nonce, fee, cost, valid_until, size, envelope=None, created_ms=0):
        self.account = account
        self.id = id
        self.nonce = nonce
        self.fee = fee
        self.cost = cost  # fee and amount together
        self.valid_until = valid_until
        self.size = size
        self.envelope = envelope
        self.created_ms = created_ms


def dearer(a, b):
    left, right = a.fee * b.size, b.fee * a.size
    return left > right or left == right and a.id < b.id


by_price = functools.cmp_to_key(lambda a, b: -1 if dearer(a, b) else 1 if dearer(b, a) else 0)  # dearest first


class Pool:
    """`state(account)` gives (next nonce, balance) of the ledger."""

    def __init__(self, parameters, state):
        self.parameters = parameters
        self.state = state
        self.accounts = {}  # account -> {nonce: Transaction}
        self.dropped = []  # (Transaction, code) of those that left otherwise than into a block

    def all(self):
        return [each for held in self.accounts.values() for each in held.values()]

    def admit(self, new, slot):
        """The code of MEM-010 to MEM-016, or empty and the transaction is in the pool."""
        p = self.parameters
        next_nonce, balance = self.state(new.account)
        if new.valid_until < slot or new.valid_until > slot + p["mempool.valid_slots_max"]:
            return "E_EXPIRED"  # MEM-010, MEM-011
        if new.nonce < next_nonce or new.nonce >= next_nonce + p["mempool.account_max"]:
            return "E_NONCE"  # MEM-012, MEM-013
        if new.cost > balance:
            return "E_BALANCE"  # MEM-014
        old = self.accounts.get(new.account, {}).get(new.nonce)
        if old and (100 * new.fee < (100 + p["mempool.replace_percent"]) * old.fee or new.fee <= old.fee):
            return "E_UNDERPRICED"  # MEM-015
        out = self.room_for(new, old)
        if out is None:
            return "E_POOL_FULL"  # MEM-016
        for each in out:
            self.take_out(each, "E_POOL_FULL")
        if old:
            self.take_out(old, "E_UNDERPRICED")
        self.accounts.setdefault(new.account, {})[new.nonce] = new
        return ""

    def room_for(self, new, old):
        """Whom it takes out, or None."""
        p, held = self.parameters, [each for each in self.all() if each is not old]
        count, size = len(held) + 1, sum(each.size for each in held) + new.size
        nonces = {account: sorted(own) for account, own in self.accounts.items() if account != new.account}
        out = []
        while count > p["mempool.count_max"] or size > p["mempool.bytes_max"]:
            last = [self.accounts[account][own[-1]] for account, own in nonces.items() if own]
            if not last:
                return None
            cheapest = max(last, key=by_price)
            if not dearer(new, cheapest):
                return None
            nonces[cheapest.account].pop()
            out.append(cheapest)
            count, size = count - 1, size - cheapest.size
        return out

    def take_out(self, transaction, code):
        held = self.accounts[transaction.account]
        del held[transaction.nonce]
        if not held:
            del self.accounts[transaction.account]
        self.dropped.append((transaction, code))

    def sweep(self, slot):
        """MEM-022."""
        for each in self.all():
            if each.valid_until < slot:
                self.take_out(each, "E_EXPIRED")
            elif each.nonce < self.state(each.account)[0]:
                self.take_out(each, "E_NONCE")

    def ready(self):
        """MEM-023: in the order in which a block takes them."""
        queues = []
        for account, held in self.accounts.items():
            nonce, run = self.state(account)[0], []
            while nonce in held:
                run.append(held[nonce])
                nonce += 1
            queues.append(run)
        out = []
        while any(queues):
            best = min((queue for queue in queues if queue), key=lambda queue: by_price(queue[0]))
            out.append(best.pop(0))
        return out
