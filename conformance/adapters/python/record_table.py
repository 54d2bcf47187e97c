"""The table of held records: newest of each label, bounded, cleared of what is over (chapter 06)."""

import heapq
import itertools

import record_form as form


class Held:
    def __init__(self, record, links, order, over_at):
        self.record = record
        self.links = links  # sessions on which it came or was pushed
        self.order = order  # rises with each acceptance
        self.over_at = over_at  # first millisecond of the wall clock in which it is over


class Table:
    def __init__(self, node, parameters, protected):
        self.node = node
        self.parameters = parameters
        self.protected = protected
        self.origins = {}  # origin -> {label: Held}
        self.by_id = {}
        self.order = itertools.count()
        self.ends = []  # heap of (over_at, order, Held), with some that are gone

    def staked(self, origin):
        return origin in self.node.stakes

    # --- reading -------------------------------------------------------------------------------

    def clear(self):
        """What is over is not held (REC-003)."""
        while self.ends and self.ends[0][0] <= self.node.wall:
            held = heapq.heappop(self.ends)[2]
            if self.origins.get(held.record.origin, {}).get(held.record.label) is held:
                self.remove(held)

    def get(self, label):
        self.clear()
        return self.origins.get(label[0], {}).get(label)

    def find(self, id):
        self.clear()
        return self.by_id.get(id)

    def of(self, origin):
        self.clear()
        return list(self.origins.get(origin, {}).values())

    def all(self):
        self.clear()
        return [held for labels in self.origins.values() for held in labels.values()]

    # --- writing -------------------------------------------------------------------------------

    def put(self, record, links):
        """Instead of what was held of the label; make_room() has said that it fits."""
        old = self.get(record.label)
        if old:
            self.remove(old)
        life = min(record.ttl_ms, form.limit(self.parameters, self.staked(record.origin)))
        held = Held(record, links, next(self.order), record.wallclock_ms + life + 1)
        self.origins.setdefault(record.origin, {})[record.label] = held
        self.by_id[record.id] = held
        heapq.heappush(self.ends, (held.over_at, held.order, held))
        return held

    def remove(self, held):
        labels = self.origins[held.record.origin]
        del labels[held.record.label]
        del self.by_id[held.record.id]
        if not labels:
            del self.origins[held.record.origin]

    def forget_link(self, session):
        for held in self.all():
            held.links.discard(session)

    # --- room ----------------------------------------------------------------------------------

    def make_room(self, record):
        """Removes by the rule of REC-080 what stands in the way of a record; False: nothing may go."""
        if self.get(record.label):
            return True
        going = []
        if len(self.by_id) + 1 > self.parameters["records.records_max"]:
            least = self.least(record.kind)
            if least is None:
                return False
            going.append(least)
        origins = self.origins.keys() | {record.origin}
        if going and len(self.origins[going[0].record.origin]) == 1:
            origins = origins - ({going[0].record.origin} - {record.origin})
        if len(origins) > self.parameters["records.origins_max"]:
            oldest = self.oldest(going)
            if oldest is None:
                return False
            going += oldest
        for held in going:
            self.remove(held)
        return True

    def movable(self, held):
        return not self.staked(held.record.origin) and not self.protected(held)  # REC-081, REC-082

    def least(self, kind):
        """REC-084: the record of least value, and of no more value than `kind` has."""
        candidates = [held for held in self.all() if held.record.kind >= kind and self.movable(held)]
        return min(candidates, key=lambda held: (-held.record.kind, held.order), default=None)

    def oldest(self, going):
        """REC-083: all records of the origin that was heard of longest ago."""
        groups = [[held for held in labels.values() if held not in going] for labels in self.origins.values()]
        candidates = [group for group in groups if group and all(map(self.movable, group))]
        return min(candidates, key=lambda group: max(held.order for held in group), default=None)
