/** Frames with one defect in the body, beside the same without it. */
import fc, { type Arbitrary } from 'fast-check';
import type { EnvelopeSpec, Label, Step } from '../driver/plan.ts';
import { concat, unhex, utf8 } from '../model/bytes.ts';
import { encodeFrame, frameNamed } from '../model/frame.ts';
import { writeBytes, writeBytesField, writeTag, writeVarintField } from '../model/protobuf.ts';
import { encodeUvarint } from '../model/uvarint.ts';
import { every, frames, nonces, plaintext, type Scene, session } from './session-plans.ts';
import { each, type Pairs, smallBody } from './wire-frames.ts';

/** Kinds whose bodies can be spoilt; a Ping needs no capability, the others `gossip/1`. */
export type BodyKind = 'Ping' | 'Prune' | 'Graft' | 'Ihave' | 'Iwant' | 'Idontwant';
export const PING_ONLY: readonly BodyKind[] = ['Ping'];
export const GOSSIP_KINDS: readonly BodyKind[] = ['Prune', 'Graft', 'Ihave', 'Iwant', 'Idontwant'];

/** A frame with a body of a kind; requests have id 700. */
export function frameOf(name: BodyKind, body: Uint8Array): Uint8Array {
  const { kind, requestId } = frameNamed(name);
  return encodeFrame(kind, requestId === 'notice' ? 0 : 700, body);
}

/** Bytes that are no field, put before or behind the fields of a body in order; the twin has `harmless` there. */
function spoilt(kinds: readonly BodyKind[], faults: readonly Uint8Array[], harmless: Uint8Array, isLast = false): Pairs {
  return each(faults, (fault) =>
    fc.tuple(fc.constantFrom(...kinds), fc.boolean()).map(([name, first]) => {
      const small = smallBody(name);
      const body = (part: Uint8Array): Uint8Array => (first && !isLast ? concat(part, small) : concat(small, part));
      return { bad: frameOf(name, body(fault)), twin: frameOf(name, body(harmless)) };
    }),
  );
}

/** An unknown field number with another wire type; numbers stay small so that a Ping has room. */
const UNKNOWN = 15;
const harmlessVarint = writeVarintField(UNKNOWN, 5);
const harmlessBytes = writeBytesField(UNKNOWN, Uint8Array.of(1, 2, 3));

/** Bodies that end inside a field: in a tag, a value, a length, or before the bytes that a length announces, however many. */
export function cutBodies(kinds: readonly BodyKind[]): Pairs {
  const lengths = [2n, 9n, 127n, 2n ** 31n - 1n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n - 1n].map((length) =>
    concat(writeTag(UNKNOWN, 2), encodeUvarint(length), Uint8Array.of(1)),
  );
  const faults = [
    Uint8Array.of(0x80),
    writeTag(UNKNOWN, 0),
    concat(writeTag(UNKNOWN, 0), Uint8Array.of(0x80)),
    concat(writeTag(UNKNOWN, 1), new Uint8Array(7)),
    concat(writeTag(UNKNOWN, 5), new Uint8Array(3)),
    writeTag(UNKNOWN, 2),
    writeTag(UNKNOWN, 3), // a group that nothing ends
    ...lengths,
  ];
  return spoilt(kinds, faults, harmlessBytes, true);
}

/** Nonces that announce more bytes than there are. */
export const cutKnownFields: Pairs = each([1, 2, 100, 2 ** 31, 2 ** 53 - 8], (beyond) =>
  fc.constant({
    bad: frameOf('Ping', concat(writeTag(1, 2), encodeUvarint(8 + beyond), new Uint8Array(8).fill(0x33))),
    twin: frameOf('Ping', smallBody('Ping')),
  }),
);

/** Field number 0 in each wire type, and tags of 2^32 or above. */
export function badNumbers(kinds: readonly BodyKind[]): Pairs {
  const faults = [
    Uint8Array.of(0x00, 0x01),
    Uint8Array.of(0x01, ...new Uint8Array(8)),
    Uint8Array.of(0x02, 0x00),
    Uint8Array.of(0x05, ...new Uint8Array(4)),
    concat(encodeUvarint(2n ** 32n + 8n), Uint8Array.of(1)), // low 32 bits: field 1, wire type 0
    concat(encodeUvarint(2n ** 32n + 10n), Uint8Array.of(0)),
    concat(encodeUvarint(2n ** 63n + 8n), Uint8Array.of(1)),
  ];
  return spoilt(kinds, faults, harmlessVarint);
}

/** Wire types 6 and 7, and end-group tags that nothing opens. */
export function badWireTypes(kinds: readonly BodyKind[]): Pairs {
  const faults = [
    // Alone, and with a byte behind that some reader may take for a value.
    writeTag(UNKNOWN, 6),
    writeTag(UNKNOWN, 7),
    concat(writeTag(UNKNOWN, 6), Uint8Array.of(1)),
    concat(writeTag(UNKNOWN, 7), Uint8Array.of(1)),
    writeTag(UNKNOWN, 4),
    writeTag(1, 4),
    concat(writeTag(UNKNOWN, 3), writeTag(UNKNOWN - 1, 4)),
  ];
  return spoilt(kinds, faults, harmlessVarint);
}

/** Varints of more than ten bytes: as tag, as length, as value. */
export function longVarints(kinds: readonly BodyKind[]): Pairs {
  const long = Uint8Array.from([...Array.from({ length: 10 }, () => 0x81), 0x01]);
  const faults = [concat(writeTag(UNKNOWN, 0), long), concat(writeTag(UNKNOWN, 2), long), concat(long, Uint8Array.of(1))];
  return spoilt(kinds, faults, harmlessVarint);
}

/** Topics that are not UTF-8, beside some of the same size that are. */
export const badTexts: Pairs = each(
  [
    [0xc3, 0x28],
    [0xff, 0xfe],
    [0xc0, 0xaf],
    [0xed, 0xa0, 0x80],
    [0xf5, 0x80, 0x80, 0x80],
    [0xe2, 0x82],
  ],
  (tail) =>
    fc.boolean().map((isRepeated) => {
      const ids = writeBytesField(2, new Uint8Array(32).fill(0x5a));
      // Any occurrence counts, also one that a right one follows.
      const behind = isRepeated ? writeBytes(1, utf8('app/kit')) : new Uint8Array();
      const ihave = (topic: Uint8Array): Uint8Array => frameOf('Ihave', concat(writeBytes(1, topic), behind, ids));
      return { bad: ihave(concat(utf8('app/'), Uint8Array.from(tail))), twin: ihave(utf8(`app/${'k'.repeat(tail.length)}`)) };
    }),
);

/** Nonces that have not 8 bytes, or are not there. */
export const badNonces: Pairs = each([0, 1, 7, 9, 16, 32], (size) =>
  fc.constant({
    bad: frameOf('Ping', size === 0 ? new Uint8Array() : writeBytesField(1, new Uint8Array(size).fill(0x33))),
    twin: frameOf('Ping', smallBody('Ping')),
  }),
);

const BAD_IDS = GOSSIP_KINDS.flatMap((name) => [0, 31, 33].map((size) => ({ name, size })));

/** Ids and origins that have not 32 bytes, at any place of their list. */
export const badIds: Pairs = each(BAD_IDS, ({ name, size }) =>
  fc.integer({ min: 0, max: 3 }).map((place) => {
    const topic = name === 'Ihave' ? writeBytes(1, utf8('app/kit')) : new Uint8Array();
    const field = name === 'Ihave' ? 2 : 1;
    const list = (sizes: readonly number[]): Uint8Array =>
      concat(topic, ...sizes.map((bytes, index) => writeBytesField(field, new Uint8Array(bytes).fill(0x40 + index))));
    const sizes = [32, 32, 32, 32];
    return { bad: frameOf(name, list(sizes.with(place, size))), twin: frameOf(name, list(sizes)) };
  }),
);

/** Most elements of each kind's list. Spec: the comments of `gossip.proto`. */
const MOST: Readonly<Record<'Prune' | 'Graft' | 'Iwant' | 'Idontwant' | 'Ihave', number>> = {
  Prune: 32,
  Graft: 32,
  Iwant: 1_000,
  Idontwant: 512,
  Ihave: 1_000,
};

const COUNTED = (['Prune', 'Graft', 'Iwant', 'Idontwant'] as const).flatMap((name) => [
  { name, bad: 0, twin: 1 },
  { name, bad: MOST[name] + 1, twin: MOST[name] },
]);

/** One element too many, or none, beside the most that are allowed, or one. */
export const badCounts: Pairs = each(COUNTED, ({ name, bad, twin }) => {
  const list = (count: number): Uint8Array =>
    frameOf(name, concat(...Array.from({ length: count }, (_, index) => writeBytesField(1, numberedId(index)))));
  return fc.constant({ bad: list(bad), twin: list(twin) });
});

/** An Ihave with too many ids, or none; the twin announces one, so that nothing that is asked for stays away in number. */
export const badAnnouncements: Pairs = each([0, MOST.Ihave + 1], (count) => {
  const list = (ids: number): Uint8Array =>
    frameOf(
      'Ihave',
      concat(writeBytes(1, utf8('app/kit')), ...Array.from({ length: ids }, (_, index) => writeBytesField(2, numberedId(index)))),
    );
  return fc.constant({ bad: list(count), twin: list(1) });
});

/** A Push of no message, and of one too many, beside the most. */
export const badPushes: Arbitrary<readonly Scene[]> = every([0, 65], (count) => {
  const items = (length: number): { readonly hops: number; readonly envelope: EnvelopeSpec }[] =>
    Array.from({ length }, (_, index) => ({ hops: 1, envelope: smallEnvelope(index) }));
  const push = (link: number, length: number) => [frames(link, { body: { type: 'Push', topic: 'app/kit', items: items(length) } })];
  return { bad: (link) => push(link, count), twin: (link) => push(link, 64) };
});

/** A small message in order of one of two origins. */
export function smallEnvelope(index: number): EnvelopeSpec {
  return { origin: `author-${index % 2}`, topic: 'app/kit', ageMs: 1_000, sequence: index + 1, data: '61', name: `small-${index}` };
}

/** A 32-byte id that depends on a number. */
export function numberedId(index: number): Uint8Array {
  const id = new Uint8Array(32).fill(0x77);
  id[0] = index & 0xff;
  id[1] = (index >> 8) & 0xff;
  return id;
}

/** Unknown fields of each wire type, around the nonce of a Ping. */
export const unknownFields: Arbitrary<Uint8Array> = fc
  .tuple(nonces, fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([nonce, chosen, first]) => {
    const parts = [
      writeVarintField(2, 7),
      writeVarintField(2_047, 2n ** 63n),
      concat(writeTag(3, 1), new Uint8Array(8).fill(0xee)),
      concat(writeTag(4, 5), new Uint8Array(4).fill(0xee)),
      writeBytesField(5, Uint8Array.of(0xff, 0xfe)),
      writeBytesField(536_870_911, new Uint8Array()),
    ];
    const unknown = concat(...chosen.map((index) => parts[index] ?? new Uint8Array()));
    const known = writeBytes(1, unhex(nonce));
    return frameOf('Ping', first ? concat(unknown, known) : concat(known, unknown));
  });

/** A Ping with several nonces, of which the last counts; those before may have another size. */
export const repeatedNonces: Arbitrary<Uint8Array> = fc
  .tuple(fc.array(fc.constantFrom(7, 8, 9), { minLength: 1, maxLength: 2 }), nonces)
  .map(([sizes, nonce]) =>
    frameOf('Ping', concat(...sizes.map((size) => writeBytesField(1, new Uint8Array(size).fill(0xab))), writeBytes(1, unhex(nonce)))),
  );

/** A Ping with complete groups beside its nonce, up to as deep as its size allows. */
export const groupedPings: Arbitrary<Uint8Array> = fc
  .tuple(nonces, fc.constantFrom(1, 2, 10, 20), fc.boolean())
  .map(([nonce, depth, first]) => {
    const groups = concat(...Array.from({ length: depth }, () => writeTag(14, 3)), ...Array.from({ length: depth }, () => writeTag(14, 4)));
    const known = writeBytes(1, unhex(nonce));
    return frameOf('Ping', first ? concat(groups, known) : concat(known, groups));
  });

/** A Ping with a group that holds what could be taken for a nonce, behind the right one, before it, or alone. */
export const nonceInGroup: Arbitrary<Uint8Array> = fc
  .tuple(nonces, fc.constantFrom(1, 14), fc.constantFrom('behind' as const, 'before' as const, 'alone' as const))
  .map(([nonce, number, place]) => {
    const group = concat(writeTag(number, 3), writeBytesField(1, new Uint8Array(8).fill(0xcd)), writeTag(number, 4));
    const right = place === 'alone' ? new Uint8Array() : writeBytes(1, unhex(nonce));
    return frameOf('Ping', place === 'before' ? concat(group, right) : concat(right, group));
  });

/** An Iwant with groups ten thousand deep, complete or not. */
export const deepGroups: Arbitrary<{ readonly frame: Uint8Array; readonly isComplete: boolean }> = fc.boolean().map((isComplete) => {
  const depth = isComplete ? 10_000 : 20_000;
  const opened = new Uint8Array(depth).fill(0x73); // field 14, start of group
  const ended = new Uint8Array(isComplete ? depth : 0).fill(0x74);
  return { frame: frameOf('Iwant', concat(smallBody('Iwant'), opened, ended)), isComplete };
});

/** A Ping whose nonce also stands in another wire type: behind the right one, before it, or alone. */
export const mistypedNonces: Arbitrary<Uint8Array> = fc
  .tuple(nonces, fc.constantFrom(0, 1, 5), fc.constantFrom('behind' as const, 'before' as const, 'alone' as const))
  .map(([nonce, wireType, place]) => {
    const wrong =
      wireType === 0
        ? writeVarintField(1, 0x1122_3344_5566_7788n)
        : concat(writeTag(1, wireType), new Uint8Array(wireType === 1 ? 8 : 4).fill(0xcd));
    const right = place === 'alone' ? new Uint8Array() : writeBytes(1, unhex(nonce));
    return frameOf('Ping', place === 'before' ? concat(wrong, right) : concat(right, wrong));
  });

/** Pings whose only nonce has another wire type, beside some in order. */
export const mistypedOnly: Pairs = each(
  [
    { wireType: 0, size: 1 },
    { wireType: 1, size: 8 },
    { wireType: 5, size: 4 },
  ],
  ({ wireType, size }) =>
    fc.constant({
      bad: frameOf('Ping', concat(writeTag(1, wireType), new Uint8Array(size).fill(0x21))),
      twin: frameOf('Ping', smallBody('Ping')),
    }),
);

/** A contact with an address that nobody uses. */
function contactWith(id: Uint8Array, dns: Uint8Array, behind: Uint8Array): Uint8Array {
  const address = concat(writeBytesField(3, dns), writeVarintField(4, 7_600), writeVarintField(5, 1));
  return concat(writeBytes(1, id), writeBytesField(2, address), behind);
}

/** A FindNode whose asker is this, and a RecordRequest whose one label is this. */
function findNodeOf(asker: Uint8Array): Uint8Array {
  return encodeFrame(70, 700, concat(writeBytesField(1, new Uint8Array(32).fill(0x5a)), writeBytesField(2, asker)));
}
function recordRequestOf(label: Uint8Array): Uint8Array {
  return encodeFrame(52, 700, writeBytesField(1, label));
}

const ID = new Uint8Array(32).fill(0x5a);
const HOST = utf8('nobody.example');
type NestedFault = 'WIR-040' | 'WIR-041' | 'WIR-042' | 'WIR-043';
const NESTED_FAULTS: Readonly<Record<NestedFault, readonly Uint8Array[]>> = {
  'WIR-040': [Uint8Array.of(0x80), concat(writeTag(UNKNOWN, 2), Uint8Array.of(9, 1))],
  'WIR-041': [Uint8Array.of(0x00, 0x01)],
  'WIR-042': [writeTag(UNKNOWN, 7)],
  'WIR-043': [concat(writeTag(UNKNOWN, 0), Uint8Array.from([...Array.from({ length: 10 }, () => 0x81), 0x01]))],
};

/** Messages inside a body with a defect of their own; the twins hold a field that nobody knows. */
export function nestedFaults(clause: NestedFault | 'WIR-044' | 'WIR-045'): Arbitrary<readonly Scene[]> {
  const label = (origin: Uint8Array, behind: Uint8Array): Uint8Array => concat(writeBytes(1, origin), behind);
  const twins = [findNodeOf(contactWith(ID, HOST, harmlessBytes)), recordRequestOf(label(ID, harmlessBytes))];
  const bad = ((): readonly Uint8Array[] => {
    if (clause === 'WIR-044') return [findNodeOf(contactWith(ID, Uint8Array.of(0x61, 0xc3, 0x28), harmlessBytes))];
    if (clause === 'WIR-045')
      return [0, 31, 33].flatMap((size) => [
        findNodeOf(contactWith(new Uint8Array(size).fill(0x5a), HOST, harmlessBytes)),
        recordRequestOf(label(new Uint8Array(size).fill(0x5a), harmlessBytes)),
      ]);
    return NESTED_FAULTS[clause].flatMap((fault) => [findNodeOf(contactWith(ID, HOST, fault)), recordRequestOf(label(ID, fault))]);
  })();
  return every(bad, (frame): Scene => {
    const open = (link: number, peer: Label): readonly Step[] => [session(link, peer, { capabilities: ['dht/1', 'records/1'] })];
    const twin = twins[frame[1] === 70 || frame[2] === 70 ? 0 : 1] ?? frame;
    return { openBad: open, openTwin: open, bad: (link) => [plaintext(link, frame)], twin: (link) => [plaintext(link, twin)] };
  });
}
