/** Rates: which frames pass to the unit, what becomes of the others, and what the node sends itself. */
import fc, { type Arbitrary } from 'fast-check';
import {
  BURST,
  CLASS_OF,
  type FloodKind,
  flood,
  floodFrame,
  floodKinds,
  iwantOf,
  oddOfSize,
  plainFloodKinds,
} from '../arbitraries/session-floods.ts';
import { frames, ping, plaintext, plan, session, wait } from '../arbitraries/session-plans.ts';
import { smallBody } from '../arbitraries/wire-frames.ts';
import type { Plan, Step } from '../driver/plan.ts';
import { endsOnGoAway } from '../invariants/session-goaway.ts';
import type { SessionRule } from '../invariants/session-judge.ts';
import { sendsWithinRates } from '../invariants/session-rate.ts';
import { closesOn, nothingBehindGoAway } from '../invariants/wire-close.ts';
import { answersPings, goesOnAfter, ignoredBy, leavesOverruns, serves } from '../invariants/wire-pong.ts';
import { concat } from '../model/bytes.ts';
import { encodeFrame } from '../model/frame.ts';
import type { Check } from '../runner/check.ts';
import { sessionCheck } from './session-check.ts';

const GOSSIP = ['gossip/1'];
const OVERRUNS = 100;

/** Every Ping that passes is answered, no other is, and no tolerated overrun ends the session. */
function exactly(passing: string, overrun: string): readonly SessionRule[] {
  return [answersPings({ missing: passing, misaddressed: 'WIR-033', late: 'SES-051' }), leavesOverruns(overrun)];
}

const tolerates: SessionRule = goesOnAfter('SES-064', ignoredBy('SES-061'));

/** Bursts of Pings with pauses between, at and beside the edges of the bucket. */
const timelines: Arbitrary<Plan> = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 12 }), fc.constantFrom(0, 1, 49, 50, 51, 99, 100, 500, 1_999, 2_000)), {
    minLength: 3,
    maxLength: 12,
  })
  .map((list) => {
    let from = 100;
    const steps = list.flatMap(([count, ms]): readonly Step[] => {
      from += count;
      return [...flood(1, 'ping', count, 50, from), ...(ms === 0 ? [] : [wait(ms)])];
    });
    return plan([session(1, 'alice'), ...flood(1, 'ping', 38), ...steps, wait(2_000)]);
  });

/** Draws a class's message bucket empty, then goes `overruns` beyond. */
function beyond(link: number, kind: FloodKind, overruns: number): readonly Step[] {
  return flood(link, kind, BURST[CLASS_OF[kind]] + overruns);
}

/** One session exactly at the limit of overruns, one beyond it. */
function aroundLimit(kinds: Arbitrary<FloodKind>): Arbitrary<Plan> {
  return fc
    .tuple(kinds, fc.integer({ min: 1, max: 3 }))
    .map(([kind, more]) =>
      plan([
        session(3, 'bystander'),
        session(1, 'alice'),
        session(2, 'twin'),
        ...beyond(1, kind, OVERRUNS + more),
        ...beyond(2, kind, OVERRUNS),
        ping(3),
        wait(2_500),
        ping(2),
        ping(3),
        wait(2_000),
      ]),
    );
}

export const checks: readonly Check[] = [
  sessionCheck({
    id: 'session.rates.refill',
    title: 'Pings pass or are ignored to the millisecond in which the bucket holds their cost',
    levels: ['adapter'],
    plans: timelines,
    rules: exactly('SES-062', 'SES-061'),
    also: [tolerates],
    runs: 12,
  }),
  sessionCheck({
    id: 'session.rates.edge',
    title: 'An empty bucket holds the cost of a Ping after 50 ms and not after 49',
    levels: ['adapter'],
    plans: fc
      .tuple(fc.constantFrom(49, 50, 51, 99, 100), fc.integer({ min: 1, max: 5 }))
      .map(([ms, rounds]) =>
        plan([
          session(1, 'alice'),
          ...flood(1, 'ping', 41),
          ...Array.from({ length: rounds }, (_, round) => [wait(ms), ...flood(1, 'ping', 3, 50, 100 + round * 3)]).flat(),
          wait(2_000),
        ]),
      ),
    rules: exactly('SES-062', 'SES-061'),
    runs: 8,
  }),
  sessionCheck({
    id: 'session.rates.capacity',
    title: 'A bucket that rested for an hour holds twice its rate and no more',
    levels: ['adapter'],
    plans: fc
      .constantFrom(2_000, 14_000, 3_600_000)
      .map((ms) => plan([session(1, 'alice'), ...flood(1, 'ping', 20), wait(ms), ...flood(1, 'ping', 45, 50, 100), wait(2_000)])),
    rules: exactly('SES-062', 'SES-061'),
    runs: 3,
  }),
  sessionCheck({
    id: 'session.rates.overrun-limit',
    title: 'A hundred overruns of a class are tolerated; with the next the session ends',
    plans: aroundLimit(plainFloodKinds),
    levels: ['adapter'],
    rules: [closesOn(['SES-063']), serves('twin', 'SES-064')],
    also: [serves('bystander', 'SES-066'), nothingBehindGoAway],
    runs: 6,
    attacks: ['per-class queue overflow policy', 'zero-length repeated flood'],
  }),
  sessionCheck({
    id: 'session.rates.overrun-limit-gossip',
    title: 'Overruns of gossip frames are counted in the same way, each in its class',
    plans: aroundLimit(floodKinds),
    levels: ['adapter'],
    needs: GOSSIP,
    rules: [closesOn(['SES-063']), serves('twin', 'SES-064')],
    also: [serves('bystander', 'SES-066'), nothingBehindGoAway],
    runs: 8,
  }),
  sessionCheck({
    id: 'session.rates.overrun-reset',
    title: 'Overruns are forgotten once the pause has passed without one, and not before',
    levels: ['adapter'],
    plans: fc
      .constantFrom(9_998, 9_999, 10_000, 10_001)
      .map((ms) =>
        plan([
          session(1, 'alice'),
          session(2, 'twin'),
          ...beyond(1, 'ping', OVERRUNS),
          ...beyond(2, 'ping', OVERRUNS),
          wait(ms),
          ...flood(1, 'ping', 41, 50, 500),
          ...flood(2, 'ping', 38, 50, 500),
          wait(2_500),
        ]),
      ),
    rules: [leavesOverruns(), serves('twin', 'SES-062')],
    also: [closesOn(['SES-063']), tolerates],
    runs: 8,
  }),
  sessionCheck({
    id: 'session.rates.overruns-add-up',
    title: 'Overruns add up while no pause between them is long enough, however long they take together',
    levels: ['adapter'],
    plans: fc
      .tuple(fc.constantFrom(4_000, 7_000, 9_999), fc.integer({ min: 2, max: 4 }))
      .map(([ms, rounds]) =>
        plan([
          session(1, 'alice'),
          session(2, 'twin'),
          ...beyond(1, 'odd', 60),
          ...beyond(2, 'odd', 60),
          ...Array.from({ length: rounds }, () => [wait(ms), ...beyond(1, 'odd', 1), ...beyond(2, 'odd', 1)]).flat(),
          wait(ms),
          ...beyond(1, 'odd', OVERRUNS + 1 - 60 - rounds),
          ...beyond(2, 'odd', OVERRUNS - 60 - rounds),
          wait(2_500),
          ping(2),
          wait(2_000),
        ]),
      ),
    rules: [closesOn(['SES-063']), serves('twin', 'SES-064')],
    runs: 3,
  }),
  sessionCheck({
    id: 'session.rates.classes-counted-apart',
    title: 'A hundred overruns in each of two classes do not add up, and a flood of data leaves Pings alone',
    levels: ['adapter'],
    plans: fc.integer({ min: 1, max: 39 }).map((pings) =>
      plan([
        session(1, 'alice'),
        ...beyond(1, 'odd', OVERRUNS),
        ...flood(1, 'ping', pings),
        wait(3_000),
        // A Pong of the kit's may take some of the class, too.
        ...beyond(1, 'ping', OVERRUNS - 5),
        wait(3_000),
        ping(1),
        wait(2_000),
      ]),
    ),
    rules: [serves('alice', 'SES-066'), answersPings({ missing: 'SES-066', misaddressed: 'WIR-033', late: 'SES-051' })],
    runs: 4,
    attacks: ['one peer starving others'],
  }),
  sessionCheck({
    id: 'session.rates.sessions-apart',
    title: 'Each session has buckets of its own',
    levels: ['adapter'],
    plans: fc.integer({ min: 2, max: 6 }).map((count) =>
      plan([
        ...Array.from({ length: count }, (_, index) => session(index + 1, `peer-${index}`)),
        ...Array.from({ length: count }, (_, index) => flood(index + 1, 'ping', 40)).flat(),
        wait(1_000),
        { op: 'closeLink', link: 1 },
        // Also from those that the same peer had before.
        session(count + 1, 'peer-0'),
        ...flood(count + 1, 'ping', 40),
        wait(2_000),
      ]),
    ),
    rules: [answersPings({ missing: 'SES-066', misaddressed: 'WIR-033', late: 'SES-051' })],
    runs: 2,
    attacks: ['one peer starving others'],
  }),
  sessionCheck({
    id: 'session.rates.ignored-is-charged',
    title: 'Pongs that nobody waits for are charged as well: behind forty of them a Ping is an overrun',
    levels: ['adapter'],
    plans: fc
      .tuple(fc.integer({ min: 36, max: 42 }), fc.boolean())
      .map(([count, spread]) =>
        plan([session(1, 'alice'), ...flood(1, 'strayPong', count, spread ? 1 : 50), ...flood(1, 'ping', 6, 1, 900), wait(2_000)]),
      ),
    rules: [leavesOverruns('SES-060')],
    also: [answersPings({ missing: 'SES-062', misaddressed: 'WIR-033', late: 'SES-051' })],
    runs: 4,
  }),
  sessionCheck({
    id: 'session.rates.gossip-is-charged',
    title: 'Prunes and Grafts are charged to the class of Pings',
    levels: ['adapter'],
    needs: GOSSIP,
    plans: fc
      .integer({ min: 35, max: 42 })
      .map((count) => plan([session(1, 'alice'), ...flood(1, 'graft', count), ...flood(1, 'ping', 6, 1, 900), wait(2_000)])),
    rules: [leavesOverruns('SES-060')],
    also: [answersPings({ missing: 'SES-062', misaddressed: 'WIR-033', late: 'SES-051' })],
    runs: 4,
  }),
  sessionCheck({
    id: 'session.rates.bytes',
    title: 'The byte bucket is charged with whole frames: a frame that it does not hold is an overrun although messages are left',
    levels: ['adapter'],
    needs: GOSSIP,
    plans: fc.constant(4).map((ids) => {
      // Of 262,144 bytes these leave 134: room for three ids, not for four. A node that leaves the length
      // fields out has 24 bytes more: room for one frame of four, which is one overrun too few to close.
      const drain = (link: number): readonly Step[] => [...Array.from({ length: 7 }, () => iwantOf(link, 1_000)), iwantOf(link, 705)];
      return plan([
        session(1, 'alice'),
        session(2, 'twin'),
        ...drain(1),
        ...Array.from({ length: OVERRUNS + 1 }, () => iwantOf(1, ids)),
        ...drain(2),
        ...Array.from({ length: OVERRUNS }, () => iwantOf(2, ids)),
        iwantOf(2, 3),
        wait(2_500),
        ping(2),
        wait(2_000),
      ]);
    }),
    rules: [closesOn(['SES-063'], 'SES-060'), serves('twin', 'SES-062')],
    runs: 1,
  }),
  sessionCheck({
    id: 'session.rates.bytes-data',
    title: 'Frames of unknown odd kinds are charged with their bytes to class data',
    levels: ['adapter'],
    plans: fc.constantFrom(137, 138).map((bytes) => {
      // Of 524,288 bytes these leave 136, or 160 where the length fields are left out.
      const drain = (link: number): readonly Step[] => Array.from({ length: 8 }, () => oddOfSize(link, 65_519));
      return plan([
        session(1, 'alice'),
        session(2, 'twin'),
        ...drain(1),
        ...Array.from({ length: OVERRUNS + 1 }, () => oddOfSize(1, bytes)),
        ...drain(2),
        ...Array.from({ length: OVERRUNS }, () => oddOfSize(2, bytes)),
        oddOfSize(2, 136),
        wait(2_500),
        ping(2),
        wait(2_000),
      ]);
    }),
    rules: [closesOn(['SES-063'], 'SES-060'), serves('twin', 'SES-062')],
    runs: 2,
    attacks: ['attacker-controlled buffer size'],
  }),
  sessionCheck({
    id: 'session.rates.both-or-neither',
    title: 'An overrun for want of bytes is not charged to the messages',
    levels: ['adapter'],
    plans: fc.integer({ min: 55, max: 95 }).map((overruns) =>
      // Eight frames leave 136 bytes and 192 messages. What does not fit into the bytes must leave the 192 messages: 4 ms later there are bytes for all of them.
      plan([
        session(1, 'twin'),
        ...Array.from({ length: 8 }, () => oddOfSize(1, 65_519)),
        ...Array.from({ length: overruns }, () => oddOfSize(1, 137)),
        wait(4),
        ...flood(1, 'odd', 192),
        ...flood(1, 'odd', OVERRUNS - overruns, 50, 500),
        ping(1),
        wait(2_500),
        ping(1),
        wait(2_000),
      ]),
    ),
    rules: [goesOnAfter('SES-060', ignoredBy('SES-061')), serves('twin', 'SES-060')],
    runs: 4,
  }),
  sessionCheck({
    id: 'session.rates.goaway-is-free',
    title: 'A GoAway is taken although the bucket of its class is empty',
    levels: ['adapter'],
    plans: fc
      .integer({ min: 41, max: 120 })
      .map((count) =>
        plan([session(1, 'alice'), ...flood(1, 'ping', count), frames(1, { body: { type: 'GoAway', code: 1 } }), wait(2_000)]),
      ),
    rules: [endsOnGoAway('SES-070')],
    runs: 3,
  }),
  sessionCheck({
    id: 'session.rates.before-body',
    title: 'The body of an overrun is not looked at: a malformed one does not close the session',
    levels: ['adapter'],
    plans: fc
      .constantFrom(Uint8Array.of(0xff), new Uint8Array(), Uint8Array.of(0x0a, 1, 1))
      .map((body) =>
        plan([session(1, 'alice'), ...flood(1, 'ping', 40), plaintext(1, encodeFrame(2, 5, body)), wait(2_000), ping(1), wait(2_000)]),
      ),
    rules: [goesOnAfter('SES-061', ignoredBy('SES-061'))],
    runs: 3,
  }),
  sessionCheck({
    id: 'session.rates.after-header',
    title: 'A frame at fault in its header closes the session although the bucket of its class is empty',
    levels: ['adapter'],
    plans: fc
      .constantFrom(
        encodeFrame(2, 0, smallBody('Ping')),
        encodeFrame(10, 0, new Uint8Array()),
        encodeFrame(2, 5, concat(smallBody('Ping'), new Uint8Array(60))),
      )
      .map((bad) =>
        plan([
          session(1, 'alice'),
          session(2, 'twin'),
          ...flood(1, 'ping', 60),
          ...flood(2, 'ping', 30),
          plaintext(1, bad),
          plaintext(2, floodFrame('odd', 1)),
          ping(2),
          wait(2_000),
        ]),
      ),
    rules: [closesOn(['WIR-027', 'WIR-029', 'WIR-030']), serves('twin', 'SES-050')],
    runs: 3,
  }),
  sessionCheck({
    id: 'session.rates.flood',
    title: 'A flood far beyond the rates ends its session; another session is served, and so is one within the rates',
    levels: ['wire'],
    plans: fc
      .constantFrom<FloodKind[]>('ping', 'odd')
      .map((kind) =>
        plan([
          session(1, 'alice'),
          session(2, 'twin'),
          session(3, 'bystander'),
          ...flood(2, 'ping', 15),
          ...flood(1, kind, 900, 900),
          ping(2),
          ping(3),
          wait(2_000),
        ]),
      ),
    rules: [closesOn(['SES-063']), serves('twin', 'SES-062')],
    also: [serves('bystander', 'SES-066'), nothingBehindGoAway],
    attacks: ['one peer starving others', 'empty frames flood'],
  }),
  sessionCheck({
    id: 'session.rates.sender-pongs',
    title: 'What the node sends in answer to Pings and of its own accord stays within the rates',
    levels: ['adapter'],
    plans: fc
      .tuple(fc.integer({ min: 20, max: 38 }), fc.integer({ min: 1, max: 5 }))
      .map(([burst, rounds]) =>
        plan([
          session(1, 'alice'),
          ...Array.from({ length: rounds }, (_, round) => [...flood(1, 'ping', burst, 50, round * 100), wait(4_000)]).flat(),
          wait(16_000),
        ]),
      ),
    rules: [sendsWithinRates],
    also: [answersPings()],
    runs: 3,
  }),
  sessionCheck({
    id: 'session.rates.sender-data',
    title: 'A node with more to push than the rates allow does not push faster',
    levels: ['adapter'],
    needs: GOSSIP,
    plans: fc
      .tuple(fc.integer({ min: 20, max: 40 }), fc.constantFrom(20_000, 32_000))
      .map(([count, size]) =>
        plan([
          session(1, 'alice'),
          session(2, 'bob'),
          ...Array.from({ length: count }, (): Step => ({ op: 'publish', topic: 'app/kit', data: { size } })),
          wait(10_000),
        ]),
      ),
    rules: [sendsWithinRates],
    runs: 2,
    attacks: ['slow reader', 'per-class queue overflow policy'],
  }),
  sessionCheck({
    id: 'session.rates.sender-messages',
    title: 'A node with many small messages to push does not send more frames than the rates allow',
    levels: ['adapter'],
    needs: GOSSIP,
    plans: fc
      .integer({ min: 220, max: 400 })
      .map((count) =>
        plan([
          session(1, 'alice'),
          ...Array.from(
            { length: count },
            (_, index): Step => ({ op: 'publish', topic: 'app/kit', data: index.toString(16).padStart(8, '0') }),
          ),
          wait(10_000),
        ]),
      ),
    rules: [sendsWithinRates],
    runs: 1,
  }),
];
