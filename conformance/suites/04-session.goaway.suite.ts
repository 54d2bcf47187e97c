/** GoAway from a peer: silence, the end, and the pause before the next dial. */
import fc from 'fast-check';
import { dialled, frames, listenAddress, nonces, ping, plan, session, wait } from '../arbitraries/session-plans.ts';
import type { FrameSpec, NumberValue, Step } from '../driver/plan.ts';
import { dialsAgain, endsOnGoAway, waitsToDial } from '../invariants/session-goaway.ts';
import { serves } from '../invariants/wire-pong.ts';
import type { Check } from '../runner/check.ts';
import { sessionCheck } from './session-check.ts';

const OUTBOUND = ['outbound'];
const HOUR_MS = 3_600_000;

function goAway(link: number, code: number, retryAfterMs: NumberValue = 0): Step {
  return frames(link, { body: { type: 'GoAway', code, retryAfterMs } });
}

function connect(link: number, expected?: string): Step {
  return { op: 'connect', address: listenAddress(link), ...(expected === undefined ? {} : { expected }) };
}

/** Asks for the peer again while the pause lasts, and once it is over. */
function askedAgain(pauseMs: number, expected?: string): readonly Step[] {
  const half = Math.floor(pauseMs / 2);
  const last = Math.min(1, pauseMs - half);
  return [
    wait(Math.min(half, 10)),
    connect(1, expected),
    wait(Math.max(0, half - 10)),
    connect(1, expected),
    wait(pauseMs - half - last),
    connect(1, expected),
    wait(last),
    connect(1, expected),
    wait(2_000),
  ];
}

const sessionsBeside: readonly Step[] = [session(3, 'bystander')];

export const checks: readonly Check[] = [
  sessionCheck({
    id: 'session.goaway.ends',
    title: 'A node that receives a GoAway sends nothing more and ends the connection',
    plans: fc
      .tuple(
        fc.integer({ min: 1, max: 16 }),
        fc.constantFrom<NumberValue>(0, 1, 60_000, '18446744073709551615'),
        fc.array(nonces, { maxLength: 3 }),
      )
      .map(([code, retryAfterMs, before]) => {
        const list: FrameSpec[] = before.map((nonce) => ({ body: { type: 'Ping', nonce } }));
        return plan([
          ...sessionsBeside,
          session(1, 'alice'),
          ...(list.length === 0 ? [] : [frames(1, ...list)]),
          goAway(1, code, retryAfterMs),
          ping(3),
          wait(2_000),
          ping(3),
          wait(2_000),
        ]);
      }),
    rules: [endsOnGoAway('SES-070'), serves('bystander', 'CNV-014')],
  }),
  sessionCheck({
    id: 'session.goaway.among-frames',
    title: 'A GoAway behind other frames in one plaintext ends the session as well',
    plans: fc
      .tuple(fc.array(nonces, { minLength: 1, maxLength: 4 }), fc.boolean())
      .map(([list, behind]) =>
        plan([
          session(1, 'alice'),
          frames(
            1,
            ...list.map((nonce): FrameSpec => ({ body: { type: 'Ping', nonce } })),
            { body: { type: 'GoAway', code: 1 } },
            ...(behind ? [{ body: { type: 'Ping', nonce: list[0] ?? '' } } satisfies FrameSpec] : []),
          ),
          wait(2_000),
        ]),
      ),
    rules: [endsOnGoAway('SES-070')],
    runs: 3,
  }),
  sessionCheck({
    id: 'session.goaway.nothing-published',
    title: 'What the application publishes behind a GoAway does not go to its sender',
    levels: ['adapter'],
    needs: ['gossip/1'],
    plans: fc
      .integer({ min: 1, max: 3 })
      .map((count) =>
        plan([
          session(1, 'alice'),
          session(2, 'bob'),
          goAway(1, 1),
          ...Array.from({ length: count }, (_, index): Step => ({ op: 'publish', topic: 'app/kit', data: `0${index}` })),
          wait(2_500),
        ]),
      ),
    rules: [endsOnGoAway('SES-070')],
    runs: 2,
  }),
  sessionCheck({
    id: 'session.goaway.unknown-code',
    title: 'A GoAway with a code that nobody knows is taken as any other',
    plans: fc
      .constantFrom(0, 17, 31, 32, 63, 64, 96, 1_000, 2_147_483_647)
      .map((code) => plan([...sessionsBeside, session(1, 'alice'), goAway(1, code, 1), ping(3), wait(2_000)])),
    rules: [endsOnGoAway('SES-073'), serves('bystander', 'CNV-014')],
    runs: 9,
    attacks: ['enum unknown'],
  }),
  sessionCheck({
    id: 'session.goaway.retry-after',
    title: 'A peer that said when to come back is not dialled before, and is dialled then',
    levels: ['adapter'],
    needs: OUTBOUND,
    plans: fc
      .tuple(fc.constantFrom(1_000, 30_000, 600_000, HOUR_MS - 1, HOUR_MS), fc.boolean())
      .map(([pauseMs, expects]) =>
        plan([
          ...dialled(1, 'alice', expects ? 'alice' : undefined, 'session'),
          goAway(1, 1, pauseMs),
          ...askedAgain(pauseMs, expects ? 'alice' : undefined),
        ]),
      ),
    rules: [waitsToDial],
    also: [endsOnGoAway('SES-070')],
    attacks: ['timer with attacker-chosen duration'],
  }),
  sessionCheck({
    id: 'session.goaway.retry-after-inbound',
    title: 'A peer that said so on a session that it had dialled is not dialled before either',
    levels: ['adapter'],
    needs: OUTBOUND,
    plans: fc
      .constantFrom(5_000, 60_000)
      .map((pauseMs) => plan([session(1, 'alice'), goAway(1, 1, pauseMs), ...askedAgain(pauseMs, 'alice')])),
    rules: [waitsToDial],
    runs: 2,
  }),
  sessionCheck({
    id: 'session.goaway.last-counts',
    title: 'Of several GoAways of a peer the last says when to dial',
    levels: ['adapter'],
    needs: OUTBOUND,
    plans: fc
      .constantFrom(5_000, 60_000)
      .map((pauseMs) =>
        plan([
          ...dialled(1, 'alice', 'alice', 'session'),
          goAway(1, 1, 1_000),
          wait(2_000),
          session(4, 'alice'),
          goAway(4, 1, pauseMs),
          ...askedAgain(pauseMs, 'alice'),
        ]),
      ),
    rules: [waitsToDial],
    runs: 2,
  }),
  sessionCheck({
    id: 'session.goaway.retry-after-cap',
    title: 'A pause of more than an hour counts as an hour: the peer is dialled then',
    levels: ['adapter'],
    needs: OUTBOUND,
    plans: fc
      .constantFrom<NumberValue>(HOUR_MS + 1, 86_400_000, 4_294_967_296, '9007199254740993', '9223372036854775808', '18446744073709551615')
      .map((retryAfterMs) =>
        plan([...dialled(1, 'alice', 'alice', 'session'), goAway(1, 1, retryAfterMs), ...askedAgain(HOUR_MS, 'alice')]),
      ),
    rules: [dialsAgain('SES-072', (asked, most) => asked > most), waitsToDial],
    runs: 6,
    attacks: ['timer with attacker-chosen duration', '2^53+1 slots'],
  }),
];
