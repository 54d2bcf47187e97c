/** How a node becomes a supernode, what it does as one, and how it ceases to be one. */
import fc from 'fast-check';
import { message, plan, push, wait } from '../arbitraries/gossip-plans.ts';
import { attach, detach, member, members } from '../arbitraries/overlay-plans.ts';
import type { Setup, Step } from '../driver/plan.ts';
import { attachesAreAnswered } from '../invariants/overlay-attachments.ts';
import { supernodePushesToLeaves } from '../invariants/overlay-eager.ts';
import { demotionsAreDue, promotionsAreEarned, promotionsComeInTime, rolesAreSaid } from '../invariants/overlay-roles.ts';
import { nodeRole, type OverlayView, ROLES } from '../invariants/overlay-view.ts';
import type { Rule } from '../invariants/rule.ts';
import type { Check } from '../runner/check.ts';
import { overlayCheck } from './overlay-check.ts';

const SETUP = (more: Readonly<Record<string, string>> = {}): Setup => ({ overrides: { 'overlay.strategy': 'supernode', ...more } });

/** Bytes in one moment, from two peers: four messages of 1,000 bytes each. */
const BURST = (name: string, bytes = 1_000): Step[] =>
  Array.from({ length: 4 }, (_, index) =>
    push(index % 2, [message(`${name}${index}`, { origin: `${name}${index}`, data: { size: bytes } })]),
  );

/** Enough of everything to be a supernode after a while: 10 s of uptime, then twice 5 s as a candidate. */
const RISE = (sessions: number): Step[] => [...members(0, sessions), wait(2_000), ...BURST('rise'), wait(27_000)];

/** Exercised only when the node became a supernode before anything was judged. */
function asSupernode(rule: Rule<OverlayView>): Rule<OverlayView> {
  return {
    clauses: rule.clauses,
    judge(view) {
      const result = rule.judge(view);
      return { ...result, exercised: result.exercised && nodeRole(view, Number.POSITIVE_INFINITY) === ROLES.supernode };
    },
  };
}

export const checks: readonly Check[] = [
  overlayCheck({
    id: 'overlay.supernode.rises',
    title: 'A node that is fit and needed becomes a candidate, then a supernode, and says so to everybody',
    clauses: ['OVL-014', 'OVL-015', 'OVL-016', 'OVL-011'],
    plans: fc.integer({ min: 4, max: 7 }).map((sessions) => plan(RISE(sessions), SETUP())),
    rules: [promotionsComeInTime, promotionsAreEarned, rolesAreSaid],
    runs: 3,
  }),
  ...(['uptime', 'rate', 'connections'] as const).map((lacks) =>
    overlayCheck({
      id: `overlay.supernode.not-without-${lacks}`,
      title: `A node that lacks ${lacks} says nothing above leaf`,
      clauses: ['OVL-013'],
      plans: fc.constantFrom(0, 1).map((more) => {
        const sessions = lacks === 'connections' ? 3 : 5 + more;
        const least = lacks === 'uptime' ? { 'overlay.uptime_ms_min': '40000' } : {};
        const traffic = lacks === 'rate' ? [push(0, [message('small')])] : BURST('much');
        return plan([...members(0, sessions), wait(1_500), ...traffic, wait(33_000)], SETUP(least));
      }),
      rules: [promotionsAreEarned],
      runs: 2,
      attacks: ['false supernode'],
    }),
  ),
  overlayCheck({
    id: 'overlay.supernode.not-at-once',
    title: 'A candidate waits before it becomes a supernode',
    clauses: ['OVL-016'],
    plans: fc
      .constantFrom('8000', '20000')
      .map((candidateMs) =>
        plan([...members(0, 5), wait(1_500), ...BURST('wait'), wait(50_000)], SETUP({ 'overlay.candidate_ms': candidateMs })),
      ),
    rules: [promotionsAreEarned],
    runs: 2,
  }),
  overlayCheck({
    id: 'overlay.supernode.capacity',
    title: 'A supernode accepts leaves up to its capacity, and again when one has left',
    clauses: ['OVL-020', 'OVL-021'],
    plans: fc
      .record({
        leaves: fc.integer({ min: 5, max: 8 }),
        leavers: fc.shuffledSubarray([0, 1, 2], { minLength: 3 }),
      })
      .map(({ leaves, leavers: [detaches = 0, closes = 0, again = 0] }) =>
        plan(
          [
            ...RISE(9),
            ...Array.from({ length: leaves }, (_, link): Step[] => [attach(link), wait(200)]).flat(),
            detach(detaches),
            { op: 'closeLink', link: closes },
            attach(again),
            wait(1_200),
            ...[8, 7, 6, 5].flatMap((link): Step[] => [attach(link), wait(300)]),
            wait(1_500),
          ],
          SETUP(),
        ),
      ),
    rules: [asSupernode(attachesAreAnswered)],
    attacks: ['leaf flood'],
  }),
  overlayCheck({
    id: 'overlay.supernode.pushes',
    title: 'A supernode pushes to all of its leaves, and to the first of the others',
    clauses: ['OVL-036', 'OVL-037'],
    plans: fc
      .record({
        leaves: fc.integer({ min: 1, max: 5 }),
        from: fc.integer({ min: 0, max: 13 }),
        mesh: fc.constantFrom('random', 'kademlia'),
      })
      .map(({ leaves, from, mesh }) =>
        plan(
          [
            ...RISE(14),
            ...Array.from({ length: leaves }, (_, link) => attach(link)),
            wait(1_200),
            push(from, [message('through')]),
            wait(500),
            { op: 'publish', topic: 'app/kit', data: '07' },
            wait(500),
            push(13, [message('from the mesh')]),
            wait(1_000),
          ],
          SETUP({ 'overlay.mesh': mesh }),
        ),
      ),
    rules: [asSupernode(supernodePushesToLeaves)],
  }),
  overlayCheck({
    id: 'overlay.supernode.falls',
    title: 'A supernode that loses its sessions gives the role up and sends its leaves away; one that keeps half does not',
    clauses: ['OVL-017', 'OVL-018', 'OVL-019', 'OVL-011'],
    plans: fc
      .integer({ min: 1, max: 3 })
      .map((left) =>
        plan(
          [
            ...RISE(6),
            attach(0),
            wait(1_200),
            ...Array.from({ length: 6 - left }, (_, index): Step => ({ op: 'closeLink', link: left + index })),
            wait(14_000),
          ],
          SETUP(),
        ),
      ),
    rules: [demotionsAreDue, rolesAreSaid],
    runs: 4,
  }),
  overlayCheck({
    id: 'overlay.supernode.does-not-flap',
    title: 'Sessions that come and go around the least do not move the role',
    clauses: ['OVL-018'],
    plans: fc.constant(
      plan(
        [
          ...RISE(4),
          ...Array.from({ length: 5 }, (_, index): Step[] => [
            { op: 'closeLink', link: index === 0 ? 3 : 9 + index },
            wait(2_000),
            member(10 + index),
            wait(2_000),
          ]).flat(),
          wait(3_000),
        ],
        SETUP(),
      ),
    ),
    rules: [asSupernode(demotionsAreDue)],
  }),
];
