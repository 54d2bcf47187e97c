"""Token buckets in whole numbers (chapter 04, Rates) and heartbeat windows (chapter 05)."""

UNIT = 1000  # one message or one byte


class Bucket:
    """Holds at most 2 * rate * 1000 units, starts full, gains `rate` units in each millisecond."""

    def __init__(self, rate, now=0):
        self.rate = rate
        self.capacity = 2 * rate * UNIT
        self.level = self.capacity
        self.at = now

    def refill(self, now):
        self.level = min(self.capacity, self.level + self.rate * (now - self.at))
        self.at = now
        return self.level

    def holds(self, cost, now):
        return self.refill(now) >= cost * UNIT

    def take(self, cost):
        self.level -= cost * UNIT

    def room(self, now):
        """How many whole messages or bytes pass now."""
        return self.refill(now) // UNIT

    def wait(self, cost, now):
        """Milliseconds until `cost` passes; never more than a full bucket is waited for."""
        missing = min(cost * UNIT, self.capacity) - self.refill(now)
        return max(0, -(-missing // self.rate))


def admit(buckets, now):
    """Charges every (bucket, cost) or none."""
    if not all(bucket.holds(cost, now) for bucket, cost in buckets):
        return False
    for bucket, cost in buckets:
        bucket.take(cost)
    return True


class Window:
    """The first `limit` things within one heartbeat of the first of them."""

    def __init__(self, limit, length):
        self.limit = limit
        self.length = length
        self.start = None
        self.used = 0

    def room(self, now):
        if self.start is None or now >= self.start + self.length:
            return self.limit
        return self.limit - self.used

    def take(self, wanted, now):
        """How many of `wanted` count; opens a new window after a pause."""
        if self.start is None or now >= self.start + self.length:
            self.start, self.used = now, 0
        granted = min(wanted, self.limit - self.used)
        self.used += granted
        return granted
