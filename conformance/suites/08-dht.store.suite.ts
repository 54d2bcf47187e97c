/** What a node keeps for others, how long, and from whom. */
import fc from 'fast-check';
import {
  addProvider,
  ask,
  client,
  contact,
  hostOf,
  key,
  mutableKey,
  once,
  onceKey,
  provider,
  putValue,
  value,
} from '../arbitraries/dht-plans.ts';
import { plan, wait } from '../arbitraries/gossip-plans.ts';
import type { Step, Value } from '../driver/plan.ts';
import { choosesByChance, keepsAsItShould } from '../invariants/dht-store.ts';
import type { Check } from '../runner/check.ts';
import { dhtCheck } from './dht-check.ts';

const HOUR = 3_600_000;

/** A provider on a link of its own. */
function from(link: number): Step {
  return contact(link, { peer: `c${link}` });
}

const record = (link: number, name: string, fields: Parameters<typeof provider>[2] = {}) =>
  provider(`c${link}`, name, { host: hostOf(link), ...fields });

const providersOf = (link: number, name = 'content'): Step => ask(link, 'GetProviders', { key: key(name) });

/** The key of a value of namespace `hash` of so many bytes. */
function hashKey(size: number): Value {
  const length = Uint8Array.from(size < 128 ? [size] : [(size & 127) | 128, size >> 7]);
  return { hash: [{ utf8: 'carillon/v1/dht-value\0' }, '04', { utf8: 'hash' }, Buffer.from(length).toString('hex'), { size }] };
}

export const checks: readonly Check[] = [
  dhtCheck({
    id: 'dht.providers.kept',
    title: 'Records in order are kept and given to whoever asks for their key, and to nobody else',
    clauses: ['DHT-050', 'DHT-044'],
    plans: fc
      .integer({ min: 1, max: 7 })
      .map((count) =>
        plan([
          ...Array.from({ length: count }, (_, link) => [from(link), addProvider(link, record(link, `r${link}`))]).flat(),
          client(40),
          wait(50),
          providersOf(40),
          providersOf(40, 'other'),
          providersOf(0),
          wait(1_200),
        ]),
      ),
    rules: [keepsAsItShould],
  }),
  dhtCheck({
    id: 'dht.providers.by-chance',
    title: 'Of more records than fit a reply not always the same are given',
    clauses: ['DHT-044'],
    plans: fc
      .integer({ min: 7, max: 8 })
      .map((count) =>
        plan([
          ...Array.from({ length: count }, (_, link) => [from(link), addProvider(link, record(link, `r${link}`))]).flat(),
          client(40),
          wait(50),
          ...Array.from({ length: 12 }, () => [providersOf(40), wait(300)]).flat(),
          wait(1_200),
        ]),
      ),
    rules: [keepsAsItShould, choosesByChance],
    runs: 2,
  }),
  dhtCheck({
    id: 'dht.providers.refused',
    title: 'Records out of order get their code and are not given to anybody',
    clauses: ['DHT-050', 'DHT-051', 'DHT-052', 'DHT-053', 'DHT-054', 'DHT-055', 'DHT-044'],
    plans: fc
      .shuffledSubarray(
        [
          record(0, 'good'),
          record(0, 'one of two', { key: key('k'), addresses: [{ address: 'udp://224.0.0.1:1' }, { address: `udp://${hostOf(0)}:7600` }] }),
          record(0, 'no signature', { key: key('a') }),
          { ...record(0, 'bad signature', { key: key('b') }), defect: { kind: 'signature' } as const },
          { ...record(0, 'other network', { key: key('c') }), defect: { kind: 'network', networkId: 'other' } as const },
          record(0, 'short key', { key: { size: 31 } }),
          record(0, 'no address', { key: key('d'), addresses: [] }),
          record(0, 'multicast', { key: key('e'), addresses: [{ address: 'udp://224.0.0.1:1' }] }),
          record(0, 'no lifetime', { key: key('f'), ttlMs: 0 }),
          record(0, 'too long', { key: key('g'), ttlMs: 48 * HOUR + 1 }),
          record(0, 'over', { key: key('h'), createdMs: { wallMs: -2 * HOUR }, ttlMs: HOUR }),
          record(0, 'ahead', { key: key('i'), createdMs: { wallMs: 31_000 } }),
          provider('c1', 'another signer', { host: hostOf(0), key: key('j') }),
        ],
        { minLength: 6 },
      )
      .map((records) =>
        plan([
          from(0),
          client(40),
          ...records.map((sealed) => addProvider(0, sealed)),
          wait(300),
          ...['content', 'b', 'c', 'e', 'f', 'g', 'h', 'i', 'j', 'k'].map((name) => providersOf(40, name)),
          wait(1_200),
        ]),
      ),
    rules: [keepsAsItShould],
    attacks: ['provider ≠ sender', 'TTL over max'],
  }),
  dhtCheck({
    id: 'dht.providers.expire',
    title: 'A record is given until its last millisecond, and not after',
    clauses: ['DHT-047', 'DHT-044'],
    plans: fc
      .constantFrom([1_000, 990], [1_000, 1_000], [1_000, 1_001], [5_000, 4_999], [60_000, 60_000])
      .map(([ttlMs = 0, after = 0]) =>
        plan([from(0), client(40), addProvider(0, record(0, 'short', { ttlMs })), wait(after), providersOf(40), wait(1_200)]),
      ),
    rules: [keepsAsItShould],
  }),
  dhtCheck({
    id: 'dht.providers.newer',
    title: 'A newer record of a signer replaces the older, an older one does not replace the newer',
    clauses: ['DHT-056', 'DHT-044', 'DHT-050'],
    plans: fc
      .shuffledSubarray([-5_000, -4_000, -1, 0], { minLength: 3 })
      .map((ages) =>
        plan([
          from(0),
          client(40),
          ...ages.map((age) => addProvider(0, record(0, `age ${age}`, { createdMs: { wallMs: age } }))),
          wait(50),
          providersOf(40),
          wait(1_200),
        ]),
      ),
    rules: [keepsAsItShould],
  }),
  dhtCheck({
    id: 'dht.store.quota',
    title: 'What comes from one subnet, and for one key, is bounded',
    clauses: ['DHT-057', 'DHT-069', 'DHT-050'],
    plans: fc
      .boolean()
      .map((oneKey) =>
        plan(
          oneKey
            ? [
                ...Array.from({ length: 10 }, (_, link) => [from(link), addProvider(link, record(link, `r${link}`))]).flat(),
                client(40),
                wait(50),
                providersOf(40),
                wait(1_200),
              ]
            : [
                from(0),
                ...Array.from({ length: 18 }, (_, index) => addProvider(0, record(0, `r${index}`, { key: key(`k${index}`) }))),
                wait(200),
                from(1),
                addProvider(1, record(1, 'elsewhere')),
                wait(1_200),
              ],
        ),
      ),
    rules: [keepsAsItShould],
    runs: 2,
  }),
  dhtCheck({
    id: 'dht.store.renewed',
    title: 'What comes again needs no further room, and may come again as it is',
    clauses: ['DHT-050', 'DHT-057', 'DHT-060', 'DHT-069'],
    plans: fc.integer({ min: 17, max: 20 }).map((sequences) =>
      plan([
        from(0),
        client(1),
        ...Array.from({ length: 16 }, (_, index) => addProvider(0, record(0, `r${index}`, { key: key(`k${index}`) }))),
        wait(100),
        ...[0, 5, 15].map((index) => addProvider(0, record(0, `r${index}`, { key: key(`k${index}`) }))),
        ...[1, 6].map((index) => addProvider(0, record(0, `r${index} anew`, { key: key(`k${index}`), createdMs: { wallMs: 50 } }))),
        addProvider(0, record(0, 'one more', { key: key('one more') })),
        // Of a mutable value there is always one.
        ...Array.from({ length: sequences }, (_, index) => putValue(1, value('author', `s${index}`, { sequence: index + 1 }))),
        ...Array.from({ length: 17 }, (_, index) =>
          ask(1, 'PutValue', { namespace: 'hash', content: { size: 50 + index }, ttlMs: 60_000 }),
        ),
        wait(1_200),
      ]),
    ),
    rules: [keepsAsItShould],
    runs: 2,
  }),
  dhtCheck({
    id: 'dht.store.farthest',
    title: 'When all is full the farthest makes room for what is nearer, and for nothing else',
    clauses: ['DHT-044', 'DHT-050', 'DHT-057', 'DHT-069'],
    plans: fc.uniqueArray(fc.integer({ min: 0, max: 999 }), { minLength: 16, maxLength: 16 }).map((names) =>
      plan(
        [
          from(0),
          client(40),
          // Records and values have their room together.
          ...names.map((name, index) =>
            index % 2 === 0
              ? addProvider(0, record(0, `r${name}`, { key: key(`k${name}`) }))
              : ask(0, 'PutValue', { namespace: 'hash', content: { size: 1 + name }, ttlMs: 600_000 }),
          ),
          wait(100),
          ...names.map((name, index) => (index % 2 === 0 ? providersOf(40, `k${name}`) : ask(40, 'GetValue', { key: hashKey(1 + name) }))),
          wait(1_200),
        ],
        { overrides: { 'dht.stored_max': '8', 'dht.stored_per_key_max': '8', 'dht.stored_per_subnet_max': '64' } },
      ),
    ),
    rules: [keepsAsItShould],
    runs: 3,
  }),
  dhtCheck({
    id: 'dht.values.times',
    title: 'A value that comes again lasts for the longer of both times, and none longer than a value may',
    clauses: ['DHT-045', 'DHT-047', 'DHT-060'],
    plans: fc.shuffledSubarray([100, 101, 102], { minLength: 3 }).map((sizes) => {
      const content = (size: number): Parameters<typeof ask>[2] => ({ namespace: 'hash', content: { size } });
      const get = (size: number, fields: Parameters<typeof ask>[2] = {}): Step =>
        ask(40, 'GetValue', {
          key: { hash: [{ utf8: 'carillon/v1/dht-value\0' }, '04', { utf8: 'hash' }, size.toString(16), { size }] },
          ...fields,
        });
      const at = (...moments: readonly number[]): Step[] =>
        moments.flatMap((moment, index) => [wait(moment - (moments[index - 1] ?? 0)), ...sizes.map((size) => get(size))]);
      return plan(
        [
          client(0),
          from(1),
          client(40),
          ask(0, 'PutValue', { ...content(100), ttlMs: 5_000 }),
          ask(0, 'PutValue', { ...content(100), ttlMs: 2_000 }),
          ask(0, 'PutValue', { ...content(101), ttlMs: 2_000 }),
          ask(0, 'PutValue', { ...content(101), ttlMs: 5_000 }),
          ask(0, 'PutValue', { ...content(102), ttlMs: 600_000 }),
          ask(40, 'FindNode', { target: key('anything') }),
          get(100, { have: [{ hash: [{ size: 100 }] }] }),
          ...at(1_999, 2_001, 4_999, 5_001, 59_999, 60_001),
          wait(1_200),
        ],
        { overrides: { 'dht.ttl_ms_max': '60000', 'dht.provider_ttl_ms': '60000', 'dht.short_ttl_ms': '60000' } },
      );
    }),
    rules: [keepsAsItShould],
    runs: 2,
  }),
  dhtCheck({
    id: 'dht.values.mutable',
    title: 'Of a mutable value the larger sequence stays; expectations have to be met',
    clauses: ['DHT-060', 'DHT-067', 'DHT-045', 'DHT-064', 'DHT-065'],
    plans: fc
      .shuffledSubarray(
        [
          putValue(0, value('author', 's1')),
          putValue(0, value('author', 's2', { sequence: 2 })),
          putValue(0, value('author', 'other s2', { sequence: 2 })),
          putValue(0, value('author', 's3', { sequence: 3 }), { expectedNext: 3 }),
          putValue(0, value('author', 's9', { sequence: 9 }), { expectedNext: 8 }),
          putValue(0, { ...value('author', 'bad', { sequence: 20 }), defect: { kind: 'signature' } }),
          putValue(0, value('author', 'elsewhere', { namespace: 'app/tokens', sequence: 21 })),
        ],
        { minLength: 3 },
      )
      .map((writes) =>
        plan([client(0), client(40), ...writes, wait(200), ask(40, 'GetValue', { key: mutableKey('author') }), wait(1_200)]),
      ),
    rules: [keepsAsItShould],
    attacks: ['BEP 44 sequence'],
  }),
  dhtCheck({
    id: 'dht.values.once',
    title: 'Of several values that should be one, every node keeps the same two',
    clauses: ['DHT-068', 'DHT-060', 'DHT-045'],
    plans: fc
      .shuffledSubarray(['a', 'b', 'c', 'd'], { minLength: 2 })
      .map((names) =>
        plan([
          client(0),
          client(40),
          ...names.map((name) => putValue(0, once(name, name), { namespace: 'app/tokens' })),
          wait(200),
          ask(40, 'GetValue', { key: onceKey }),
          wait(1_200),
        ]),
      ),
    rules: [keepsAsItShould],
    runs: 8,
  }),
  dhtCheck({
    id: 'dht.values.bounds',
    title: 'Contents, namespaces and lifetimes have bounds; a hash names its content',
    clauses: ['DHT-060', 'DHT-062', 'DHT-063', 'DHT-066', 'DHT-045', 'DHT-047'],
    plans: fc.constantFrom(998, 999, 1_000).map((last) => {
      const put = (content: number, fields: Parameters<typeof ask>[2] = {}): Step =>
        ask(0, 'PutValue', { namespace: 'hash', content: { size: content }, ttlMs: 2_000, ...fields });
      const keyOf = (size: number): Parameters<typeof ask>[2] => ({
        key: { hash: [{ utf8: 'carillon/v1/dht-value\0' }, '04', { utf8: 'hash' }, size < 128 ? '64' : 'e807', { size }] },
      });
      return plan([
        client(0),
        client(40),
        put(1_000),
        put(1_001),
        put(100, { ttlMs: 0 }),
        put(100, { namespace: 'app/' }),
        put(100),
        ask(40, 'GetValue', keyOf(1_000)),
        ask(40, 'GetValue', { ...keyOf(100), have: [{ hash: [{ size: 100 }] }] }),
        wait(1_000 + last),
        ask(40, 'GetValue', keyOf(1_000)),
        wait(1_200),
      ]);
    }),
    rules: [keepsAsItShould],
    runs: 3,
  }),
];
