/** Bodies: what is no protobuf, what has the wrong size or number, and what has to be overlooked. */
import fc, { type Arbitrary } from 'fast-check';
import { ping, plaintext, plan, session, staged, wait } from '../arbitraries/session-plans.ts';
import {
  badAnnouncements,
  badCounts,
  badIds,
  badNonces,
  badNumbers,
  badPushes,
  badTexts,
  badWireTypes,
  cutBodies,
  cutKnownFields,
  deepGroups,
  GOSSIP_KINDS,
  groupedPings,
  longVarints,
  mistypedNonces,
  mistypedOnly,
  nestedFaults,
  nonceInGroup,
  PING_ONLY,
  repeatedNonces,
  unknownFields,
} from '../arbitraries/wire-bodies.ts';
import { placed } from '../arbitraries/wire-frames.ts';
import type { Plan } from '../driver/plan.ts';
import { closesOn, closesOrGoesOn } from '../invariants/wire-close.ts';
import { answersPings, serves, takesNoMistypedValue, takesNothingFromGroups } from '../invariants/wire-pong.ts';
import type { Check } from '../runner/check.ts';
import { closingCheck, sessionCheck } from './session-check.ts';

const GOSSIP = ['gossip/1'];

/** The defects that both a Ping and a gossip body can have, with their clause. */
const malformed = [
  {
    name: 'cut-short',
    clause: 'WIR-040',
    what: 'that ends inside a field',
    faults: cutBodies,
    attacks: ['truncated', 'length prefix > remaining', 'length prefix 2^63'],
  },
  { name: 'bad-number', clause: 'WIR-041', what: 'with field number 0 or a tag of 2^32 or above', faults: badNumbers, attacks: [] },
  {
    name: 'bad-wire-type',
    clause: 'WIR-042',
    what: 'with wire type 6 or 7, or an end of a group that nothing opened',
    faults: badWireTypes,
    attacks: ['group tags'],
  },
  {
    name: 'long-varint',
    clause: 'WIR-043',
    what: 'with a varint of more than ten bytes',
    faults: longVarints,
    attacks: ['overlong varint'],
  },
] as const;

/** Frames of a kind, each on a session of its own, and a Ping behind each. */
function each(frames: Arbitrary<Uint8Array>): Arbitrary<Plan> {
  return fc
    .array(frames, { minLength: 12, maxLength: 12 })
    .map((list) =>
      plan([
        ...list.flatMap((frame, index) => [session(index + 1, `peer-${index}`), plaintext(index + 1, frame), ping(index + 1)]),
        wait(2_000),
      ]),
    );
}

/** Some Pings whose answers are what the clause is about, and one in order behind them. */
function several(frames: Arbitrary<Uint8Array>): Arbitrary<Plan> {
  return fc
    .array(frames, { minLength: 1, maxLength: 4 })
    .map((list) => plan([session(1, 'alice'), ...list.map((frame) => plaintext(1, frame)), ping(1), wait(2_000)]));
}

export const checks: readonly Check[] = [
  ...malformed.flatMap(({ name, clause, what, faults, attacks }) => [
    closingCheck({
      id: `wire.body.${name}`,
      title: `A Ping ${what} closes the session`,
      clause,
      plans: staged(placed(faults(PING_ONLY))),
      attacks,
    }),
    closingCheck({
      id: `wire.body.${name}-gossip`,
      title: `A gossip body ${what} closes the session`,
      clause,
      needs: GOSSIP,
      plans: staged(placed(faults(GOSSIP_KINDS))),
      attacks,
    }),
  ]),
  closingCheck({
    id: 'wire.body.cut-nonce',
    title: 'A nonce that announces more bytes than there are closes the session',
    clause: 'WIR-040',
    plans: staged(placed(cutKnownFields)),
    attacks: ['truncated', 'declared vs real size'],
  }),
  closingCheck({
    id: 'wire.body.bad-text',
    title: 'A topic that is not UTF-8 closes the session',
    clause: 'WIR-044',
    needs: GOSSIP,
    plans: staged(placed(badTexts)),
    attacks: ['non-UTF-8 string'],
  }),
  closingCheck({
    id: 'wire.body.nonce-size',
    title: 'A nonce that has not 8 bytes, or is absent, closes the session',
    clause: 'WIR-045',
    plans: staged(placed(badNonces)),
  }),
  closingCheck({
    id: 'wire.body.id-size',
    title: 'An id or origin that has not 32 bytes closes the session, at whatever place it stands',
    clause: 'WIR-045',
    needs: GOSSIP,
    plans: staged(placed(badIds)),
  }),
  closingCheck({
    id: 'wire.body.element-count',
    title: 'One origin or id too many, or none, closes the session; the most and one do not',
    clause: 'WIR-046',
    twinClause: 'WIR-046',
    needs: GOSSIP,
    plans: staged(placed(badCounts)),
    attacks: ['declared count × element size'],
  }),
  closingCheck({
    id: 'wire.body.announcement-count',
    title: 'An Ihave of 1,001 ids or none closes the session',
    clause: 'WIR-046',
    needs: GOSSIP,
    plans: staged(placed(badAnnouncements)),
  }),
  closingCheck({
    id: 'wire.body.push-count',
    title: 'A Push of 65 messages or none closes the session; one of 64 does not',
    clause: 'WIR-046',
    twinClause: 'WIR-046',
    needs: GOSSIP,
    plans: staged(badPushes),
  }),
  ...(
    [
      ['WIR-040', 'cut-short', 'that ends inside a field'],
      ['WIR-041', 'bad-number', 'with field number 0'],
      ['WIR-042', 'bad-wire-type', 'with wire type 7'],
      ['WIR-043', 'long-varint', 'with a varint of more than ten bytes'],
      ['WIR-044', 'bad-text', 'with a text that is not UTF-8'],
      ['WIR-045', 'id-size', 'with an id that has not 32 bytes'],
    ] as const
  ).map(([clause, name, what]) =>
    closingCheck({
      id: `wire.nested.${name}`,
      title: `A message inside a body ${what} closes the session`,
      clause,
      levels: ['adapter'],
      needs: ['dht/1', 'records/1'],
      plans: staged(nestedFaults(clause)),
      runs: 2,
    }),
  ),
  sessionCheck({
    id: 'wire.body.unknown-fields',
    title: 'Fields that a Ping does not name are overlooked, in every wire type and place',
    plans: several(unknownFields),
    rules: [answersPings({ missing: 'WIR-047', misaddressed: 'WIR-033', late: 'SES-051' })],
    runs: 8,
  }),
  sessionCheck({
    id: 'wire.body.repeated-field',
    title: 'Of a nonce that occurs several times the last is answered, whatever the size of those before',
    plans: several(repeatedNonces),
    rules: [answersPings({ missing: 'WIR-048', misaddressed: 'WIR-033', late: 'SES-051' })],
    runs: 6,
    attacks: ['duplicate singular field'],
  }),
  sessionCheck({
    id: 'wire.body.group',
    title: 'A complete group is skipped or closes the session',
    plans: each(groupedPings),
    rules: [closesOrGoesOn('WIR-049')],
    runs: 2,
    attacks: ['group tags'],
  }),
  sessionCheck({
    id: 'wire.body.nonce-in-group',
    title: 'What stands in a group is not taken for a field of the Ping',
    plans: each(nonceInGroup),
    rules: [takesNothingFromGroups],
    also: [closesOrGoesOn('WIR-049')],
    runs: 2,
    attacks: ['group tags'],
  }),
  sessionCheck({
    id: 'wire.body.deep-group',
    title: 'Groups ten thousand deep harm nobody: the node closes or goes on, and serves its other sessions',
    needs: GOSSIP,
    plans: deepGroups.map(({ frame }) =>
      plan([session(2, 'bystander'), session(1, 'mallory'), plaintext(1, frame), ping(2), ping(1), wait(2_000), ping(2), wait(2_000)]),
    ),
    rules: [serves('bystander', 'CNV-014')],
    also: [closesOn(['WIR-040']), closesOrGoesOn('WIR-049')],
    runs: 4,
    attacks: ['nested depth 10 000', 'group tags'],
  }),
  sessionCheck({
    id: 'wire.body.mistyped-field',
    title: 'A nonce in another wire type than its own is never answered with',
    plans: each(mistypedNonces),
    rules: [takesNoMistypedValue],
    also: [closesOrGoesOn('WIR-050'), closesOn(['WIR-045'], 'WIR-050')],
    runs: 2,
    attacks: ['wrong wire type'],
  }),
  closingCheck({
    id: 'wire.body.mistyped-nonce-alone',
    title: 'A Ping whose only nonce has another wire type closes the session',
    clause: 'WIR-050',
    filedAs: ['WIR-045'],
    plans: staged(placed(mistypedOnly)),
    attacks: ['wrong wire type'],
  }),
];
