/** What the node names to others: whom, how many, with which addresses (DHT-003, DHT-012, DHT-021 to DHT-029, DHT-040 to DHT-043, DHT-046, DHT-048). */
import { textIn } from '../driver/seen.ts';
import type { Finding } from '../runner/check.ts';
import {
  bucketOf,
  contactsIn,
  type DhtRule,
  type DhtView,
  type Exchange,
  hostIn,
  isAdmissibleHost,
  isLocalHost,
  nearestOf,
  short,
} from './dht-view.ts';

/** Questions of the kit that were asked in good time on a session that went on; by datagram a Retry may be the answer. */
export function answerable(view: DhtView, exchange: Exchange): boolean {
  if (exchange.by !== 'kit' || exchange.atMs + view.reactionMs > view.trace.endMs) return false;
  if (exchange.link === undefined) return false;
  const span = view.spans.find((one) => one.link === exchange.link && one.event < exchange.event && exchange.event < one.toEvent);
  return span !== undefined && span.toMs > exchange.atMs + view.reactionMs;
}

/** Replies with contacts, each with the question and the target. */
function contactReplies(view: DhtView): readonly { readonly exchange: Exchange; readonly target: string }[] {
  return view.exchanges.flatMap((exchange) => {
    if (exchange.by !== 'kit') return [];
    if (exchange.message === 'FindNode') return [{ exchange, target: textIn(exchange.fields, 'target') }];
    const isOther = exchange.message === 'GetProviders' || exchange.message === 'GetValue';
    return isOther && contactsIn(exchange.answer).length > 0 ? [{ exchange, target: textIn(exchange.fields, 'key') }] : [];
  });
}

/** Names exactly the contacts that it has to name (DHT-021, DHT-024, DHT-025, DHT-029, DHT-040). */
export const namesTheNearest: DhtRule = {
  clauses: ['DHT-021', 'DHT-024', 'DHT-025', 'DHT-029', 'DHT-040'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    for (const { exchange, target } of contactReplies(view)) {
      const { answer } = exchange;
      if (answer === undefined) {
        if (answerable(view, exchange))
          findings.push({ clause: 'DHT-040', expected: `an answer to ${exchange.message}`, observed: 'none came', at: exchange.event });
        continue;
      }
      const table = view.tableAt(exchange.event);
      const k = view.number('dht.bucket_size');
      const expected = nearestOf(table, target, exchange.peerId).slice(0, k);
      const named = contactsIn(answer).map(({ peerId }) => peerId);
      exercised ||= expected.length > 0;
      const at = answer.event;
      const verified = view.verifiedAt(exchange.event);
      for (const id of named) {
        if (expected.includes(id) || !verified.has(id)) continue;
        const here = table.find(({ index }) => index === bucketOf(view, id));
        const waits = here?.cache.some((other) => Buffer.from(other).toString('hex') === id) ?? false;
        const wasRemoved = !waits && view.exchanges.some((one) => one.by === 'node' && one.peerId === id && one.answer === undefined);
        const clause = waits ? 'DHT-024' : wasRemoved ? 'DHT-029' : 'DHT-025';
        findings.push({ clause, expected: `${short(id)} is not in a bucket`, observed: 'it is named', at });
      }
      const missing = expected.filter((id) => !named.includes(id));
      // What does not fit is left out from the far end.
      const isCut = missing.length > 0 && named.length > 0 && named.every((id, index) => expected[index] === id);
      if (missing.length > 0 && !(isCut && answer.size + 64 > 1_100)) {
        const [id = ''] = missing;
        const isFull = table.some(
          ({ entries, cache }) => cache.length > 0 && entries.some((other) => Buffer.from(other).toString('hex') === id),
        );
        const clause = isFull ? 'DHT-024' : named.length === 0 ? 'DHT-021' : 'DHT-040';
        findings.push({
          clause,
          expected: `${expected.length} contacts, ${short(id)} among them`,
          observed: `${named.length} are named`,
          at,
        });
      }
      const inOrder = named.filter((id) => expected.includes(id));
      if (inOrder.some((id, index) => index > 0 && expected.indexOf(id) < expected.indexOf(inOrder[index - 1] ?? '')))
        findings.push({ clause: 'DHT-040', expected: 'the nearest first', observed: 'another order', at });
      if (exchange.peerId !== undefined && exchange.link !== undefined && named.includes(exchange.peerId))
        findings.push({ clause: 'DHT-040', expected: 'the asker is left out', observed: 'it is named', at });
      if (named.length > k) findings.push({ clause: 'DHT-040', expected: `at most ${k} contacts`, observed: `${named.length}`, at });
    }
    return { findings, exercised };
  },
};

/** Names nobody who has not answered, is a client, or is the node (DHT-003, DHT-022, DHT-023, DHT-105). */
export const namesOnlyVerified: DhtRule = {
  clauses: ['DHT-003', 'DHT-022', 'DHT-023', 'DHT-080', 'DHT-105'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    for (const { exchange } of contactReplies(view)) {
      if (exchange.answer === undefined) continue;
      const verified = view.verifiedAt(exchange.event);
      const clients = new Set(
        view.spans.filter(({ listens, host }) => !listens.some((text) => hostIn(text) === host)).map(({ peerId }) => peerId),
      );
      exercised = true;
      for (const { peerId } of contactsIn(exchange.answer)) {
        const at = exchange.answer.event;
        if (peerId === view.trace.nodePeerId)
          findings.push({ clause: 'DHT-003', expected: 'the node does not name itself', observed: 'it does', at });
        else if (!verified.has(peerId)) {
          const observed = `${short(peerId)} is named, which has not answered`;
          for (const clause of clients.has(peerId) ? ['DHT-023'] : ['DHT-022', 'DHT-080', 'DHT-105'])
            findings.push({ clause, expected: 'only contacts that have answered', observed, at });
        }
      }
    }
    return { findings, exercised };
  },
};

/** Addresses, sizes and repetitions in what is named (DHT-012, DHT-041 to DHT-043, DHT-048). */
export const namesProperly: DhtRule = {
  clauses: ['DHT-012', 'DHT-041', 'DHT-042', 'DHT-043', 'DHT-048'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    for (const { exchange, target } of contactReplies(view)) {
      const { answer } = exchange;
      if (answer === undefined) continue;
      const at = answer.event;
      const contacts = contactsIn(answer);
      exercised ||= contacts.length > 0;
      if (answer.size > 1_100)
        findings.push({ clause: 'DHT-041', expected: 'a body of at most 1,100 bytes', observed: `${answer.size}`, at });
      if (new Set(contacts.map(({ peerId }) => peerId)).size < contacts.length)
        findings.push({ clause: 'DHT-043', expected: 'each contact once', observed: 'one is named twice', at });
      for (const { addresses } of contacts) {
        if (addresses.length < 1 || addresses.length > view.number('dht.contact_addresses_max'))
          findings.push({ clause: 'DHT-043', expected: '1 or 2 addresses', observed: `${addresses.length}`, at });
        for (const host of addresses.map(hostIn)) {
          if (!isAdmissibleHost(view.policy, host))
            findings.push({ clause: 'DHT-012', expected: 'admissible addresses', observed: host, at });
          if (isLocalHost(host) && !isLocalHost(exchange.host))
            findings.push({ clause: 'DHT-042', expected: 'no local address to somebody elsewhere', observed: host, at });
        }
      }
      const expected = nearestOf(view.tableAt(exchange.event), target, exchange.peerId).slice(0, view.number('dht.bucket_size'));
      const hasSpare = contacts.some(({ addresses }) => addresses.length > 1);
      if (contacts.length < expected.length && hasSpare)
        findings.push({
          clause: 'DHT-048',
          expected: `${expected.length} contacts with fewer addresses`,
          observed: `${contacts.length} with more`,
          at,
        });
    }
    return { findings, exercised };
  },
};

/** Answers DhtPings (DHT-046). */
export const answersPings: DhtRule = {
  clauses: ['DHT-046'],
  judge(view) {
    const pings = view.exchanges.filter(
      (exchange) => exchange.message === 'DhtPing' && answerable(view, exchange) && exchange.link !== undefined,
    );
    const findings = pings
      .filter(({ answer }) => answer === undefined)
      .map(({ event }): Finding => ({ clause: 'DHT-046', expected: 'a DhtPong', observed: 'none came', at: event }));
    return { findings, exercised: pings.length > 0 };
  },
};

/** Never asks or dials where it must not (DHT-012, DHT-013, DHT-081). */
export const asksOnlyAdmissible: DhtRule = {
  clauses: ['DHT-012', 'DHT-013', 'DHT-081'],
  judge(view) {
    const findings: Finding[] = [];
    const heard = new Map<string, string>();
    for (const { by, host, answer } of view.exchanges) {
      if (by === 'node') for (const { addresses } of contactsIn(answer)) for (const text of addresses) heard.set(text, host);
    }
    view.trace.events.forEach((event, at) => {
      if (event.type !== 'dial' && event.type !== 'datagram') return;
      const text = event.type === 'dial' ? event.address : event.to;
      const host = hostIn(text);
      const from = [...heard].find(([address]) => address === text || address === `udp://${text}`)?.[1];
      const isForeign = from !== undefined && isLocalHost(host) && !isLocalHost(from);
      if (isForeign)
        findings.push({ clause: 'DHT-013', expected: `${text}, named from elsewhere, is left alone`, observed: 'it is asked', at });
      if (isAdmissibleHost(view.policy, host)) return;
      for (const clause of ['DHT-012', 'DHT-081'])
        findings.push({ clause, expected: `${text} is left alone`, observed: 'the node turns to it', at });
    });
    const exercised = [...heard].some(
      ([text, from]) => !isAdmissibleHost(view.policy, hostIn(text)) || (isLocalHost(hostIn(text)) && !isLocalHost(from)),
    );
    return { findings, exercised };
  },
};

/** Whoever is named under the node's own id is not asked (DHT-081). */
export const doesNotAskItself: DhtRule = {
  clauses: ['DHT-081'],
  judge(view) {
    const claimed = new Set<string>();
    const others = new Set<string>();
    for (const { by, answer } of view.exchanges) {
      if (by !== 'node') continue;
      for (const { peerId, addresses } of contactsIn(answer))
        for (const text of addresses) (peerId === view.trace.nodePeerId ? claimed : others).add(text);
    }
    const findings = view.trace.events.flatMap((event, at): readonly Finding[] => {
      if (event.type !== 'dial' && event.type !== 'datagram') return [];
      const text = event.type === 'dial' ? event.address : `udp://${event.to}`;
      if (!claimed.has(text) || others.has(text)) return [];
      return [{ clause: 'DHT-081', expected: `${text}, said to be the node itself, is left alone`, observed: 'it is asked', at }];
    });
    return { findings, exercised: claimed.size > 0 };
  },
};
