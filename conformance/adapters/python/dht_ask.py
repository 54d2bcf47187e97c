"""How a node of the DHT asks: by datagram, over a session, or over one that it dials (chapter 08, Lookups)."""

import addresses
import dht


class Asking:
    """A part of Dht."""

    def ask(self, id, places, kind, body, callback):
        """The callback gets the fields of the reply and the IP address it came from, or None twice.
        An id of None: whoever answers at the address."""
        node, p = self.node, self.parameters

        def answered(contact, fields):
            if fields is None:
                if id is not None:
                    self.table.failed(id)  # DHT-028
                return callback(None, None)
            self.seen(contact)
            callback(fields, contact.at)

        udp = [each for each in places if each["transport"] == addresses.UDP and not isinstance(addresses.host(each), str)]
        if udp and node.datagrams.on:
            at = addresses.host(udp[0])

            def by_datagram(fields, peer):
                answered(dht.Contact(peer, at, self.speaks_from(places, at)), fields)

            node.datagrams.ask((at, udp[0]["port"]), id, kind, body, p["dht.datagram_timeout_ms"], by_datagram)
            return
        ends = node.now + p["dht.query_timeout_ms"]

        def over(session):
            if session is None or not session.alive or "dht/1" not in session.capabilities:
                return answered(None, None)
            contact = self.session_contact(session) or dht.Contact(id, addresses.parse_ip(session.address))
            node.ask(session, kind, body, max(1, ends - node.now), lambda fields: answered(contact, fields))

        session = node.session_of(id)
        webs = [each for each in places if each["transport"] in (addresses.WS, addresses.WSS)]
        if session or not webs:
            over(session)
        else:
            self.dial(id, addresses.text(webs[0]), ends, over)

    def dial(self, id, address, ends, callback):
        """DHT-088: waits for its turn, and for a dial of the same peer that is under way. The question
        fails at `ends`; the dial goes on and keeps its place until it is over itself."""
        waiter = {"callback": callback}

        def tell(session):
            timer[0] = None
            call = waiter.pop("callback", None)
            if call:
                call(session)

        timer = self.node.after(max(1, ends - self.node.now), lambda: tell(None))
        waiter["tell"] = tell
        if id in self.dialling:
            self.dialling[id].append(waiter)
        elif len(self.dialling) < self.parameters["dht.dials_max"]:
            self.start_dial(id, address, waiter)
        else:
            self.dial_queue.append((id, address, waiter))

    def start_dial(self, id, address, waiter):
        self.dialling[id] = [waiter]

        def ended(session):
            for each in self.dialling.pop(id):
                each["tell"](session)
            while self.dial_queue and len(self.dialling) < self.parameters["dht.dials_max"]:
                other, place, waits = self.dial_queue.popleft()
                session = self.node.session_of(other)
                if "callback" not in waits:
                    continue  # its time is over
                if session:
                    waits["tell"](session)
                elif other in self.dialling:
                    self.dialling[other].append(waits)
                else:
                    self.start_dial(other, place, waits)

        self.node.dial(address, id, self.parameters["dht.query_timeout_ms"], ended)
