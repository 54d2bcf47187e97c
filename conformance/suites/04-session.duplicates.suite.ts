/** One session per peer, and a bound on how many there are. */
import fc from 'fast-check';
import { listenAddress, ping, plan, session, wait } from '../arbitraries/session-plans.ts';
import type { Label, Plan, Step } from '../driver/plan.ts';
import { keepsOneSession, limitsSessions } from '../invariants/session-duplicate.ts';
import { nothingBehindGoAway } from '../invariants/wire-close.ts';
import { serves } from '../invariants/wire-pong.ts';
import type { Check } from '../runner/check.ts';
import { sessionCheck } from './session-check.ts';

const OUTBOUND = ['outbound'];

/** Peers of one plan, enough that their PeerIds lie on both sides of the node's. */
const PEERS = 10;

/** Two sessions with each of some peers in opposite directions, the second `ageMs` after the first; half of the peers were dialled first. */
function crossings(ageMs: number): Plan {
  const peers = Array.from({ length: PEERS }, (_, index) => ({
    peer: `peer-${index}`,
    first: 2 * index + 1,
    second: 2 * index + 2,
    isDialledFirst: index % 2 === 0,
  }));
  const connect = ({ peer, first, second, isDialledFirst }: (typeof peers)[number]): readonly Step[] => {
    const link = isDialledFirst ? first : second;
    return [{ op: 'connect', address: listenAddress(link), expected: peer }, wait(100)];
  };
  const inbound = (link: number, peer: Label): Step => session(link, peer);
  const outbound = (link: number, peer: Label): Step => ({ op: 'open', link, peer, mode: 'session', direction: 'outbound' });
  return plan([
    // One peer after the other, so that each dial is answered by its own peer; what comes first comes before the waiting, what comes second behind it.
    ...peers.flatMap((pair): readonly Step[] => [
      ...connect(pair),
      pair.isDialledFirst ? outbound(pair.first, pair.peer) : inbound(pair.first, pair.peer),
      wait(ageMs),
      pair.isDialledFirst ? inbound(pair.second, pair.peer) : outbound(pair.second, pair.peer),
      ping(pair.first),
      ping(pair.second),
    ]),
    wait(2_000),
  ]);
}

export const checks: readonly Check[] = [
  sessionCheck({
    id: 'session.duplicate.same-direction',
    title: 'A second inbound session of a peer replaces the first, young or old; other peers keep theirs',
    plans: fc
      .tuple(fc.integer({ min: 2, max: 4 }), fc.constantFrom(0, 1, 300), fc.boolean())
      .map(([count, pauseMs, pinged]) =>
        plan([
          session(10, 'bystander'),
          ...Array.from({ length: count }, (_, index): Step[] => [
            session(index + 1, 'alice'),
            ...(pinged ? [ping(index + 1)] : []),
            wait(pauseMs),
          ]).flat(),
          ping(count),
          ping(10),
          wait(2_000),
        ]),
      ),
    rules: [keepsOneSession('SES-040')],
    also: [serves('bystander', 'CNV-014'), nothingBehindGoAway],
    runs: 4,
    attacks: ['connection slot exhaustion'],
  }),
  sessionCheck({
    id: 'session.duplicate.same-direction-old',
    title: 'A second inbound session of a peer replaces the first however old it is',
    levels: ['adapter'],
    plans: fc
      .constantFrom(4_999, 5_000, 5_001, 60_000)
      .map((ageMs) => plan([session(1, 'alice'), wait(ageMs), session(2, 'alice'), ping(2), wait(2_000)])),
    rules: [keepsOneSession('SES-040')],
    runs: 4,
  }),
  sessionCheck({
    id: 'session.duplicate.crossing-young',
    title: 'Of two sessions in opposite directions the one stays whose initiator has the smaller PeerId, while the first is young',
    levels: ['adapter'],
    needs: OUTBOUND,
    plans: fc.constantFrom(0, 1, 1_000, 4_998, 4_999).map(crossings),
    rules: [keepsOneSession('SES-041')],
    also: [nothingBehindGoAway],
    runs: 4,
  }),
  sessionCheck({
    id: 'session.duplicate.crossing-old',
    title: 'Of two sessions in opposite directions the second stays once the first has its age',
    levels: ['adapter'],
    needs: OUTBOUND,
    plans: fc.constantFrom(5_000, 5_001, 9_000).map(crossings),
    rules: [keepsOneSession('SES-042')],
    also: [nothingBehindGoAway],
    runs: 3,
  }),
  sessionCheck({
    id: 'session.limit.sessions',
    title: 'Beyond 48 sessions a further inbound one is closed; one that replaces its peer is not, and room comes back',
    levels: ['adapter'],
    plans: fc
      .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 48 }))
      .map(([extra, replaced]) =>
        plan([
          ...Array.from({ length: 48 }, (_, index) => session(index + 1, `peer-${index + 1}`)),
          ...Array.from({ length: extra }, (_, index) => session(50 + index, `late-${index}`)),
          session(60, `peer-${replaced}`),
          ping(60),
          wait(2_000),
          { op: 'closeLink', link: replaced === 1 ? 2 : 1 },
          session(61, 'twin'),
          ping(61),
          ping(60),
          wait(2_000),
        ]),
      ),
    rules: [limitsSessions, serves('twin', 'SES-043')],
    also: [keepsOneSession('SES-040'), nothingBehindGoAway],
    runs: 3,
    attacks: ['connection slot exhaustion'],
  }),
  sessionCheck({
    id: 'session.limit.dialled',
    title: 'A peer that the node has dialled is closed as well when there is no room left',
    levels: ['adapter'],
    needs: OUTBOUND,
    plans: fc
      .integer({ min: 1, max: 47 })
      .map((index) =>
        plan([
          { op: 'connect', address: listenAddress(50), expected: 'late' },
          wait(200),
          ...Array.from({ length: 48 }, (_, at) => session(at + 1, at === index ? 'bystander' : `peer-${at + 1}`)),
          { op: 'open', link: 50, peer: 'late', mode: 'session', direction: 'outbound' },
          ping(index + 1),
          wait(2_000),
        ]),
      ),
    rules: [limitsSessions, serves('bystander', 'CNV-014')],
    runs: 2,
    attacks: ['connection slot exhaustion'],
  }),
];
