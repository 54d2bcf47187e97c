/** Whom a node gives up when it has too many sessions. */
import fc from 'fast-check';
import { frames, plan } from '../arbitraries/session-plans.ts';
import { candidates, crowd, hostAt, hosts, inbound, listens, protect, topology, urlAt, wait } from '../arbitraries/topology-plans.ts';
import type { Step } from '../driver/plan.ts';
import { admits } from '../invariants/topology-admission.ts';
import { endsTransients, prunesLeastUsed, prunesNobodyWrong, prunesTooMany } from '../invariants/topology-pruning.ts';
import type { Check } from '../runner/check.ts';
import { topologyCheck } from './topology-check.ts';

const CROWDED = {
  connections_min: 1,
  connections_target: 2,
  connections_high: 3,
  connections_max: 10,
  newcomer_ms: 3_000,
  prune_interval_ms: 2_000,
  prune_per_round_max: 1,
};

/** Uses a link: an Iwant for what nobody has, which nobody answers. */
function use(link: number): Step {
  return frames(link, { body: { type: 'Iwant', ids: ['5a'.repeat(32)] } });
}

const strategies = fc.constantFrom('lru', 'reputation', 'latency', 'combined');

export const checks: readonly Check[] = [
  topologyCheck({
    id: 'topology.prune.too-many',
    title: 'A node with too many sessions gives some up, a few at a time, and stops in time',
    needs: [],
    plans: fc
      .record({ strategy: strategies, count: fc.integer({ min: 4, max: 9 }), perRound: fc.integer({ min: 2, max: 3 }) })
      .map(({ strategy, count, perRound }) =>
        plan(
          [...crowd(1, 'in', hosts(count)), wait(30_000)],
          topology({ ...CROWDED, prune_strategy: strategy, prune_per_round_max: perRound }),
        ),
      ),
    rules: [prunesTooMany, prunesNobodyWrong],
    runs: 6,
  }),
  topologyCheck({
    id: 'topology.prune.newcomers',
    title: 'Sessions are not pruned before their peers had time to show what they are worth',
    needs: [],
    plans: fc
      .integer({ min: 1, max: 4 })
      .map((late) =>
        plan(
          [
            ...crowd(1, 'in', hosts(4)),
            wait(2_500),
            ...crowd(20, 'late', hosts(late, 20)),
            wait(2_000),
            ...crowd(40, 'latest', hosts(1, 40)),
            wait(10_000),
          ],
          topology({ ...CROWDED, newcomer_ms: 6_000, prune_interval_ms: 1_000, prune_strategy: 'lru' }),
        ),
      ),
    rules: [prunesNobodyWrong],
    also: [prunesTooMany],
  }),
  topologyCheck({
    id: 'topology.prune.least-used',
    title: 'With the strategy lru the session that was used longest ago goes first',
    needs: [],
    plans: fc
      .shuffledSubarray([1, 2, 3, 4, 5, 6], { minLength: 6 })
      .map((order) =>
        plan(
          [...crowd(1, 'in', hosts(6)), wait(500), ...order.flatMap((link): Step[] => [use(link), wait(100)]), wait(12_000)],
          topology({ ...CROWDED, prune_strategy: 'lru' }),
        ),
      ),
    rules: [prunesLeastUsed],
    also: [prunesNobodyWrong, prunesTooMany],
  }),
  topologyCheck({
    id: 'topology.prune.claimed-roles',
    title: 'No role that a peer claims keeps it from being pruned',
    needs: [],
    plans: fc
      .shuffledSubarray([2, 4, 8, 12, 15, 0x7fff_ffff], { minLength: 6 })
      .map((roles) =>
        plan(
          [
            ...roles.slice(0, 4).map((bits, index): Step => inbound(1 + index, `claims-${index}`, hostAt(index), { roles: bits })),
            ...crowd(10, 'in', hosts(3, 10)),
            wait(500),
            ...[10, 11, 12].flatMap((link): Step[] => [use(link), wait(100)]),
            wait(16_000),
          ],
          topology({ ...CROWDED, prune_strategy: 'lru' }),
        ),
      ),
    rules: [prunesLeastUsed],
    also: [prunesTooMany],
    attacks: ['peer flagged "relay" to become unprunable'],
  }),
  topologyCheck({
    id: 'topology.prune.protected',
    title: 'A protected peer stays although it is the worst of all',
    plans: fc
      .record({ strategy: strategies, configured: fc.boolean() })
      .map(({ strategy, configured }) =>
        plan(
          [
            ...(configured ? [] : [protect('friend')]),
            inbound(1, 'friend', hosts(1)[0] ?? ''),
            ...crowd(10, 'in', hosts(6, 10)),
            wait(500),
            ...[10, 11, 12, 13, 14, 15].flatMap((link): Step[] => [use(link), wait(50)]),
            wait(20_000),
          ],
          topology({ ...CROWDED, prune_strategy: strategy }, configured ? { protectedPeers: ['friend'] } : {}),
        ),
      ),
    rules: [prunesNobodyWrong, prunesTooMany],
    runs: 4,
  }),
  topologyCheck({
    id: 'topology.prune.anchors',
    title: 'The longest-standing sessions of the node’s own choice stay, however little they are used',
    needs: ['commands', 'outbound'],
    plans: fc.integer({ min: 1, max: 3 }).map((quota) =>
      plan(
        [
          ...candidates('out', hosts(quota)),
          wait(4_000),
          // Later ones of its own are no anchors.
          ...[30, 31, 32].flatMap((index): Step[] => [
            listens(`late-${index}`, hostAt(index)),
            { op: 'connect', address: urlAt(hostAt(index)) },
            wait(300),
          ]),
          ...crowd(10, 'in', hosts(4, 10)),
          wait(500),
          ...[10, 11, 12, 13].flatMap((link): Step[] => [use(link), wait(50)]),
          wait(25_000),
        ],
        topology({ ...CROWDED, connections_target: 3, outbound_min: quota, prune_strategy: 'lru' }),
      ),
    ),
    rules: [prunesNobodyWrong, prunesTooMany],
    also: [prunesLeastUsed],
    attacks: ['eclipse of one node'],
  }),
  topologyCheck({
    id: 'topology.prune.pings-are-no-use',
    title: 'With strategy lru a Ping is no use of a session',
    needs: [],
    plans: fc.integer({ min: 4, max: 6 }).map((count) => {
      const links = Array.from({ length: count }, (_, index) => 1 + index);
      return plan(
        [
          ...links.flatMap((link) => [inbound(link, `in-${link}`, hostAt(link)), wait(1_000)]),
          // Who came last is used first, and pinged last.
          ...links.toReversed().flatMap((link): Step[] => [use(link), wait(500)]),
          wait(100_000),
        ],
        topology({ ...CROWDED, newcomer_ms: 80_000, uptime_full_ms: 600_000, prune_strategy: 'lru' }),
      );
    }),
    rules: [prunesLeastUsed],
    also: [prunesNobodyWrong],
    runs: 2,
  }),
  topologyCheck({
    id: 'topology.transient.ends',
    title: 'A session that was opened for a question only ends when enough others stand',
    needs: ['commands', 'outbound', 'dht/1'],
    plans: fc
      .integer({ min: 2, max: 4 })
      .map((count) =>
        plan(
          [
            ...crowd(1, 'in', hosts(count)),
            { op: 'behave', as: 'silent', at: urlAt(hostAt(80)), peer: 'seed', capabilities: ['dht/1', 'gossip/1'] },
            wait(40_000),
          ],
          topology({ ...CROWDED, connections_high: 8, transient_ms: 8_000 }, { bootstrap: [urlAt(hostAt(80))] }),
        ),
      ),
    rules: [endsTransients],
  }),
  topologyCheck({
    id: 'topology.transient.free',
    title: 'A session that was opened for a question takes nobody’s place',
    needs: ['commands', 'outbound', 'dht/1'],
    plans: fc.integer({ min: 2, max: 4 }).map((count) =>
      plan(
        [
          ...crowd(1, 'in', hosts(count)),
          { op: 'behave', as: 'silent', at: urlAt(hostAt(80)), peer: 'seed', capabilities: ['dht/1', 'gossip/1'] },
          wait(35_000),
          // The last of them is one too many.
          ...crowd(20, 'more', hosts(9 - count, 20)),
          wait(2_000),
        ],
        topology(
          { ...CROWDED, connections_high: 8, connections_max: 8, newcomer_ms: 30_000, transient_ms: 60_000 },
          { bootstrap: [urlAt(hostAt(80))] },
        ),
      ),
    ),
    rules: [admits('TOP-012')],
  }),
];
