"""How transactions come into the pool and leave it, and who gets them directly (chapter 05, Mempool)."""

from errors import Coded, Ruling
from gossip import Memory, examine
from node import register
from pool import Pool, Transaction
from wire import encode

FORWARD, ITEMS_MAX = 34, 64


class Mempool:
    SET, SET_NAME = 2, "transactions"  # as chapter 07 knows what is held here

    def __init__(self, node):
        self.node = node
        self.parameters = node.parameters
        self.genesis_ms, self.accounts, self.leaders = node.ledger
        self.pool = Pool(node.parameters, lambda account: self.accounts.get(account, (0, 0)))
        self.accepted = Memory(node, node.parameters["gossip.seen_ttl_ms"])
        self.timer = None

    # --- the ledger --------------------------------------------------------------------------------

    def slot(self):
        return max(0, self.node.wall - self.genesis_ms) // self.parameters["schedule.slot_ms"]

    def coming(self, slot):
        """The coming leaders of a slot."""
        slots = range(slot, slot + self.parameters["mempool.forward_slots"] + 1)
        return {self.leaders[each % len(self.leaders)] for each in slots} if self.leaders else set()

    def want_slots(self):
        """A timer at the begin of the next slot, as long as there is something in the pool."""
        if self.timer is None and self.pool.accounts:
            begin = self.genesis_ms + (self.slot() + 1) * self.parameters["schedule.slot_ms"]
            self.timer = self.node.after(max(1, begin - self.node.wall), self.slot_begins)

    def slot_begins(self):
        self.timer = None
        slot = self.slot()
        self.sweep()
        for leader in sorted(self.coming(slot) - self.coming(slot - 1)):  # MEM-031
            session = self.node.session_of(leader)
            if session and "mempool/1" in session.capabilities:
                self.forward(session, self.pool.ready()[: self.parameters["mempool.forward_max"]])
        self.want_slots()

    def sweep(self):
        self.pool.sweep(self.slot())
        self.tell_dropped()

    def tell_dropped(self):
        dropped, self.pool.dropped = self.pool.dropped, []
        for transaction, code in dropped:
            self.node.notice("mempool.dropped", [transaction.id, code])

    # --- in ----------------------------------------------------------------------------------------

    def offer(self, id, data, envelope):
        """The verdict of MEM-010 to MEM-017: a code, or empty and the transaction is in the pool."""
        fields = envelope.fields
        cost = fields["fee"] + (fields["transfer"]["amount"] if fields["transfer"] else 0)
        numbers = fields["nonce"], fields["fee"], cost, fields["valid_until_slot"], len(data)
        transaction = Transaction(envelope.origin, id, *numbers, data, fields["created_ms"])
        self.sweep()
        code = self.pool.admit(transaction, self.slot())
        if not code:
            self.accepted.add(id)
            self.tell_dropped()
            for leader in sorted(self.coming(self.slot())):  # MEM-030
                session = self.node.session_of(leader)
                if session and "mempool/1" in session.capabilities:
                    self.forward(session, [transaction])
            self.want_slots()
        return code

    def forward(self, session, transactions):
        """MEM-032, MEM-034."""
        known = self.node.gossip.knowledge(session)
        waiting = [each for each in transactions if each.id not in known]
        while waiting:
            batch, size = [], 0
            while waiting and len(batch) < ITEMS_MAX and size + waiting[0].size <= self.parameters["mempool.batch_bytes_max"]:
                batch.append(waiting.pop(0))
                size += batch[-1].size
                known.add(batch[-1].id)
            self.node.send(session, FORWARD, 0, encode("Forward", transactions=[each.envelope for each in batch]))

    def receive(self, session, kind, request_id, fields):
        for data in fields["transactions"]:
            if session.alive:
                self.node.gossip.judge(session, "tx", 0, data)  # MEM-033

    def opened(self, session):
        pass

    def closed(self, session):
        pass

    # --- reconciliation (MEM-035 to MEM-037) ---------------------------------------------------------

    def set_items(self):
        self.sweep()
        return {each.id: each.created_ms for each in self.pool.all()}

    def set_item(self, id):
        return next((each.envelope for each in self.pool.all() if each.id == id), None)

    def set_pulled(self, session, data):
        self.node.gossip.judge(session, "tx", 0, data)

    def set_unwanted(self):
        self.accepted.forget()
        return list(self.accepted.times)

    # --- commands ----------------------------------------------------------------------------------

    def command(self, token, name, args):
        if name == "mempool.list":
            self.sweep()
            return [each.id for each in self.pool.ready()][: args[0]]
        return [self.submit(args[0])]

    def submit(self, data):
        """MEM-025."""
        gossip = self.node.gossip
        try:
            message = examine(self.parameters, "tx", 0, data, pool=True)
            id = message.envelope.id(self.node.network_id)
            if id in gossip.seen:
                raise Ruling("ignore", "E_DUPLICATE")
            message.check_time(self.parameters, self.node.wall)
            message.check_signature(self.node.network_id)
        except Ruling as ruling:
            raise Coded(ruling.code) from None
        code = self.offer(id, data, message.envelope)
        if code:
            raise Coded(code)
        gossip.submitted(id, "tx", data, message.envelope.origin)
        return id


register(
    "mempool/1",
    "mempool.mode",
    Mempool,
    {FORWARD: ("Forward", "data", 33088, "notice", "mempool/1")},
    {},
    {"mempool.submit": ("bytes",), "mempool.list": ("u64",)},
)
