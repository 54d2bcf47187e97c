/** A leaf and its supernodes: asking, keeping, giving up, finding others. */
import fc from 'fast-check';
import { message, plan, push, session, wait } from '../arbitraries/gossip-plans.ts';
import { attach, attached, deliveries, detach, member, members, role, SUPERNODE, say } from '../arbitraries/overlay-plans.ts';
import type { Setup, Step } from '../driver/plan.ts';
import { listIn, numberIn } from '../driver/seen.ts';
import {
  alternativesAreDialled,
  alternativesAreHonest,
  attachesAreAnswered,
  leafAsks,
  leafAsksWithinBounds,
  silentIsGivenUp,
} from '../invariants/overlay-attachments.ts';
import { placeIsSaid } from '../invariants/overlay-place.ts';
import { overlayFramesNeedOverlay, rolesAreSaid } from '../invariants/overlay-roles.ts';
import { type OverlayView, ROLES, roleOf } from '../invariants/overlay-view.ts';
import type { Rule } from '../invariants/rule.ts';
import type { Check } from '../runner/check.ts';
import { overlayCheck } from './overlay-check.ts';

const LEAF: Setup = { overrides: { 'overlay.strategy': 'supernode' } };

const CLAIM = (count: number): Step[] => Array.from({ length: count }, (_, link) => role(link, SUPERNODE));

/** Nobody who is no supernode is asked (OVL-039, and what OVL-025 means by a supernode). */
const asksSupernodesOnly: Rule<OverlayView> = {
  clauses: ['OVL-039'],
  judge(view) {
    const claims = view.by('kit', 'Role');
    const wrong = view.by('node', 'Attach').filter((ask) => {
      const claim = claims.findLast((one) => one.link === ask.link && one.event < ask.event);
      return claim === undefined || roleOf(claim) === ROLES.none;
    });
    const unknown = claims.filter(({ fields }) => numberIn(fields, 'role') > ROLES.supernode);
    const closed = unknown.filter(({ link, event, atMs }) => {
      const span = view.spanAt(link, event);
      return span?.closedBy === 'node' && span.toMs <= atMs + 1_000;
    });
    return {
      findings: [
        ...wrong.map(({ link, event }) => ({
          clause: 'OVL-039',
          expected: `no Attach on link ${link}, which has no role`,
          observed: 'one was sent',
          at: event,
        })),
        ...closed.map(({ link, event }) => ({
          clause: 'OVL-039',
          expected: `link ${link} stays open: an unknown role is no role`,
          observed: 'the node closed it',
          at: event,
        })),
      ],
      exercised: unknown.length > 0,
    };
  },
};

/** Supernodes 0, 1 and 2 have accepted the node; 3 and 4 only say that they are such. */
const KEPT: readonly Step[] = [
  ...members(0, 6),
  ...CLAIM(3),
  wait(1_500),
  attached(0, true),
  attached(1, true),
  attached(2, true),
  role(3, SUPERNODE),
  role(4, SUPERNODE),
  wait(1_500),
];

/** Somebody who takes records and no part in the overlay. */
const READER: Step = { op: 'open', link: 9, peer: 'reader', mode: 'session', capabilities: ['gossip/1', 'records/1'] };

export const checks: readonly Check[] = [
  overlayCheck({
    id: 'overlay.leaf.place',
    title: 'A leaf says in its contact record whose leaf it is',
    clauses: ['OVL-062'],
    needs: ['records/1'],
    plans: fc
      .record({ first: fc.integer({ min: 1, max: 3 }), gone: fc.boolean() })
      .map(({ first, gone }) =>
        plan(
          [
            READER,
            ...members(0, 4),
            ...CLAIM(4),
            wait(1_500),
            ...Array.from({ length: first }, (_, link) => attached(link, true)),
            wait(3_000),
            ...(gone ? [{ op: 'closeLink', link: 0 } as const, wait(3_500)] : [detach(0), wait(3_500)]),
            attached(3, true),
            wait(3_000),
          ],
          LEAF,
        ),
      ),
    rules: [placeIsSaid],
    runs: 4,
  }),
  overlayCheck({
    id: 'overlay.role.said',
    title: 'A node says its role on each overlay session, and on no other',
    clauses: ['OVL-010', 'OVL-060'],
    plans: fc.integer({ min: 1, max: 4 }).map((count) =>
      plan(
        [
          ...members(0, count),
          session(count, 'plain'),
          wait(500),
          member(count + 1),
          // A session that the node has dialled is one like the others.
          { op: 'connect', address: 'ws://198.51.100.77:7600' },
          wait(10),
          { ...member(count + 2, 'dialled'), direction: 'outbound' } as Step,
          wait(2_000),
        ],
        LEAF,
      ),
    ),
    needs: ['outbound'],
    rules: [rolesAreSaid, overlayFramesNeedOverlay],
  }),
  overlayCheck({
    id: 'overlay.role.without-overlay',
    title: 'No overlay frame goes to a session without overlay',
    clauses: ['OVL-060'],
    plans: fc.constant(
      plan([...members(0, 2), session(2, 'plain'), ...CLAIM(2), wait(2_000), ...deliveries(2, 'plain', 2), wait(2_000)], LEAF),
    ),
    rules: [overlayFramesNeedOverlay],
  }),
  overlayCheck({
    id: 'overlay.role.unknown',
    title: 'A role that no revision names is no role',
    clauses: ['OVL-039'],
    plans: fc.constantFrom(4, 7, 1_000).map((number) => plan([...members(0, 3), role(0, number), role(1, SUPERNODE), wait(3_000)], LEAF)),
    rules: [asksSupernodesOnly],
  }),
  overlayCheck({
    id: 'overlay.attach.refused',
    title: 'A node that is no supernode answers an Attach, and does not accept',
    clauses: ['OVL-022'],
    levels: ['adapter', 'wire'],
    plans: fc.constant(plan([...members(0, 2), attach(0), wait(1_200, 400), attach(1), attach(0), wait(1_200, 600)])),
    rules: [attachesAreAnswered],
  }),
  overlayCheck({
    id: 'overlay.attach.refused-by-strategy',
    title: 'Nodes of every strategy answer an Attach, and only supernodes accept',
    clauses: ['OVL-022'],
    plans: fc
      .constantFrom('naive', 'kademlia', 'supernode', 'auto')
      .map((strategy) =>
        plan([...members(0, 3), attach(0), wait(1_200), attach(1), wait(1_200)], { overrides: { 'overlay.strategy': strategy } }),
      ),
    rules: [attachesAreAnswered],
  }),
  overlayCheck({
    id: 'overlay.leaf.asks',
    title: 'A leaf asks peers that say they are supernodes, in time',
    clauses: ['OVL-025'],
    plans: fc
      .record({ count: fc.integer({ min: 1, max: 5 }), late: fc.boolean() })
      .map(({ count, late }) => plan([...members(0, count), ...(late ? [wait(3_000)] : []), ...CLAIM(count), wait(4_000)], LEAF)),
    rules: [leafAsks],
  }),
  overlayCheck({
    id: 'overlay.leaf.asks-whom',
    title: 'A leaf asks supernodes before others, and candidates where there is no supernode',
    clauses: ['OVL-025'],
    plans: fc
      .shuffledSubarray([ROLES.leaf, ROLES.leaf, ROLES.leaf, ROLES.leaf, SUPERNODE, ROLES.candidate], { minLength: 6 })
      .chain((roles) =>
        fc.constantFrom(
          roles,
          roles.filter((one) => one !== SUPERNODE),
        ),
      )
      .map((roles) => plan([...members(0, roles.length), ...roles.map((one, link) => role(link, one)), wait(4_000)], LEAF)),
    rules: [leafAsks],
    runs: 6,
  }),
  overlayCheck({
    id: 'overlay.leaf.asks-no-more',
    title: 'A leaf never has more supernodes and open questions than it keeps',
    clauses: ['OVL-026'],
    plans: fc
      .record({ accepted: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }) })
      .map(({ accepted }) =>
        plan(
          [
            ...members(0, 7),
            ...CLAIM(7),
            wait(500),
            ...accepted.map((one, link) => attached(link, one)),
            wait(500),
            ...[3, 4, 5].map((link) => attached(link, true)),
            wait(15_000),
          ],
          LEAF,
        ),
      ),
    rules: [leafAsksWithinBounds],
  }),
  overlayCheck({
    id: 'overlay.leaf.not-again',
    title: 'A peer that refused or did not answer is not asked again before the pause is over',
    clauses: ['OVL-028'],
    plans: fc
      .record({ refuse: fc.boolean(), says: fc.boolean() })
      .map(({ refuse, says }) =>
        plan(
          [
            ...members(0, 2),
            role(0, SUPERNODE),
            wait(1_500),
            ...(refuse ? [attached(0, false)] : []),
            wait(2_500),
            ...(says ? [role(0, SUPERNODE)] : []),
            wait(6_000),
            ...(says ? [role(0, SUPERNODE)] : []),
            wait(15_000),
          ],
          LEAF,
        ),
      ),
    rules: [leafAsksWithinBounds],
  }),
  overlayCheck({
    id: 'overlay.leaf.failover',
    title: 'A leaf that loses a supernode asks another in time, however it lost it',
    clauses: ['OVL-025'],
    plans: fc
      .record({ ways: fc.shuffledSubarray(['closes', 'detaches', 'says leaf'], { minLength: 3 }), refuses: fc.boolean() })
      .map(({ ways, refuses }) => {
        const lose = (link: number, way: string | undefined): Step => {
          if (way === 'closes') return { op: 'closeLink', link };
          return way === 'says leaf' ? role(link, ROLES.leaf) : detach(link);
        };
        const kept = refuses
          ? [...members(0, 6), ...CLAIM(5), wait(1_500), attached(0, false), attached(1, true), attached(2, true), wait(2_500)]
          : KEPT;
        // All three are lost, each in its way; somebody is there to be asked each time.
        return plan(
          [
            ...kept,
            lose(refuses ? 3 : 0, ways[0]),
            wait(2_500),
            lose(1, ways[1]),
            wait(2_500),
            role(5, SUPERNODE),
            lose(2, ways[2]),
            wait(4_500),
          ],
          LEAF,
        );
      }),
    rules: [leafAsks],
    attacks: ['dead supernode'],
  }),
  overlayCheck({
    id: 'overlay.leaf.unanswered',
    title: 'A leaf whose question is not answered asks another',
    clauses: ['OVL-025'],
    plans: fc.constant(plan([...members(0, 4), ...CLAIM(4), wait(1_000), attached(1, true), wait(8_000)], LEAF)),
    rules: [leafAsks],
  }),
  overlayCheck({
    id: 'overlay.leaf.silent',
    title: 'A supernode that brings nothing while others do is given up, and another is asked',
    clauses: ['OVL-027', 'OVL-025'],
    plans: fc
      .record({ once: fc.boolean() })
      .map(({ once }) =>
        plan(
          [
            ...KEPT,
            ...(once ? [push(0, [message('last')])] : []),
            ...Array.from({ length: 6 }, (_, index): Step[] => [
              push(1, [message(`a${index}`, { origin: `a${index}` })]),
              push(2, [message(`b${index}`, { origin: `b${index}` })]),
              wait(1_500),
            ]).flat(),
            wait(6_000),
          ],
          LEAF,
        ),
      ),
    rules: [silentIsGivenUp, leafAsks],
    attacks: ['silent supernode'],
  }),
  overlayCheck({
    id: 'overlay.leaf.alternatives',
    title: 'A leaf without supernodes dials the alternatives that it was named',
    clauses: ['OVL-029'],
    needs: ['outbound'],
    plans: fc.record({ detached: fc.boolean(), count: fc.integer({ min: 1, max: 8 }) }).map(({ detached, count }) => {
      const contacts = Array.from({ length: count }, (_, index) => ({
        contact: { peer: `other${index}`, addresses: [`ws://198.51.100.${index + 1}:7600`] },
      }));
      const named = detached ? [attached(0, true), wait(1_000), detach(0, contacts)] : [attached(0, false, contacts)];
      return plan([...members(0, 2), role(0, SUPERNODE), wait(1_500), ...named, wait(5_000)], LEAF);
    }),
    rules: [alternativesAreDialled],
  }),
  overlayCheck({
    id: 'overlay.alternatives.observed',
    title: 'A node names as alternatives only supernodes that it has observed, never the one who asks',
    clauses: ['OVL-023', 'OVL-024'],
    plans: fc
      .boolean()
      .map((asksItself) =>
        plan(
          [
            member(0, 'good', ['ws://198.51.100.1:7600']),
            member(1, 'claims', ['ws://198.51.100.2:7600']),
            member(2),
            role(0, SUPERNODE),
            role(1, SUPERNODE),
            wait(1_500),
            attached(0, true),
            attached(1, true),
            ...deliveries(0, 'good', 4),
            wait(9_000),
            attach(asksItself ? 0 : 2),
            wait(1_500),
          ],
          LEAF,
        ),
      ),
    rules: [alternativesAreHonest],
    attacks: ['false supernode'],
  }),
  overlayCheck({
    id: 'overlay.alternatives.too-many',
    title: 'A node closes on more than 8 alternatives',
    clauses: ['WIR-046'],
    plans: fc.constantFrom(9, 12).map((count) =>
      plan([
        ...members(0, 2),
        say(0, 'Detach', {
          alternatives: Array.from({ length: count }, (_, index) => ({ contact: { peer: `x${index}`, addresses: [] } })),
        }),
        wait(1_500),
      ]),
    ),
    rules: [
      {
        clauses: ['WIR-046'],
        judge(view) {
          const long = view.by('kit', 'Detach').filter(({ fields }) => listIn(fields, 'alternatives').length > 8);
          const open = long.filter(({ link, event, atMs }) => {
            const span = view.spanAt(link, event);
            return atMs + 1_000 <= view.trace.endMs && !(span?.closedBy === 'node' && span.toMs <= atMs + 1_000);
          });
          return {
            findings: open.map(({ link, event }) => ({
              clause: 'WIR-046',
              expected: `link ${link} is closed on more than 8 alternatives`,
              observed: 'it is open',
              at: event,
            })),
            exercised: long.length > 0,
          };
        },
      },
    ],
  }),
];
