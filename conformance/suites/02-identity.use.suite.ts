/** Identity where it is used: many signatures in one frame, bytes that are passed on, the puzzle. */
import fc, { type Arbitrary } from 'fast-check';
import { direct, message, push, spoilt } from '../arbitraries/gossip-plans.ts';
import { handshake, ping, plan, raw, session, wait } from '../arbitraries/session-plans.ts';
import type { EnvelopeDefect, EnvelopeSpec, Step } from '../driver/plan.ts';
import { asksForPuzzle, judgesSignaturesAlone, passesBytesOn } from '../invariants/session-identity.ts';
import { serves } from '../invariants/wire-pong.ts';
import type { Check } from '../runner/check.ts';
import { sessionCheck } from './session-check.ts';

const GOSSIP = ['gossip/1'];

/** Defects of a signature, or of what it covers. */
const badSignatures: Arbitrary<EnvelopeDefect> = fc.constantFrom<EnvelopeDefect[]>(
  { kind: 'signature' },
  { kind: 'malleatedS' },
  { kind: 'smallOrderKey' },
  { kind: 'network', networkId: 'another-network' },
);

/** Messages of several origins, so that no flood bucket runs dry. */
function messageOf(index: number, options: Partial<EnvelopeSpec> = {}): EnvelopeSpec {
  return message(`batch-${index}`, { origin: `author-${index % 5}`, ...options });
}

/** A Push in which one to three of the messages are bad, at any places. */
const batches = fc
  .tuple(fc.integer({ min: 4, max: 16 }), fc.array(fc.tuple(fc.nat({ max: 15 }), badSignatures), { minLength: 1, maxLength: 3 }))
  .map(([size, bad]) =>
    Array.from({ length: size }, (_, index) => {
      const defect = bad.find(([place]) => place % size === index)?.[1];
      return defect === undefined ? messageOf(index) : spoilt(messageOf(index), defect);
    }),
  );

export const checks: readonly Check[] = [
  sessionCheck({
    id: 'identity.signatures.each-alone',
    title:
      'Of several messages in one Push each signature counts alone: bad ones take no good one with them, and no good one carries a bad one',
    needs: GOSSIP,
    plans: batches.map((envelopes) =>
      plan([session(1, 'alice'), session(2, 'bob'), push(1, envelopes), wait(2_000), ping(1), ping(2), wait(2_000)]),
    ),
    rules: [judgesSignaturesAlone],
    also: [passesBytesOn, serves('bob', 'CNV-014')],
    runs: 8,
    attacks: ['batch containing one bad', 'malleated S+L', 'small-order key registration', 'cross-network replay'],
  }),
  sessionCheck({
    id: 'identity.signatures.same-origin',
    title: 'A bad signature among many good ones of the same key is found, at whatever place it stands',
    needs: GOSSIP,
    plans: fc
      .tuple(fc.integer({ min: 0, max: 11 }), fc.constantFrom<EnvelopeDefect[]>({ kind: 'signature' }, { kind: 'malleatedS' }))
      .map(([place, defect]) => {
        const envelopes = Array.from({ length: 12 }, (_, index) => messageOf(index, { origin: 'author' }));
        return plan([
          session(1, 'alice'),
          session(2, 'bob'),
          push(
            1,
            envelopes.map((envelope, index) => (index === place ? spoilt(envelope, defect) : envelope)),
          ),
          wait(2_000),
        ]);
      }),
    rules: [judgesSignaturesAlone],
    also: [passesBytesOn],
    attacks: ['batch containing one bad'],
  }),
  sessionCheck({
    id: 'identity.relay.same-bytes',
    title: 'What is passed on has the bytes in which it came, with numbers of every size and data of every length',
    needs: GOSSIP,
    plans: fc
      .array(
        fc.record({
          sequence: fc.constantFrom(0, 1, 127, 128, 4_294_967_296, Number.MAX_SAFE_INTEGER),
          data: fc.oneof(
            fc.constantFrom({ size: 0 }, { size: 1 }, { size: 128 }, { size: 20_000 }),
            fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('hex')),
          ),
          hops: fc.constantFrom(0, 1, 31),
          topic: fc.constantFrom('app/kit', 'app/a', `app/${'z'.repeat(32)}`),
        }),
        { minLength: 2, maxLength: 8 },
      )
      .map((list) =>
        plan([
          session(1, 'alice'),
          session(2, 'bob'),
          ...list.map(({ hops, ...options }, index): Step => push(1, [messageOf(index, options)], hops)),
          wait(2_000),
        ]),
      ),
    rules: [passesBytesOn],
    attacks: ['signature over re-encoded bytes', '2^53+1 slots'],
  }),
  sessionCheck({
    id: 'identity.relay.bad-copy-first',
    title: 'After a bad copy the good bytes are passed on, and they alone',
    needs: GOSSIP,
    plans: fc.constantFrom<EnvelopeDefect[]>({ kind: 'signature' }, { kind: 'malleatedS' }).map((defect) => {
      const good = messageOf(1);
      return plan([
        session(1, 'alice'),
        session(2, 'bob'),
        session(3, 'carol'),
        push(1, [spoilt(good, defect)]),
        push(3, [good]),
        wait(2_000),
      ]);
    }),
    rules: [passesBytesOn],
    runs: 2,
    attacks: ['malleated S+L', 'invalid-then-valid same id (seen-cache poisoning)'],
  }),
  sessionCheck({
    id: 'identity.relay.direct',
    title: 'Peers without gossip are sent the bytes that came, and what they send is passed on as it came',
    needs: ['gossip/1', 'direct/1'],
    plans: fc
      .integer({ min: 1, max: 3 })
      .map((count) =>
        plan([
          session(1, 'alice'),
          session(2, 'bob', { capabilities: ['direct/1'] }),
          session(3, 'carol', { capabilities: ['direct/1'] }),
          ...Array.from({ length: count }, (_, index): readonly Step[] => [
            push(1, [messageOf(index)]),
            direct(2, [messageOf(index + 10)]),
          ]).flat(),
          wait(2_000),
        ]),
      ),
    rules: [passesBytesOn],
    runs: 2,
  }),
  sessionCheck({
    id: 'identity.puzzle.refused',
    title: 'With a puzzle of some bits a peer whose PeerId does not solve it is refused, one that solves it is not',
    levels: ['adapter'],
    needs: ['raw'],
    plans: fc.constantFrom(1, 2).map((bits) =>
      plan([...Array.from({ length: 24 }, (_, index) => [raw(index + 1, `peer-${index}`), handshake(index + 1)]).flat(), wait(2_000)], {
        overrides: { 'identity.puzzle_bits': `${bits}` },
      }),
    ),
    rules: [asksForPuzzle],
    runs: 2,
  }),
];
