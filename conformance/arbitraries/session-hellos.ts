/** Handshakes with one defect, beside one at the edge of what is in order. */
import type { HandshakeDefect } from '../driver/plan.ts';

/** A defect, and what a twin's handshake has in its place where that is a value that has to be taken. */
export interface DefectPair {
  readonly bad: HandshakeDefect;
  readonly twin?: HandshakeDefect;
}

const BAD_ENVELOPES: readonly HandshakeDefect[] = [
  { kind: 'staticKeySignature' },
  { kind: 'context', context: 'app' },
  { kind: 'context', context: 'vote' },
  { kind: 'context', context: 'handshake2' },
  { kind: 'network', networkId: 'another-network' },
  { kind: 'version', version: 0 },
  { kind: 'version', version: 2 },
  { kind: 'version', version: 4_294_967_295 },
  { kind: 'trailing', bytes: '4800' }, // a field that the schema does not name
  { kind: 'trailing', bytes: '3800' }, // roles again, with their default value
  { kind: 'trailing', bytes: '0801' }, // the version again, at the end
  { kind: 'trailing', bytes: '42' }, // a field cut short
  { kind: 'trailing', bytes: '00' },
];

/** Defects of the envelope that carries the hello: every verdict but accept (SES-014). */
export const badEnvelopes: readonly DefectPair[] = BAD_ENVELOPES.map((bad) => ({ bad }));

/** Capability texts that SES-021 does not take. */
const BAD_CAPABILITIES: readonly (readonly string[])[] = [
  ['gossip/1', 'direct/1'], // not ascending
  ['b/1', 'a/1'],
  ['a/10', 'a/1'],
  ['gossip/1', 'gossip/1'],
  ['gossip'],
  ['gossip/'],
  ['/1'],
  ['gossip/01'],
  ['gossip/1/2'],
  ['gossip/x'],
  ['Gossip/1'],
  ['gos sip/1'],
  ['gossip_x/1'],
  ['gossip/123456'],
  ['gossip/-1'],
  [`${'g'.repeat(33)}/1`],
  ['gössip/1'],
  [''],
];

/** `count` capabilities that no node has, in order. */
export function strangeCapabilities(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `unknown-${String(index).padStart(3, '0')}/1`);
}

const GOOD_CAPABILITIES: readonly (readonly string[])[] = [
  strangeCapabilities(64),
  ['a/0', 'a/1', 'a/10', 'a/2', 'a/99999'],
  [`${'g'.repeat(32)}/1`],
  ['-/0', '0/0'],
  [],
];

/** Capability lists that are not in order, or too long; the twins' are at the edges. */
export const badCapabilities: readonly DefectPair[] = [...BAD_CAPABILITIES, strangeCapabilities(65), strangeCapabilities(100)].map(
  (capabilities, index) => ({
    bad: { kind: 'capabilities', capabilities },
    ...twinOf(GOOD_CAPABILITIES[index], (good) => ({ kind: 'capabilities', capabilities: good })),
  }),
);

function twinOf<Value>(value: Value | undefined, defect: (value: Value) => HandshakeDefect): { readonly twin?: HandshakeDefect } {
  return value === undefined ? {} : { twin: defect(value) };
}

const WS = { port: 7_000, transport: 1 };
const GOOD_ADDRESSES: readonly unknown[] = [
  { ip4: 'c6336407', ...WS },
  { ip6: '20010db8000000000000000000000001', port: 1, transport: 2 },
  { dns: 'node-1.example.org', port: 65_535, transport: 1 },
  { dns: 'a', port: 443, transport: 3 },
];

/** Listen addresses that SES-024 does not take. */
const BAD_ADDRESSES: readonly unknown[] = [
  { ip4: 'c63364', ...WS },
  { ip4: 'c633640707', ...WS },
  { ip4: '', ...WS },
  { ip6: '20010db80000000000000000000001', ...WS },
  { dns: '', ...WS },
  { dns: 'Node.example.org', ...WS },
  { dns: 'node_1.example.org', ...WS },
  { dns: 'a'.repeat(254), ...WS },
  { ...WS },
  { ip4: 'c6336407', transport: 1 },
  { ip4: 'c6336407', port: 65_536, transport: 1 },
  { ip4: 'c6336407', port: 4_294_967_295, transport: 1 },
];

const EIGHT_ADDRESSES: readonly unknown[] = [...GOOD_ADDRESSES, ...GOOD_ADDRESSES];

/** Listen addresses that are not in order, in any place, or too many; the twins have the most that are allowed. */
export const badAddresses: readonly DefectPair[] = [
  ...BAD_ADDRESSES.map((bad, index): DefectPair => {
    const addresses = GOOD_ADDRESSES.slice(0, 4).with(index % 4, bad);
    const twin = twinOf([8, 4, 1][index], (count) => ({ kind: 'addresses', addresses: EIGHT_ADDRESSES.slice(0, count) }));
    return { bad: { kind: 'addresses', addresses }, ...twin };
  }),
  { bad: { kind: 'addresses', addresses: [...EIGHT_ADDRESSES, GOOD_ADDRESSES[0]] } },
];

const BAD_VERSIONS: readonly (readonly [number, number])[] = [
  [1, 1],
  [1, 5],
  [1, 0],
  [5, 3],
  [4_294_967_295, 4_294_967_295],
  [4_294_967_295, 0],
];
const GOOD_VERSIONS: readonly (readonly [number, number])[] = [
  [0, 0],
  [0, 1],
  [0, 4_294_967_295],
];

/** Minor version ranges without 0, or upside down; the twins' hold 0. */
export const badVersions: readonly DefectPair[] = BAD_VERSIONS.map(([min, max], index) => ({
  bad: { kind: 'minor', min, max },
  ...twinOf(GOOD_VERSIONS[index], ([least, most]) => ({ kind: 'minor', min: least, max: most })),
}));

/** Places of message 2 or 3 in which a flipped bit makes it undecryptable: keys, tags, payload. */
export function flips(message: 2 | 3): readonly DefectPair[] {
  return [0, 15, 31, 32, 47, 48, 100, -17, -1].map((offset) => ({ bad: { kind: 'flipByte', message, offset } }));
}

/** The coordinates of small order, with each other form of theirs below 2^255 and with the unused bit set: every one gives a secret of zeros. */
export const LOW_ORDER_POINTS: readonly string[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '0100000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
];
