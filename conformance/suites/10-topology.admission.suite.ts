/** Whom a node lets in: bans, subnets, places, budgets; and for whom nobody has to go. */
import fc from 'fast-check';
import { plan } from '../arbitraries/session-plans.ts';
import {
  ban,
  candidates,
  crowd,
  hostAt,
  hosts,
  inbound,
  listens,
  neighbourAt,
  protect,
  topology,
  unban,
  urlAt,
  wait,
} from '../arbitraries/topology-plans.ts';
import type { Step } from '../driver/plan.ts';
import {
  admits,
  asksForRest,
  bansEndSessions,
  makesNoWrongRoom,
  makesRoom,
  passiveIsStill,
  returnsAfterBan,
} from '../invariants/topology-admission.ts';
import type { Check } from '../runner/check.ts';
import { topologyCheck } from './topology-check.ts';

const mode = fc.constantFrom('active', 'passive');

/** Small limits under which only those that a plan is about bind. */
const ROOMY = { connections_min: 1, connections_target: 4, connections_high: 8, connections_max: 8 };

const neighbours = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => neighbourAt(index));

export const checks: readonly Check[] = [
  topologyCheck({
    id: 'topology.admission.welcome',
    title: 'Peers of all roles are let in while there is room',
    needs: [],
    levels: ['adapter', 'wire'],
    plans: fc
      .shuffledSubarray([1, 2, 4, 8, 15], { minLength: 5 })
      .map((roles) =>
        plan([...roles.map((bits, index): Step => inbound(1 + index, `peer-${index}`, hostAt(index), { roles: bits })), wait(2_200)]),
      ),
    rules: [admits()],
    runs: 2,
  }),
  topologyCheck({
    id: 'topology.admission.subnet',
    title: 'One subnet gets so many inbound sessions and no more; others are let in',
    needs: [],
    plans: fc
      .record({ mode, most: fc.integer({ min: 1, max: 3 }), more: fc.integer({ min: 1, max: 2 }), mapped: fc.boolean() })
      .map(({ mode: value, most, more, mapped }) =>
        plan(
          [
            ...crowd(
              1,
              'near',
              neighbours(most + more).map((host) => (mapped ? `::ffff:${host}` : host)),
            ),
            ...crowd(20, 'far', hosts(2)),
            wait(2_000),
          ],
          topology({ mode: value, subnet_inbound_max: most }),
        ),
      ),
    rules: [admits('TOP-011')],
    also: [asksForRest],
    attacks: ['same /24 flood'],
  }),
  topologyCheck({
    id: 'topology.admission.subnet-6',
    title: 'The subnet of an IPv6 address is its first 48 bits',
    needs: [],
    plans: fc
      .constantFrom('2a00:1450:4001', '2606:4700:0')
      .map((prefix) =>
        plan(
          [
            ...crowd(1, 'near', [`${prefix}:1::5`, `${prefix}:ffff::5`, `${prefix}::6`]),
            ...crowd(20, 'far', ['2a00:1450:4002:1::5', '2606:4701:0:1::5']),
            wait(2_000),
          ],
          topology({ subnet_inbound_max: 2 }),
        ),
      ),
    rules: [admits('TOP-011')],
    runs: 2,
  }),
  topologyCheck({
    id: 'topology.admission.subnet-released',
    title: 'A place in a subnet is free again when its session has ended',
    needs: [],
    plans: fc
      .integer({ min: 0, max: 1 })
      .map((gone) =>
        plan(
          [
            ...crowd(1, 'near', neighbours(3)),
            wait(1_500),
            { op: 'closeLink', link: 1 + gone },
            wait(100),
            inbound(9, 'late', neighbourAt(9)),
            wait(1_500),
          ],
          topology({ subnet_inbound_max: 2 }),
        ),
      ),
    rules: [admits('TOP-011')],
    runs: 2,
  }),
  topologyCheck({
    id: 'topology.admission.inbound',
    title: 'Inbound sessions never take the places of outbound ones',
    needs: [],
    plans: fc
      .record({ mode, quota: fc.integer({ min: 1, max: 4 }) })
      .map(({ mode: value, quota }) =>
        plan([...crowd(1, 'in', hosts(8)), wait(2_000)], topology({ ...ROOMY, mode: value, outbound_min: quota })),
      ),
    rules: [admits('TOP-012')],
    also: [asksForRest, makesNoWrongRoom],
    attacks: ['connection slot exhaustion'],
  }),
  topologyCheck({
    id: 'topology.admission.role',
    title: 'From the target on each role has its budget; who has stake finds room where others do not',
    needs: [],
    plans: fc.record({ mode, roles: fc.constantFrom(1, 2, 4, 6, 8, 9) }).map(({ mode: value, roles }) =>
      plan(
        [
          ...crowd(1, 'claims', hosts(6), roles),
          ...Array.from({ length: 2 }, (_, index): Step => inbound(20 + index, `stake-${index + 1}`, hostAt(50 + index))),
          wait(2_000),
        ],
        topology(
          {
            ...ROOMY,
            mode: value,
            budget_app_percent: 50,
            budget_full_percent: 50,
            budget_validator_full_percent: 50,
            budget_validator_percent: 50,
          },
          { stakes: true },
        ),
      ),
    ),
    rules: [admits('TOP-013')],
    also: [asksForRest, makesNoWrongRoom],
    runs: 6,
  }),
  topologyCheck({
    id: 'topology.admission.claimed-validator',
    title: 'A role bit opens no place that is kept for stake',
    needs: [],
    plans: fc
      .constantFrom(4, 5, 6, 12)
      .map((roles) =>
        plan(
          [
            ...crowd(1, 'claims', hosts(5), roles),
            ...Array.from({ length: 2 }, (_, index): Step => inbound(20 + index, `stake-${index + 1}`, hostAt(50 + index))),
            wait(2_000),
          ],
          topology({ ...ROOMY, connections_target: 2, budget_validator_full_percent: 25, budget_validator_percent: 100 }, { stakes: true }),
        ),
      ),
    rules: [
      {
        ...admits('TOP-013'),
        clauses: ['TOP-002', 'TOP-016'],
        judge: (view) => renamed(admits('TOP-013').judge(view), 'TOP-013', 'TOP-002'),
      },
    ],
    attacks: ['peer flagged "relay" to become unprunable'],
  }),
  topologyCheck({
    id: 'topology.admission.full',
    title: 'A node has no more sessions than it has room for, and refuses the next one without ending another',
    needs: ['outbound'],
    plans: mode.map((value) =>
      plan(
        [
          listens('own', hostAt(90)),
          { op: 'connect', address: urlAt(hostAt(90)) },
          wait(200),
          ...crowd(1, 'in', hosts(4)),
          ...crowd(10, 'stands', hosts(3, 10), 2),
          ...crowd(20, 'late', hosts(3, 20), 4),
          wait(2_000),
        ],
        topology({ ...ROOMY, mode: value }),
      ),
    ),
    rules: [admits('TOP-014'), makesNoWrongRoom],
    also: [asksForRest],
    runs: 2,
    attacks: ['connection slot exhaustion'],
  }),
  topologyCheck({
    id: 'topology.admission.dialled',
    title: 'Budgets hold for sessions that the node dials, too',
    needs: ['outbound'],
    plans: fc
      .boolean()
      .map((byRole) =>
        plan(
          [
            ...crowd(1, 'in', hosts(4)),
            ...(byRole ? [] : crowd(10, 'more', hosts(4, 10), 2)),
            listens('wanted', hostAt(90)),
            { op: 'connect', address: urlAt(hostAt(90)) },
            wait(2_500),
          ],
          topology({ ...ROOMY, ...(byRole ? { budget_app_percent: 50 } : {}) }),
        ),
      ),
    rules: [admits('TOP-018')],
    runs: 4,
  }),
  topologyCheck({
    id: 'topology.admission.protected',
    title: 'A protected peer is let in whatever its subnet and the budgets say',
    plans: fc
      .boolean()
      .map((configured) =>
        plan(
          [
            ...(configured ? [] : [protect('friend')]),
            ...crowd(1, 'in', hosts(8)),
            inbound(30, 'stranger', hostAt(60)),
            inbound(31, 'friend', hostAt(61)),
            wait(2_000),
          ],
          topology(ROOMY, configured ? { protectedPeers: ['friend'] } : {}),
        ),
      ),
    rules: [admits('TOP-012')],
    also: [makesNoWrongRoom],
    runs: 4,
  }),
  topologyCheck({
    id: 'topology.evict.fresh',
    title: 'Nobody goes for an identity that has just appeared, however many come',
    needs: [],
    plans: fc
      .integer({ min: 3, max: 12 })
      .map((count) =>
        plan(
          [...crowd(1, 'in', hosts(6)), wait(15_000), ...crowd(20, 'fresh', hosts(count, 20)), wait(2_000)],
          topology({ ...ROOMY, outbound_min: 2 }),
        ),
      ),
    rules: [makesNoWrongRoom, admits('TOP-012')],
    attacks: ['eclipse of one node', 'sybils present from start'],
  }),
  topologyCheck({
    id: 'topology.evict.known',
    title: 'A peer that has stood for long comes back into the place of one that has not',
    needs: [],
    plans: fc
      .integer({ min: 25_000, max: 45_000 })
      .map((stoodMs) =>
        plan(
          [
            inbound(1, 'old', hostAt(0)),
            wait(stoodMs),
            { op: 'closeLink', link: 1 },
            wait(100),
            ...crowd(10, 'young', hosts(6, 10)),
            wait(500),
            inbound(2, 'old', hostAt(0)),
            wait(2_000),
          ],
          topology({ ...ROOMY, outbound_min: 2 }),
        ),
      ),
    rules: [makesRoom],
    also: [makesNoWrongRoom, asksForRest],
  }),
  topologyCheck({
    id: 'topology.evict.spares',
    title: 'Protected and outbound sessions stay when a better peer comes, and so does everybody at a passive node',
    needs: ['commands', 'outbound'],
    plans: fc
      .constantFrom('protected', 'outbound', 'passive')
      .map((kept) =>
        plan(
          [
            inbound(1, 'old', hostAt(0)),
            wait(30_000),
            { op: 'closeLink', link: 1 },
            wait(100),
            ...(kept === 'protected' ? Array.from({ length: 6 }, (_, index) => protect(`young-${index}`)) : []),
            ...(kept === 'outbound'
              ? Array.from({ length: 8 }, (_, index): readonly Step[] => [
                  listens(`young-${index}`, hostAt(10 + index)),
                  { op: 'connect', address: urlAt(hostAt(10 + index)) },
                ]).flat()
              : crowd(10, 'young', hosts(6, 10))),
            wait(500),
            inbound(2, 'old', hostAt(0)),
            wait(2_000),
          ],
          topology({ ...ROOMY, outbound_min: 2, mode: kept === 'passive' ? 'passive' : 'active' }),
        ),
      ),
    rules: [makesNoWrongRoom],
    runs: 6,
  }),
  topologyCheck({
    id: 'topology.ban.ends-and-refuses',
    title: 'A ban ends the session and keeps the peer away while it lasts, and no longer',
    plans: fc
      .record({ mode, durationMs: fc.constantFrom(5_000, 60_000) })
      .map(({ mode: value, durationMs }) =>
        plan(
          [
            ...crowd(1, 'peer', hosts(2)),
            listens('dialled', hostAt(20)),
            { op: 'connect', address: urlAt(hostAt(20)) },
            wait(500),
            ban('peer-0', durationMs),
            ban('dialled', durationMs),
            wait(1_500),
            inbound(10, 'peer-0', hostAt(0)),
            wait(durationMs - 1_501),
            inbound(11, 'peer-0', hostAt(0)),
            wait(1_100),
            inbound(12, 'peer-0', hostAt(0)),
            wait(2_000),
          ],
          topology({ ...ROOMY, mode: value }),
        ),
      ),
    rules: [bansEndSessions, returnsAfterBan('TOP-081'), admits('TOP-010')],
  }),
  topologyCheck({
    id: 'topology.ban.lifted',
    title: 'The operator lifts a ban',
    plans: mode.map((value) =>
      plan(
        [
          ...crowd(1, 'peer', hosts(2)),
          ban('peer-0', 3_600_000),
          ban('peer-1', 3_600_000),
          // Of two bans the later end counts.
          ban('peer-1', 1_000),
          wait(1_500),
          unban('peer-0'),
          inbound(10, 'peer-0', hostAt(0)),
          inbound(11, 'peer-1', hostAt(1)),
          wait(2_000),
        ],
        topology({ ...ROOMY, mode: value }),
      ),
    ),
    rules: [bansEndSessions, returnsAfterBan('TOP-081')],
    runs: 2,
  }),
  topologyCheck({
    id: 'topology.ban.longest',
    title: 'A ban without measure lasts as long as a ban may, and no longer',
    plans: fc
      .constantFrom('9007199254740991', '20000')
      .map((durationMs) =>
        plan(
          [
            ban('peer-0', durationMs),
            wait(9_000),
            inbound(10, 'peer-0', hostAt(0)),
            wait(1_500),
            inbound(11, 'peer-0', hostAt(0)),
            wait(2_000),
          ],
          topology({ ...ROOMY, ban_ms: 10_000, ban_ms_max: 10_000 }),
        ),
      ),
    rules: [returnsAfterBan('TOP-082')],
    runs: 2,
  }),
  topologyCheck({
    id: 'topology.ban.many',
    title: 'Of too many bans the one that ends first is lifted',
    plans: fc
      .shuffledSubarray([100_000, 200_000, 300_000], { minLength: 3 })
      .map((durations) =>
        plan(
          [
            ...durations.map((durationMs, index) => ban(`peer-${index}`, durationMs)),
            ban('peer-3', 150_000),
            wait(500),
            ...crowd(10, 'peer', hosts(4)),
            wait(2_000),
          ],
          topology({ ...ROOMY, bans_max: 3 }),
        ),
      ),
    rules: [returnsAfterBan('TOP-083')],
  }),
  topologyCheck({
    id: 'topology.passive.still',
    title: 'A passive node neither dials candidates nor prunes',
    plans: fc.integer({ min: 4, max: 8 }).map((count) =>
      plan(
        [
          ...candidates('far', hosts(3, 50)),
          protect('friend', hostAt(70)),
          listens('friend', hostAt(70)),
          ...crowd(1, 'in', hosts(count)),
          wait(60_000),
        ],
        topology({
          mode: 'passive',
          connections_min: 1,
          connections_target: 2,
          connections_high: 3,
          connections_max: 8,
          outbound_min: 0,
        }),
      ),
    ),
    rules: [passiveIsStill],
  }),
];

function renamed(result: ReturnType<ReturnType<typeof admits>['judge']>, from: string, to: string): typeof result {
  return { ...result, findings: result.findings.map((finding) => (finding.clause === from ? { ...finding, clause: to } : finding)) };
}
