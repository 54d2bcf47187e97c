/** Vectors of chapter 08: provider records, values, and which of them are kept. */
import { compare, concat, sha256, u8, utf8 } from '../../model/bytes.ts';
import { encodeEnvelope, makeEnvelope } from '../../model/envelope.ts';
import { encodeMessage, type MessageFields } from '../../model/message.ts';
import { bytesOf, type Draft } from '../draft.ts';
import { ALICE, BOB, BOB_SEED, HOUR, ip, one, WALL } from './dht-samples.ts';
import { NETWORK, SEED, signed } from './envelope-samples.ts';

const ADDRESS: MessageFields = { ip4: ip('5.9.7.3'), port: 7_600, transport: 3 };

function record(fields: MessageFields = {}): Uint8Array {
  return encodeMessage('ProviderRecord', {
    version: 1,
    key: bytesOf('content', 32),
    addresses: [ADDRESS],
    createdMs: WALL,
    ttlMs: 48 * HOUR,
    ...fields,
  });
}

function sealed(payload: Uint8Array, context = 'provider', seed: Uint8Array = SEED): Uint8Array {
  return makeEnvelope(NETWORK, context, seed, payload);
}

function provider(
  clause: string,
  flag: string,
  id: string,
  comment: string,
  envelope: Uint8Array,
  against?: string,
  more: { readonly policy?: string; readonly wall?: number; readonly from?: Uint8Array } = {},
): Draft {
  return one(clause, flag, id, comment, [NETWORK, more.policy ?? 'public', more.wall ?? WALL, more.from ?? ALICE, envelope], against);
}

/** Spec: DHT-051 to DHT-055 */
export function providers(): readonly Draft[] {
  const four = [1, 2, 3, 4].map((last) => ({ ...ADDRESS, ip4: ip(`5.9.7.${last}`) }));
  const local = { ...ADDRESS, ip4: ip('192.168.1.2') };
  const noSignature = encodeEnvelope({ ...signed({ context: 'provider', payload: record() }), signature: new Uint8Array(64) });
  return [
    provider('DHT-051', 'valid', 'valid', 'a record in order', sealed(record())),
    provider('DHT-051', 'signature', 'no-signature', 'a signature of zeros', noSignature, 'E_SIGNATURE'),
    provider('DHT-051', 'signature', 'context-value', 'signed as a value', sealed(record(), 'value'), 'E_CONTEXT'),
    provider('DHT-051', 'signature', 'context-app', 'signed as a message', sealed(record(), 'app'), 'E_CONTEXT'),
    provider(
      'DHT-051',
      'signature',
      'other-network',
      'signed for another network',
      makeEnvelope(utf8('other'), 'provider', SEED, record()),
      'E_SIGNATURE',
    ),
    provider('DHT-051', 'signature', 'version-2', 'a payload of version 2', sealed(record({ version: 2 })), 'E_PAYLOAD_VERSION'),
    provider('DHT-051', 'signature', 'trailing', 'a byte behind the payload', sealed(concat(record(), u8(0))), 'E_STRUCTURE'),
    provider('DHT-051', 'signature', 'no-envelope', 'one byte', u8(8), 'E_STRUCTURE'),
    provider('DHT-052', 'form', 'key-31', 'a key of 31 bytes', sealed(record({ key: bytesOf('content', 31) })), 'E_DHT_FORM'),
    provider('DHT-052', 'form', 'key-33', 'a key of 33 bytes', sealed(record({ key: bytesOf('content', 33) })), 'E_DHT_FORM'),
    provider('DHT-052', 'form', 'no-key', 'no key', sealed(record({ key: new Uint8Array() })), 'E_DHT_FORM'),
    provider('DHT-052', 'form', 'no-address', 'no address', sealed(record({ addresses: [] })), 'E_DHT_FORM'),
    provider('DHT-052', 'valid', 'four-addresses', 'four addresses', sealed(record({ addresses: four }))),
    provider('DHT-052', 'form', 'five-addresses', 'five addresses', sealed(record({ addresses: [...four, ADDRESS] })), 'E_DHT_FORM'),
    provider(
      'DHT-052',
      'form',
      'port-0',
      'an address without a port',
      sealed(record({ addresses: [{ ip4: ip('5.9.7.3'), transport: 3 }] })),
      'E_DHT_FORM',
    ),
    provider('DHT-052', 'form', 'port-65536', 'port 65,536', sealed(record({ addresses: [{ ...ADDRESS, port: 65_536 }] })), 'E_DHT_FORM'),
    provider(
      'DHT-052',
      'form',
      'ip-3-bytes',
      'an IPv4 address of 3 bytes',
      sealed(record({ addresses: [{ ...ADDRESS, ip4: u8(5) }] })),
      'E_DHT_FORM',
    ),
    provider('DHT-053', 'form', 'other-sender', 'brought by somebody else', sealed(record()), 'E_DHT_SENDER', { from: BOB }),
    provider('DHT-053', 'form', 'other-signer', 'alice brings bob’s', sealed(record(), 'provider', BOB_SEED), 'E_DHT_SENDER'),
    provider('DHT-053', 'valid', 'datagram', 'by datagram from an address that it names', sealed(record()), undefined, {
      from: ip('5.9.7.3'),
    }),
    provider('DHT-053', 'form', 'datagram-elsewhere', 'by datagram from the neighbouring address', sealed(record()), 'E_DHT_SENDER', {
      from: ip('5.9.7.4'),
    }),
    provider('DHT-054', 'form', 'local-only', 'a local address on a public network', sealed(record({ addresses: [local] })), 'E_DHT_FORM'),
    provider('DHT-054', 'valid', 'local-and-public', 'a local address and a public one', sealed(record({ addresses: [local, ADDRESS] }))),
    provider('DHT-054', 'valid', 'local-devnet', 'a local address on a devnet', sealed(record({ addresses: [local] })), undefined, {
      policy: 'devnet',
    }),
    provider(
      'DHT-054',
      'form',
      'multicast-simulated',
      'a multicast address in a simulation',
      sealed(record({ addresses: [{ ...ADDRESS, ip4: ip('224.0.0.1') }] })),
      'E_DHT_FORM',
      { policy: 'simulated' },
    ),
    provider('DHT-055', 'edge', 'ttl-0', 'no lifetime', sealed(record({ ttlMs: 0 })), 'E_DHT_TTL'),
    provider('DHT-055', 'edge', 'ttl-1', 'a lifetime of 1 ms, now', sealed(record({ ttlMs: 1 }))),
    provider('DHT-055', 'edge', 'ttl-over', 'a lifetime of 48 h and 1 ms', sealed(record({ ttlMs: 48 * HOUR + 1 })), 'E_DHT_TTL'),
    provider('DHT-055', 'edge', 'ttl-largest', 'a lifetime of 2^64 − 1', sealed(record({ ttlMs: 2n ** 64n - 1n })), 'E_DHT_TTL'),
    provider('DHT-055', 'edge', 'last-ms', 'in its last millisecond', sealed(record({ ttlMs: HOUR })), undefined, {
      wall: WALL + HOUR - 1,
    }),
    provider('DHT-055', 'edge', 'over', 'over in this millisecond', sealed(record({ ttlMs: HOUR })), 'E_DHT_TTL', { wall: WALL + HOUR }),
    provider('DHT-055', 'edge', 'future-30000', '30 s ahead', sealed(record({ createdMs: WALL + 30_000 }))),
    provider('DHT-055', 'edge', 'future-30001', '30,001 ms ahead', sealed(record({ createdMs: WALL + 30_001 })), 'E_DHT_TTL'),
    provider('DHT-055', 'edge', 'created-0', 'made in 1970', sealed(record({ createdMs: 0 })), 'E_DHT_TTL'),
    provider('DHT-055', 'rounding', 'created-largest', 'made at 2^64 − 1', sealed(record({ createdMs: 2n ** 64n - 1n })), 'E_DHT_TTL'),
    provider(
      'DHT-051',
      'order',
      'order-signature-form',
      'no key and no signature',
      encodeEnvelope({ ...signed({ context: 'provider', payload: record({ key: new Uint8Array() }) }), signature: new Uint8Array(64) }),
      'E_SIGNATURE',
    ),
    provider(
      'DHT-052',
      'order',
      'order-form-sender',
      'no key, brought by somebody else',
      sealed(record({ key: new Uint8Array() })),
      'E_DHT_FORM',
      { from: BOB },
    ),
    provider(
      'DHT-053',
      'order',
      'order-sender-address',
      'a local address, brought by somebody else',
      sealed(record({ addresses: [local] })),
      'E_DHT_SENDER',
      { from: BOB },
    ),
    provider(
      'DHT-054',
      'order',
      'order-address-time',
      'a local address, and no lifetime',
      sealed(record({ addresses: [local], ttlMs: 0 })),
      'E_DHT_FORM',
    ),
  ];
}

function content(fields: MessageFields = {}, seed: Uint8Array = SEED, context = 'value'): Uint8Array {
  return makeEnvelope(
    NETWORK,
    context,
    seed,
    encodeMessage('ValueRecord', { version: 1, namespace: 'mutable', salt: utf8('profile'), sequence: 1, data: utf8('hello'), ...fields }),
  );
}

const ONCE: MessageFields = { namespace: 'app/tokens', salt: bytesOf('nullifier', 32), sequence: 0 };

function value(clause: string, flag: string, id: string, comment: string, namespace: string, bytes: Uint8Array, against?: string): Draft {
  return one(clause, flag, id, comment, [NETWORK, namespace, bytes], against);
}

/** Spec: DHT-061 to DHT-065 */
export function values(): readonly Draft[] {
  const overhead = content({ data: bytesOf('data', 500) }).length - 500;
  return [
    value('DHT-061', 'valid', 'hash', 'bytes by their hash', 'hash', utf8('hello')),
    value('DHT-061', 'edge', 'hash-empty', 'no bytes', 'hash', new Uint8Array()),
    value('DHT-061', 'valid', 'mutable', 'a mutable value of alice', 'mutable', content()),
    value('DHT-061', 'valid', 'mutable-bob', 'the same salt of bob', 'mutable', content({}, BOB_SEED)),
    value('DHT-061', 'valid', 'mutable-no-salt', 'no salt', 'mutable', content({ salt: new Uint8Array() })),
    value('DHT-061', 'rounding', 'mutable-largest', 'sequence 2^64 − 1', 'mutable', content({ sequence: 2n ** 64n - 1n })),
    value('DHT-061', 'valid', 'app', 'an application’s value', 'app/tokens', content(ONCE)),
    value('DHT-061', 'valid', 'app-bob', 'the same of bob: the same key', 'app/tokens', content(ONCE, BOB_SEED)),
    value(
      'DHT-061',
      'valid',
      'app-other',
      'the same salt of another application',
      'app/other',
      content({ ...ONCE, namespace: 'app/other' }),
    ),
    value('DHT-062', 'edge', 'size-1000', '1,000 bytes', 'hash', bytesOf('value', 1_000)),
    value('DHT-062', 'edge', 'size-1001', '1,001 bytes', 'hash', bytesOf('value', 1_001), 'E_SIZE'),
    value('DHT-062', 'edge', 'mutable-1000', 'an envelope of 1,000 bytes', 'mutable', content({ data: bytesOf('data', 1_000 - overhead) })),
    value(
      'DHT-062',
      'edge',
      'mutable-1001',
      'an envelope of 1,001 bytes',
      'mutable',
      content({ data: bytesOf('data', 1_001 - overhead) }),
      'E_SIZE',
    ),
    ...['', 'Hash', 'hash/', 'app', 'app/', 'app/A', 'app/a/b', `app/${'a'.repeat(33)}`, 'mutable/x', 'unknown'].map((namespace, index) =>
      value('DHT-063', 'form', `namespace-${index + 1}`, `namespace ${JSON.stringify(namespace)}`, namespace, content(), 'E_DHT_NAMESPACE'),
    ),
    value(
      'DHT-063',
      'edge',
      'namespace-longest',
      'a name of 32 bytes',
      `app/${'a'.repeat(32)}`,
      content({ ...ONCE, namespace: `app/${'a'.repeat(32)}` }),
    ),
    value('DHT-064', 'signature', 'no-envelope', 'bytes that are no envelope', 'mutable', utf8('hello'), 'E_STRUCTURE'),
    value('DHT-064', 'signature', 'context-provider', 'signed as a provider record', 'mutable', content({}, SEED, 'provider'), 'E_CONTEXT'),
    value(
      'DHT-064',
      'signature',
      'no-signature',
      'a signature of zeros',
      'app/tokens',
      encodeEnvelope({
        ...signed({ context: 'value', payload: encodeMessage('ValueRecord', { version: 1, ...ONCE }) }),
        signature: new Uint8Array(64),
      }),
      'E_SIGNATURE',
    ),
    value('DHT-064', 'signature', 'version-2', 'a payload of version 2', 'mutable', content({ version: 2 }), 'E_PAYLOAD_VERSION'),
    value('DHT-065', 'form', 'other-namespace', 'the payload names another namespace', 'app/other', content(ONCE), 'E_DHT_FORM'),
    value('DHT-065', 'form', 'mutable-as-app', 'a mutable payload in an application’s namespace', 'app/tokens', content(), 'E_DHT_FORM'),
    value('DHT-065', 'edge', 'salt-64', 'a salt of 64 bytes', 'mutable', content({ salt: bytesOf('salt', 64) })),
    value('DHT-065', 'edge', 'salt-65', 'a salt of 65 bytes', 'mutable', content({ salt: bytesOf('salt', 65) }), 'E_DHT_FORM'),
    value(
      'DHT-065',
      'form',
      'app-no-salt',
      'an application’s value without a salt',
      'app/tokens',
      content({ ...ONCE, salt: new Uint8Array() }),
      'E_DHT_FORM',
    ),
    value(
      'DHT-065',
      'form',
      'app-sequence',
      'an application’s value with a sequence',
      'app/tokens',
      content({ ...ONCE, sequence: 1 }),
      'E_DHT_FORM',
    ),
    value('DHT-062', 'order', 'order-size-namespace', 'too long, in an unknown namespace', 'unknown', bytesOf('value', 1_001), 'E_SIZE'),
  ];
}

function keep(
  clause: string,
  flag: string,
  id: string,
  comment: string,
  namespace: string,
  coming: Uint8Array,
  stored: readonly Uint8Array[],
  against?: string,
  expected: bigint | number = 0,
): Draft {
  return one(clause, flag, id, comment, [NETWORK, namespace, expected, coming, ...stored], against);
}

/** Spec: DHT-067, DHT-068 */
export function keeps(): readonly Draft[] {
  const at = (sequence: bigint | number, data = 'hello'): Uint8Array => content({ sequence, data: utf8(data) });
  const once = ['a', 'b', 'c', 'd'].map((data) => content({ ...ONCE, data: utf8(data) }));
  const [a, b, c, d] = once as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const pairs = [
    [a, b],
    [b, a],
    [c, d],
    [d, c],
  ] as const;
  return [
    keep('DHT-067', 'valid', 'first', 'nothing is stored', 'mutable', at(0), []),
    keep('DHT-067', 'valid', 'higher', 'a higher sequence', 'mutable', at(2), [at(1)]),
    keep('DHT-067', 'edge', 'same', 'the same content again', 'mutable', at(1), [at(1)]),
    keep(
      'DHT-067',
      'edge',
      'same-sequence',
      'another content with the same sequence',
      'mutable',
      at(1, 'other'),
      [at(1)],
      'E_DHT_SEQUENCE',
    ),
    keep('DHT-067', 'edge', 'lower', 'a lower sequence', 'mutable', at(1), [at(2)], 'E_DHT_SEQUENCE'),
    keep('DHT-067', 'rounding', 'wide', '2^53 + 1 above 2^53', 'mutable', at(2n ** 53n + 1n), [at(2n ** 53n)]),
    keep('DHT-067', 'rounding', 'wide-lower', '2^53 below 2^53 + 1', 'mutable', at(2n ** 53n), [at(2n ** 53n + 1n)], 'E_DHT_SEQUENCE'),
    keep('DHT-067', 'valid', 'expected', 'what is expected is stored', 'mutable', at(9), [at(4)], undefined, 5),
    keep('DHT-067', 'form', 'expected-other', 'something else is stored', 'mutable', at(9), [at(5)], 'E_DHT_SEQUENCE', 5),
    keep('DHT-067', 'form', 'expected-nothing', 'something is expected, nothing is stored', 'mutable', at(9), [], 'E_DHT_SEQUENCE', 5),
    keep('DHT-067', 'edge', 'expected-0', 'sequence 0 is expected and stored', 'mutable', at(1), [at(0)], undefined, 1),
    keep('DHT-068', 'valid', 'once-first', 'the first of an application', 'app/tokens', a, []),
    keep('DHT-068', 'edge', 'once-same', 'the same again', 'app/tokens', a, [a]),
    ...pairs.map(([coming, stored], index) =>
      keep('DHT-068', 'eviction', `once-second-${index + 1}`, 'a second one: both are kept, the smaller hash wins', 'app/tokens', coming, [
        stored,
      ]),
    ),
    ...once.flatMap((coming, index) => {
      const others = once.filter((other) => other !== coming);
      return others.map((left, position) => {
        const stored = others.filter((other) => other !== left);
        const largest = isLargest(coming, stored);
        return keep(
          'DHT-068',
          'eviction',
          `once-third-${index + 1}-${position + 1}`,
          'a third one: the two smallest hashes stay',
          'app/tokens',
          coming,
          stored,
          largest ? 'E_DHT_SEQUENCE' : undefined,
        );
      });
    }),
  ];
}

/** Whether a content's hash is above that of both others. */
function isLargest(coming: Uint8Array, stored: readonly Uint8Array[]): boolean {
  return stored.every((other) => compare(sha256(other), sha256(coming)) < 0);
}
