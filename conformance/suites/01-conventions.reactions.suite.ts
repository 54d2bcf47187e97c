/** Reactions: in time, with the right word, with nothing behind it, and without harm to others. */
import fc, { type Arbitrary } from 'fast-check';
import { flood } from '../arbitraries/session-floods.ts';
import { type Act, frames, handshake, ping, plaintext, plan, raw, rawSession, session, wait } from '../arbitraries/session-plans.ts';
import { badNonces, badNumbers, badWireTypes, cutBodies, longVarints, PING_ONLY } from '../arbitraries/wire-bodies.ts';
import {
  anyOf,
  type BytesPair,
  cutHeaders,
  evenKinds,
  lengthsBeyond,
  lengthsTooShort,
  overlongHeaders,
  oversizeFrames,
  wideHeaders,
  zeroIds,
} from '../arbitraries/wire-frames.ts';
import type { Plan, Step } from '../driver/plan.ts';
import { closesOn, codesTravel, endsAfterGoAway, nothingBehindGoAway, tellsCode } from '../invariants/wire-close.ts';
import { serves } from '../invariants/wire-pong.ts';
import type { Check } from '../runner/check.ts';
import { sessionCheck } from './session-check.ts';

/** Plaintexts that close a session, each for a reason of its own. */
const closing: Arbitrary<BytesPair> = anyOf(
  overlongHeaders('length'),
  overlongHeaders('kind'),
  cutHeaders,
  wideHeaders,
  lengthsBeyond,
  lengthsTooShort,
  evenKinds,
  oversizeFrames(['Ping', 'Pong']),
  zeroIds,
  cutBodies(PING_ONLY),
  badNumbers(PING_ONLY),
  badWireTypes(PING_ONLY),
  longVarints(PING_ONLY),
  badNonces,
);

/** Clauses of chapter 03 on which these close. */
const CLOSING = [
  'WIR-021',
  'WIR-022',
  'WIR-023',
  'WIR-024',
  'WIR-025',
  'WIR-027',
  'WIR-029',
  'WIR-030',
  'WIR-040',
  'WIR-041',
  'WIR-042',
  'WIR-043',
  'WIR-045',
];

/** Several sessions, each with a defect of its own, and one that goes on. */
function several(count: number, tailMs: number): Arbitrary<Plan> {
  return fc
    .array(closing, { minLength: count, maxLength: count })
    .map((pairs) =>
      plan([
        session(100, 'bystander'),
        ...pairs.flatMap(({ bad }, index): readonly Step[] => [session(index + 1, `mallory-${index}`), plaintext(index + 1, bad)]),
        ping(100),
        wait(tailMs),
        ping(100),
        wait(2_000),
      ]),
    );
}

/** Everything that a peer without manners can do to a raw connection. */
const rudeness: Arbitrary<Act> = fc.oneof(
  closing.map(
    ({ bad }): Act =>
      (link) => [...rawSession(link, `rude-${link}`), plaintext(link, bad)],
  ),
  fc.uint8Array({ minLength: 1, maxLength: 400 }).map(
    (bytes): Act =>
      (link) => [raw(link, `rude-${link}`), { op: 'raw', link, bytes: Buffer.from(bytes).toString('hex') }],
  ),
  fc.constant<Act>((link) => [raw(link, `rude-${link}`), { op: 'raw', link, bytes: '7b7d', text: true }]),
  fc.constant<Act>((link) => [raw(link, `rude-${link}`), handshake(link, { kind: 'flipByte', message: 3, offset: 60 })]),
  fc.constant<Act>((link) => [
    ...rawSession(link, `rude-${link}`),
    { op: 'raw', link, bytes: { replay: true } },
    { op: 'raw', link, bytes: 'ff'.repeat(64) },
  ]),
  fc.constant<Act>((link) => [...rawSession(link, `rude-${link}`), ...flood(link, 'odd', 320)]),
  fc.constant<Act>((link) => [...rawSession(link, `rude-${link}`), { op: 'closeLink', link }]),
);

export const checks: readonly Check[] = [
  sessionCheck({
    id: 'conventions.reaction.in-time',
    title: 'A node that has to close does so within its reaction time, whatever the reason',
    plans: several(4, 8_000),
    levels: ['adapter'],
    rules: [closesOn(CLOSING, 'CNV-010')],
    also: [serves('bystander', 'CNV-014')],
    runs: 8,
  }),
  sessionCheck({
    id: 'conventions.reaction.in-time-wall',
    title: 'A node that has to close does so within its reaction time on a real clock',
    plans: several(6, 2_000),
    levels: ['wire'],
    rules: [closesOn(CLOSING, 'CNV-010')],
    also: [serves('bystander', 'CNV-014')],
  }),
  sessionCheck({
    id: 'conventions.goaway.code',
    title: 'A session that is closed with a code is told so in a GoAway with the code that the clause names',
    keyword: 'SHOULD',
    plans: several(4, 2_000),
    rules: [tellsCode],
    runs: 10,
  }),
  sessionCheck({
    id: 'conventions.goaway.last',
    title: 'Behind a GoAway there is no frame, and the connection ends in time',
    plans: fc
      .tuple(closing, fc.integer({ min: 0, max: 10 }))
      .map(([{ bad }, pings]) =>
        plan([
          session(1, 'alice'),
          ...flood(1, 'ping', pings),
          plaintext(1, bad),
          ...flood(1, 'ping', 5, 1, 800),
          session(2, 'bob'),
          session(3, 'bob'),
          wait(2_000),
        ]),
      ),
    rules: [nothingBehindGoAway, endsAfterGoAway],
    runs: 8,
  }),
  sessionCheck({
    id: 'conventions.goaway.last-on-overrun',
    title: 'Behind the GoAway for too many overruns there is no Pong and no other frame',
    levels: ['adapter'],
    plans: fc
      .integer({ min: 141, max: 200 })
      .map((count) =>
        plan([session(1, 'alice'), ...flood(1, 'ping', count, 7), wait(2_000), ...flood(1, 'ping', 5, 1, 800), wait(15_000)]),
      ),
    rules: [nothingBehindGoAway, endsAfterGoAway],
    runs: 3,
  }),
  sessionCheck({
    id: 'conventions.goaway.codes',
    title: 'A GoAway carries a code from 1 to 31, also where the reason is one that does not travel',
    needs: ['raw'],
    plans: fc
      .array(closing, { minLength: 2, maxLength: 2 })
      .map((pairs) =>
        plan([
          ...rawSession(1, 'altered'),
          { op: 'raw', link: 1, bytes: 'a5'.repeat(40) },
          ...rawSession(2, 'text'),
          { op: 'raw', link: 2, bytes: '7b7d', text: true },
          ...rawSession(3, 'empty'),
          { op: 'raw', link: 3, bytes: '' },
          ...pairs.flatMap(({ bad }, index) => [...rawSession(10 + index, `mallory-${index}`), plaintext(10 + index, bad)]),
          ...rawSession(20, 'twice'),
          ...rawSession(21, 'twice'),
          wait(2_000),
        ]),
      ),
    rules: [codesTravel],
    also: [nothingBehindGoAway],
  }),
  sessionCheck({
    id: 'conventions.others.served',
    title: 'Whatever bytes arrive on other connections, a session is served',
    needs: ['raw'],
    plans: fc
      .array(rudeness, { minLength: 4, maxLength: 10 })
      .map((acts) =>
        plan([
          session(100, 'bystander-1'),
          session(101, 'bystander-2'),
          ...acts.flatMap((act, index) => [...act(index + 1), ...(index % 2 === 0 ? [ping(100)] : [ping(101)])]),
          wait(2_000),
          ping(100),
          ping(101),
          wait(2_000),
        ]),
      ),
    rules: [serves('bystander', 'CNV-014')],
    runs: 8,
    attacks: ['one peer starving others', 'empty frames flood'],
  }),
  sessionCheck({
    id: 'conventions.others.served-mid-handshake',
    title: 'A handshake that is under way is not harmed by others that fail',
    needs: ['raw'],
    plans: fc
      .array(rudeness, { minLength: 1, maxLength: 3 })
      .map((acts) =>
        plan([
          raw(100, 'bystander'),
          ...acts.flatMap((act, index) => act(index + 1)),
          handshake(100),
          frames(100, { body: { type: 'Ping', nonce: '0102030405060708' } }),
          wait(2_000),
        ]),
      ),
    rules: [serves('bystander', 'CNV-014')],
    runs: 4,
  }),
];
