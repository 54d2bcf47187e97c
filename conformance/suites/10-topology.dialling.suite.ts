/** Whom a node looks for, when, and how often it tries. */
import fc from 'fast-check';
import { entry, knows } from '../arbitraries/dht-plans.ts';
import { plan } from '../arbitraries/session-plans.ts';
import {
  ban,
  candidate,
  candidates,
  crowd,
  hostAt,
  hosts,
  inbound,
  listens,
  neighbourAt,
  protect,
  topology,
  urlAt,
  wait,
} from '../arbitraries/topology-plans.ts';
import type { Step } from '../driver/plan.ts';
import {
  backsOff,
  dialsFewAtOnce,
  dialsForAReason,
  dialsNobodyWrong,
  dialsProtected,
  dialsSpread,
  fetchesNobodyBack,
  fills,
  givesUp,
  regionFirst,
  remembersWhoAnswered,
  triesAgain,
} from '../invariants/topology-dialling.ts';
import { dialsWhatItFinds, looksUpTheLost } from '../invariants/topology-lookups.ts';
import type { Check } from '../runner/check.ts';
import { topologyCheck } from './topology-check.ts';

const NEEDS = ['commands', 'outbound'];
const ROOMY = { connections_min: 1, connections_target: 4, connections_high: 12, connections_max: 16, dials_max: 3 };

/** The first link that an automatic peer opens. */
const FIRST_DIALLED_LINK = 1_000_001;

export const checks: readonly Check[] = [
  topologyCheck({
    id: 'topology.dial.slots-return',
    title: 'Dials that nobody answers hold their places for their time only',
    needs: ['commands', 'outbound'],
    plans: fc
      .integer({ min: 1, max: 3 })
      .map((most) =>
        plan(
          [...candidates('lost', hosts(most, 40), 'lost'), wait(2_500), ...candidates('out', hosts(3)), wait(60_000)],
          topology({ ...ROOMY, dials_max: most }),
        ),
      ),
    rules: [fills({ candidates: 3 })],
    also: [dialsFewAtOnce],
    runs: 2,
  }),
  topologyCheck({
    id: 'topology.dial.unprotected',
    title: 'A peer that is protected no more is dialled no more than any other',
    needs: ['commands', 'outbound'],
    plans: fc
      .constantFrom<('lost' | 'absent')[]>('lost', 'absent')
      .map((as) =>
        plan(
          [
            ...crowd(1, 'in', hosts(2)),
            listens('far', hostAt(60), as),
            protect('far', hostAt(60)),
            wait(2_500),
            { op: 'command', command: 'topology.unprotect', args: [{ peerId: 'far' }], label: 'unprotect far' },
            wait(90_000),
          ],
          topology({ ...ROOMY, connections_target: 1 }),
        ),
      ),
    rules: [dialsForAReason],
    runs: 2,
  }),
  topologyCheck({
    id: 'topology.dial.fills',
    title: 'A node dials candidates until it has the sessions that it looks for, and then no more',
    needs: NEEDS,
    plans: fc
      .record({ target: fc.integer({ min: 1, max: 6 }), already: fc.integer({ min: 0, max: 3 }) })
      .map(({ target, already }) =>
        plan(
          [...crowd(1, 'in', hosts(already, 40)), ...candidates('out', hosts(8)), wait(12_000)],
          topology({ ...ROOMY, connections_target: target }),
        ),
      ),
    rules: [fills({ candidates: 8 }), dialsForAReason],
    also: [dialsFewAtOnce],
    runs: 5,
  }),
  topologyCheck({
    id: 'topology.dial.outbound-quota',
    title: 'A node with enough inbound sessions still fills its own places',
    needs: NEEDS,
    plans: fc
      .integer({ min: 1, max: 3 })
      .map((quota) =>
        plan(
          [...crowd(1, 'in', hosts(6, 40)), ...candidates('out', hosts(6)), wait(8_000)],
          topology({ ...ROOMY, connections_target: 5, outbound_min: quota }),
        ),
      ),
    rules: [fills({ candidates: 6 }), dialsForAReason],
    also: [dialsFewAtOnce],
    attacks: ['inbound-slot hijack'],
  }),
  topologyCheck({
    id: 'topology.dial.storm',
    title: 'However many candidates there are, few dials are under way at a time',
    needs: NEEDS,
    plans: fc
      .record({ most: fc.integer({ min: 1, max: 4 }), as: fc.constantFrom<('lost' | 'absent')[]>('lost', 'absent') })
      .map(({ most, as }) =>
        plan([...candidates('out', hosts(20), as), wait(20_000)], topology({ ...ROOMY, connections_target: 10, dials_max: most })),
      ),
    rules: [dialsFewAtOnce],
    also: [backsOff],
  }),
  topologyCheck({
    id: 'topology.dial.subnets',
    title: 'Of one subnet few are dialled, however many candidates it has',
    needs: NEEDS,
    plans: fc.integer({ min: 1, max: 3 }).map((most) =>
      plan(
        [
          ...crowd(1, 'in', hosts(2, 60)),
          ...candidates(
            'near',
            Array.from({ length: 6 }, (_, index) => neighbourAt(index)),
          ),
          ...candidates('far', hosts(2)),
          wait(12_000),
        ],
        topology({ ...ROOMY, connections_target: 10, subnet_outbound_max: most }),
      ),
    ),
    rules: [dialsSpread],
    attacks: ['eclipse of one node'],
  }),
  topologyCheck({
    id: 'topology.dial.backoff',
    title: 'After each failure a candidate is left in peace for longer, up to a bound, and then tried again',
    needs: NEEDS,
    plans: fc
      .constantFrom(10_000, 60_000)
      .map((longestMs) =>
        plan(
          [...candidates('out', hosts(1), 'absent'), wait(90_000)],
          topology({ ...ROOMY, backoff_ms_min: 1_000, backoff_ms_max: longestMs, reconnect_attempts_max: 30 }),
        ),
      ),
    rules: [backsOff, triesAgain],
    runs: 2,
  }),
  topologyCheck({
    id: 'topology.dial.backoff-after-session',
    title: 'A session that ends early is a failure, too',
    needs: NEEDS,
    plans: fc
      .integer({ min: 100, max: 3_000 })
      .map((stoodMs) =>
        plan(
          [
            ...candidates('out', hosts(1)),
            wait(2_500),
            wait(stoodMs),
            { op: 'closeLink', link: FIRST_DIALLED_LINK },
            wait(5_000),
            { op: 'closeLink', link: FIRST_DIALLED_LINK + 1 },
            wait(8_000),
          ],
          topology({ ...ROOMY, backoff_ms_min: 2_000 }),
        ),
      ),
    rules: [backsOff, triesAgain],
  }),
  topologyCheck({
    id: 'topology.dial.gives-up',
    title: 'Who fails too often is forgotten',
    needs: NEEDS,
    plans: fc
      .integer({ min: 1, max: 4 })
      .map((attempts) =>
        plan(
          [...candidates('out', hosts(1), 'absent'), wait(60_000)],
          topology({ ...ROOMY, backoff_ms_max: 4_000, reconnect_attempts_max: attempts }),
        ),
      ),
    rules: [givesUp],
  }),
  topologyCheck({
    id: 'topology.dial.protected',
    title: 'A protected peer is dialled however many sessions there are, and for as long as it takes',
    needs: NEEDS,
    plans: fc
      .boolean()
      .map((isThere) =>
        plan(
          [
            ...crowd(1, 'in', hosts(6)),
            listens('friend', hostAt(70), isThere ? 'silent' : 'absent'),
            protect('friend', hostAt(70)),
            ...candidates('out', hosts(6, 20)),
            wait(30_000),
          ],
          topology({ ...ROOMY, backoff_ms_max: 4_000, reconnect_attempts_max: 2 }),
        ),
      ),
    rules: [dialsProtected],
    also: [dialsForAReason, backsOff],
    runs: 2,
  }),
  topologyCheck({
    id: 'topology.dial.lost',
    title: 'A protected peer known by its id alone, or gone from where it was, is looked up, and dialled where it is found',
    needs: [...NEEDS, 'dht/1', 'datagrams'],
    plans: fc
      .record({
        was: fc.constantFrom<('nowhere' | 'elsewhere' | 'here')[]>('elsewhere', 'here', 'nowhere'),
        isLate: fc.boolean(),
        others: fc.integer({ min: 0, max: 5 }),
      })
      .map(({ was, isLate, others }) => {
        const endpoint = `${hostAt(71)}:7600`;
        const friend = { contact: { peer: 'friend', addresses: [`udp://${endpoint}`, urlAt(hostAt(71))] } };
        const moves: readonly Step[] =
          was === 'here' ? [wait(3_000), listens('friend', hostAt(70), 'absent'), { op: 'closeLink', link: FIRST_DIALLED_LINK }] : [];
        return plan(
          [
            ...crowd(1, 'in', hosts(others)),
            ...(was === 'nowhere' ? [] : [listens('friend', hostAt(70), was === 'here' ? 'silent' : 'absent')]),
            protect('friend', ...(was === 'nowhere' ? [] : [hostAt(70)])),
            ...moves,
            listens('friend', hostAt(71)),
            { op: 'behave', as: 'answers', with: knows([]), at: endpoint, peer: 'friend' },
            ...entry(50, knows(isLate ? [] : [friend])),
            wait(16_000),
            ...(isLate ? entry(51, knows([friend])) : []),
            wait(20_000),
          ],
          topology({ ...ROOMY, connections_target: 2, connections_min: 1, backoff_ms_max: 4_000 }),
        );
      }),
    rules: [looksUpTheLost, dialsWhatItFinds],
    runs: 8,
  }),
  topologyCheck({
    id: 'topology.dial.nobody-wrong',
    title: 'The banned, the connected and itself a node does not dial',
    needs: NEEDS,
    plans: fc
      .boolean()
      .map((inHello) =>
        plan(
          [
            ban('banned', 3_600_000),
            listens('banned', hostAt(30)),
            candidate('banned', hostAt(30)),
            candidate('node', hostAt(31)),
            inbound(1, 'guest', hostAt(32), inHello ? { listenAddresses: [urlAt(hostAt(32))] } : {}),
            ...(inHello ? [] : [candidate('guest', hostAt(32))]),
            ...candidates('out', hosts(2)),
            wait(10_000),
          ],
          topology(ROOMY),
        ),
      ),
    rules: [dialsNobodyWrong],
    runs: 2,
    attacks: ['self insert'],
  }),
  topologyCheck({
    id: 'topology.dial.region-first',
    title: 'Candidates of a region that is short are dialled before others',
    needs: NEEDS,
    plans: fc
      .constantFrom('na', 'as')
      .map((region) =>
        plan(
          [...candidates('other', hosts(8)), ...candidates('short', hosts(region === 'na' ? 2 : 1, 30), 'silent', region), wait(4_000)],
          topology({ ...ROOMY, connections_target: 20, connections_high: 30, connections_max: 40, region: 'eu', dials_max: 1 }),
        ),
      ),
    rules: [
      {
        clauses: ['TOP-046'],
        judge: (view) => {
          const results = ['na', 'as'].map((region) => regionFirst(region).judge(view));
          return { findings: results.flatMap(({ findings }) => findings), exercised: results.some(({ exercised }) => exercised) };
        },
      },
    ],
    runs: 4,
  }),
  topologyCheck({
    id: 'topology.dial.remembers',
    title: 'A peer that has answered is not forgotten for others that were only heard of',
    needs: NEEDS,
    plans: fc
      .integer({ min: 4, max: 12 })
      .map((heard) =>
        plan(
          [
            ...candidates('known', hosts(1)),
            wait(3_000),
            ...candidates('heard', hosts(heard, 20), 'absent'),
            wait(500),
            { op: 'closeLink', link: FIRST_DIALLED_LINK },
            wait(90_000),
          ],
          topology({ ...ROOMY, connections_target: 1, candidates_max: 4, backoff_ms_max: 8_000 }),
        ),
      ),
    rules: [remembersWhoAnswered],
    attacks: ['table poisoning with unsolicited messages'],
  }),
  topologyCheck({
    id: 'topology.dial.fetches-nobody-back',
    title: 'Who came by itself and left at once is not fetched back',
    needs: NEEDS,
    plans: fc
      .integer({ min: 50, max: 900 })
      .map((stayedMs) =>
        plan(
          [
            listens('guest', hostAt(50)),
            inbound(1, 'guest', hostAt(50), { listenAddresses: [urlAt(hostAt(50))] }),
            wait(stayedMs),
            { op: 'closeLink', link: 1 },
            wait(30_000),
          ],
          topology(ROOMY),
        ),
      ),
    rules: [fetchesNobodyBack],
  }),
];
