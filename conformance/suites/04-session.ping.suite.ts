/** Ping and Pong in both directions. */
import fc from 'fast-check';
import { frames, nonces, ping, plan, session, wait } from '../arbitraries/session-plans.ts';
import type { EnvelopeSpec, FrameSpec, NumberValue, Setup, Step } from '../driver/plan.ts';
import {
  endsOnSilence,
  noncesDiffer,
  pingsOften,
  pingsSparsely,
  waitingIdsDiffer,
  wrongPongsDoNotCount,
} from '../invariants/session-ping.ts';
import { answersPings, goesOnAfter, ignoredBy } from '../invariants/wire-pong.ts';
import type { Check } from '../runner/check.ts';
import { sessionCheck } from './session-check.ts';

/** By then every node has sent its first Ping (SES-052). */
const FIRST_PING_MS = 15_000;

/** A Pong for the first Ping that came in step `step`. */
function pongFor(step: number, link: number, nonce: string | undefined, requestId?: NumberValue): Step {
  return frames(link, {
    requestId: requestId ?? { ref: `$${step}.ping.requestId` },
    body: { type: 'Pong', nonce: nonce ?? { ref: `$${step}.ping.nonce` } },
  });
}

/** Messages in order of many origins, repeated: each copy costs a node that lets it come so far one signature check. */
function floodPush(link: number, index: number): Step {
  const envelope = (number: number): EnvelopeSpec => ({
    origin: `flood-${number % 40}`,
    topic: 'app/flood',
    ageMs: 1_000,
    sequence: number + 1,
    data: { size: 64 },
    name: `flood-${number}`,
  });
  const items = Array.from({ length: 4 }, (_, item) => ({ hops: 1, envelope: envelope((index * 4 + item) % 160) }));
  return frames(link, { body: { type: 'Push', topic: 'app/flood', items } });
}

const PATIENT: Setup = { overrides: { 'session.pong_timeout_ms': '60000' } };

export const checks: readonly Check[] = [
  sessionCheck({
    id: 'session.ping.answered',
    title: 'Every Ping is answered with a Pong that repeats its nonce, alone or among others',
    plans: fc
      .array(fc.tuple(fc.oneof(nonces, fc.constantFrom('0000000000000000', 'ffffffffffffffff')), fc.boolean()), {
        minLength: 1,
        maxLength: 15,
      })
      .map((list) => {
        const together = list.filter(([, isBatched]) => isBatched).map(([nonce]): FrameSpec => ({ body: { type: 'Ping', nonce } }));
        const alone = list.filter(([, isBatched]) => !isBatched).map(([nonce]) => ping(1, nonce));
        return plan([session(1, 'alice'), ...alone, ...(together.length === 0 ? [] : [frames(1, ...together)]), wait(2_000)]);
      }),
    rules: [answersPings()],
  }),
  sessionCheck({
    id: 'session.ping.during-flood',
    title: 'Pings are answered in time while data floods this session and another beyond their rates',
    needs: ['gossip/1'],
    plans: fc
      .integer({ min: 20, max: 60 })
      .map((every) =>
        plan([
          session(1, 'flooder'),
          session(2, 'flooded'),
          session(3, 'quiet'),
          ...Array.from({ length: 280 }, (_, index): Step[] => [
            floodPush(1, index),
            ...(index < 250 ? [floodPush(2, index + 7)] : []),
            ...(index % every === every - 1 ? [ping(2), ping(3)] : []),
          ]).flat(),
          ping(2),
          ping(3),
          wait(2_000),
        ]),
      ),
    rules: [answersPings({ missing: 'SES-051', misaddressed: 'WIR-033', late: 'SES-051' })],
    runs: 1,
    attacks: ['one peer starving others', 'per-class queue overflow policy'],
  }),
  sessionCheck({
    id: 'session.ping.interval',
    title: 'The node pings every session within each interval, from the handshake on, and not more than once a second',
    levels: ['adapter'],
    plans: fc
      .tuple(fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([pauses, busy]) =>
        plan([
          session(1, 'alice'),
          ...pauses.flatMap((ms, index) => [wait(ms), session(index + 2, `peer-${index}`), ...(busy ? [ping(1), ping(index + 2)] : [])]),
          wait(66_000),
        ]),
      ),
    rules: [pingsOften, pingsSparsely, noncesDiffer],
  }),
  sessionCheck({
    id: 'session.ping.silence',
    title: 'A session whose peer leaves a Ping without a Pong ends when the Ping has waited its time, not before; others stay',
    levels: ['adapter'],
    plans: fc
      .constantFrom(0, 1, 7_000)
      .map((offsetMs) => plan([session(1, 'alice'), wait(offsetMs), session(2, 'bob'), wait(50_000, false)])),
    rules: [endsOnSilence],
    also: [pingsOften],
    runs: 3,
  }),
  sessionCheck({
    id: 'session.ping.silence-after-answers',
    title: 'A session that was answered for long ends as well once its peer falls silent',
    levels: ['adapter'],
    plans: fc.constantFrom(15_000, 46_000).map((answeredMs) => plan([session(1, 'alice'), wait(answeredMs), wait(40_000, false)])),
    rules: [endsOnSilence],
    runs: 2,
  }),
  sessionCheck({
    id: 'session.ping.late-pong',
    title: 'A Pong that comes in the last moment keeps the session',
    levels: ['adapter'],
    plans: fc
      .constantFrom(0, 5_000, 9_998, 9_999)
      .map((ms) =>
        plan([
          session(1, 'alice'),
          wait(FIRST_PING_MS, false),
          wait(ms, false),
          pongFor(1, 1, undefined),
          wait(30_000),
          ping(1),
          wait(1_000),
          wait(40_000, false),
        ]),
      ),
    rules: [endsOnSilence],
    runs: 4,
  }),
  sessionCheck({
    id: 'session.ping.wrong-nonce',
    title: 'A Pong with another nonce is ignored and the Ping goes on waiting',
    levels: ['adapter'],
    plans: fc
      .tuple(nonces, fc.constantFrom(0, 20_000, 44_999), fc.integer({ min: 1, max: 3 }))
      .map(([nonce, ms, count]) =>
        plan(
          [
            session(1, 'alice'),
            wait(FIRST_PING_MS, false),
            wait(ms, false),
            ...Array.from({ length: count }, () => pongFor(1, 1, nonce)),
            wait(66_000 - ms, false),
          ],
          PATIENT,
        ),
      ),
    rules: [wrongPongsDoNotCount],
    also: [endsOnSilence],
  }),
  sessionCheck({
    id: 'session.ping.wrong-nonce-then-right',
    title: 'The right Pong still counts behind one with another nonce',
    levels: ['adapter'],
    plans: fc
      .tuple(nonces, fc.constantFrom(0, 30_000))
      .map(([nonce, ms]) =>
        plan(
          [
            session(1, 'alice'),
            wait(FIRST_PING_MS, false),
            pongFor(1, 1, nonce),
            wait(ms, false),
            pongFor(1, 1, undefined),
            wait(59_000 - ms - FIRST_PING_MS),
            ping(1),
            wait(20_000),
          ],
          PATIENT,
        ),
      ),
    rules: [wrongPongsDoNotCount],
    also: [answersPings()],
    runs: 4,
  }),
  sessionCheck({
    id: 'session.ping.wrong-request-id',
    title: 'A Pong with the right nonce under a request id that nobody waits for does not count',
    levels: ['adapter'],
    plans: fc
      .constantFrom(4_000_000_000, 4_294_967_295)
      .map((requestId) =>
        plan([session(1, 'alice'), wait(FIRST_PING_MS, false), pongFor(1, 1, undefined, requestId), ping(1), wait(66_000, false)], PATIENT),
      ),
    rules: [endsOnSilence, goesOnAfter('WIR-032', ignoredBy('WIR-032'))],
    runs: 2,
  }),
  sessionCheck({
    id: 'session.ping.second-pong',
    title: 'A second Pong for a Ping that was answered is ignored',
    levels: ['adapter'],
    plans: fc
      .integer({ min: 1, max: 3 })
      .map((count) =>
        plan([
          session(1, 'alice'),
          wait(FIRST_PING_MS),
          ...Array.from({ length: count }, () => pongFor(1, 1, undefined)),
          ping(1),
          wait(5_000),
        ]),
      ),
    rules: [goesOnAfter('WIR-032', ignoredBy('WIR-032'))],
    runs: 2,
  }),
  sessionCheck({
    id: 'session.ping.waiting-ids',
    title: 'Pings that wait at the same time have different request ids and nonces',
    levels: ['adapter'],
    plans: fc.constant(
      plan([session(1, 'alice'), session(2, 'bob'), wait(55_000, false)], {
        overrides: { 'session.ping_interval_ms': '1000', 'session.pong_timeout_ms': '60000' },
      }),
    ),
    rules: [waitingIdsDiffer, noncesDiffer],
    also: [pingsOften],
  }),
];
