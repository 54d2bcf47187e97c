/** On which links a message is pushed under each strategy, and that nothing is sent twice between them. */
import fc from 'fast-check';
import { message, plan, push, sessions, spoilt, wait } from '../arbitraries/gossip-plans.ts';
import { attach, attached, deliveries, member, members, role, SUPERNODE } from '../arbitraries/overlay-plans.ts';
import type { Plan, Step } from '../driver/plan.ts';
import { announcesToTheRest } from '../invariants/gossip-announce.ts';
import { noEcho } from '../invariants/gossip-push.ts';
import { kademliaPushesByBuckets, leafPushesToSupernodes, naivePushesToAll, offPushesToActive } from '../invariants/overlay-eager.ts';
import type { OverlayView } from '../invariants/overlay-view.ts';
import type { Rule } from '../invariants/rule.ts';
import type { Check } from '../runner/check.ts';
import { overlayCheck } from './overlay-check.ts';

/** A rule of chapter 05 over the same trace. */
function ofGossip(rule: {
  readonly clauses: readonly string[];
  judge(view: OverlayView['gossip']): ReturnType<Rule<OverlayView>['judge']>;
}): Rule<OverlayView> {
  return { clauses: rule.clauses, judge: (view) => rule.judge(view.gossip) };
}

/** Messages of peers and of the node, over some links. */
function traffic(links: number, strategy: string, size: number, more: Readonly<Record<string, string>> = {}): fc.Arbitrary<Plan> {
  const step = fc.record({ from: fc.integer({ min: 0, max: links }), copy: fc.boolean(), gap: fc.constantFrom(250, 400) });
  return fc.array(step, { minLength: 2, maxLength: 6 }).map((all) =>
    plan(
      [
        ...members(0, links - 2),
        ...sessions(links - 2, links),
        ...all.flatMap(({ from, copy, gap }, index): Step[] => {
          const spec = message(`t${index}`, { origin: `o${index}` });
          if (from === links) return [{ op: 'publish', topic: 'app/kit', data: `0${index}` }, wait(gap)];
          return [push(from, [spec]), ...(copy ? [push((from + 1) % links, [spec])] : []), wait(gap)];
        }),
        wait(2_300),
      ],
      { overrides: { 'overlay.strategy': strategy, 'gossip.network_size': String(size), ...more } },
    ),
  );
}

/** Supernodes 0 … n − 1 that have accepted the node and delivered for a while; others behind them. */
function provenSupernodes(count: number, others: number): Step[] {
  return [
    ...members(0, count + others),
    ...Array.from({ length: count }, (_, link) => role(link, SUPERNODE)),
    wait(1_500),
    ...Array.from({ length: count }, (_, link) => attached(link, true)),
    ...Array.from({ length: count }, (_, link) => deliveries(link, `s${link}`, 4)).flat(),
    wait(8_000),
    ...Array.from({ length: count }, (_, link) => deliveries(link, `u${link}`, 2)).flat(),
    wait(2_100),
  ];
}

const LEAF = { overrides: { 'overlay.strategy': 'supernode' } };

export const checks: readonly Check[] = [
  overlayCheck({
    id: 'overlay.eager.naive',
    title: 'Strategy naive pushes a message on every link at once',
    clauses: ['OVL-002'],
    plans: traffic(14, 'naive', 100),
    rules: [naivePushesToAll],
  }),
  overlayCheck({
    id: 'overlay.eager.kademlia',
    title: 'Strategy kademlia pushes a message on the first links of each bucket, and on no others',
    clauses: ['OVL-004'],
    plans: fc.constantFrom('1', '2', '3').chain((links) => traffic(14, 'kademlia', 100, { 'overlay.bucket_links': links })),
    rules: [kademliaPushesByBuckets],
  }),
  overlayCheck({
    id: 'overlay.eager.auto-naive',
    title: 'Strategy auto is naive below its first threshold',
    clauses: ['OVL-005'],
    plans: fc.constantFrom(1, 49).chain((size) => traffic(16, 'auto', size)),
    rules: [naivePushesToAll],
  }),
  overlayCheck({
    id: 'overlay.eager.auto-kademlia',
    title: 'Strategy auto is kademlia between its thresholds',
    clauses: ['OVL-005'],
    plans: fc.constantFrom(50, 199).chain((size) => traffic(14, 'auto', size)),
    rules: [kademliaPushesByBuckets],
  }),
  overlayCheck({
    id: 'overlay.eager.no-echo',
    title: 'Whatever the strategy, a message never goes to a link that is known to have it',
    clauses: ['GSP-041'],
    plans: fc.constantFrom('naive', 'kademlia', 'supernode').chain((strategy) => traffic(12, strategy, 100)),
    rules: [ofGossip(noEcho)],
    attacks: ['echo farming'],
  }),
  overlayCheck({
    id: 'overlay.eager.rest-is-announced',
    title: 'Whatever the strategy, every other link gets the announcement',
    clauses: ['GSP-050'],
    plans: fc.constantFrom('naive', 'kademlia', 'supernode').chain((strategy) => traffic(14, strategy, 100)),
    rules: [ofGossip(announcesToTheRest)],
  }),
  overlayCheck({
    id: 'overlay.eager.off',
    title: 'Without a strategy, roles and attachments change nothing',
    clauses: ['OVL-001'],
    plans: fc
      .constantFrom('off')
      .map(() =>
        plan([
          ...members(0, 6),
          role(0, SUPERNODE),
          role(1, SUPERNODE),
          attach(2),
          wait(1_000),
          ...deliveries(0, 'off', 4),
          wait(9_000),
          { op: 'publish', topic: 'app/kit', data: '01' },
          push(3, [message('after')]),
          wait(1_000),
        ]),
      ),
    rules: [offPushesToActive],
  }),
  overlayCheck({
    id: 'overlay.observed.claims-alone',
    title: 'A peer that only claims to be a supernode does not take the place of the active links',
    clauses: ['OVL-030', 'OVL-034'],
    plans: fc
      .record({ claims: fc.integer({ min: 1, max: 3 }), few: fc.integer({ min: 0, max: 2 }), waitMs: fc.constantFrom(1_500, 6_000) })
      .map(({ claims, few, waitMs }) =>
        plan(
          [
            ...members(0, 6),
            ...Array.from({ length: claims }, (_, link) => role(link, SUPERNODE)),
            wait(1_500),
            ...Array.from({ length: claims }, (_, link) => attached(link, true)),
            // Too few messages to be taken for what it says.
            ...deliveries(0, 'few', few),
            wait(waitMs),
            { op: 'publish', topic: 'app/kit', data: '02' },
            push(5, [message('other')]),
            wait(1_000),
          ],
          LEAF,
        ),
      ),
    rules: [leafPushesToSupernodes],
    attacks: ['false supernode'],
  }),
  overlayCheck({
    id: 'overlay.observed.too-short',
    title: 'A peer that has been there for too short a time is no supernode, whatever it delivers',
    clauses: ['OVL-030'],
    plans: fc.constantFrom(4, 6).map((count) =>
      plan(
        [
          ...members(0, 6),
          role(0, SUPERNODE),
          wait(1_200),
          attached(0, true),
          ...deliveries(0, 'short', count),
          wait(2_500),
          { op: 'publish', topic: 'app/kit', data: '03' },
          wait(1_000),
        ],
        // Deliveries and origins alone give 450 of the 500 that are needed: an hour of session counts one half here.
        {
          overrides: {
            'overlay.strategy': 'supernode',
            'overlay.observe_ms': '3600000',
            'overlay.observe_bytes_per_s': '1000000000',
          },
        },
      ),
    ),
    rules: [
      {
        clauses: ['OVL-030'],
        judge: (view) => {
          const result = leafPushesToSupernodes.judge(view);
          return { ...result, exercised: view.by('kit', 'Attached').length > 0 };
        },
      },
    ],
  }),
  overlayCheck({
    id: 'overlay.leaf.pushes-to-supernodes',
    title: 'A leaf pushes to the supernodes that have proved themselves, and not back what one of them brought',
    clauses: ['OVL-031', 'OVL-033', 'OVL-035'],
    plans: fc
      .record({ count: fc.integer({ min: 2, max: 3 }), from: fc.nat() })
      .map(({ count, from }) =>
        plan(
          [
            ...provenSupernodes(count, 4),
            { op: 'publish', topic: 'app/kit', data: '04' },
            wait(500),
            push(count + (from % 4), [message('from a peer')]),
            wait(500),
            push(from % count, [message('from a supernode')]),
            wait(1_000),
          ],
          LEAF,
        ),
      ),
    rules: [leafPushesToSupernodes],
  }),
  overlayCheck({
    id: 'overlay.leaf.unattached',
    title: 'A leaf pushes to no supernode that has refused it, or has not answered yet, however much it brings',
    clauses: ['OVL-031', 'OVL-033'],
    plans: fc
      .constantFrom('refused', 'asked')
      .map((what) =>
        plan(
          [
            ...members(0, 6),
            role(0, SUPERNODE),
            role(1, SUPERNODE),
            wait(1_500),
            attached(0, true),
            ...(what === 'refused' ? [attached(1, false)] : []),
            ...deliveries(0, 's0', 4),
            ...deliveries(1, 's1', 4),
            wait(8_000),
            ...deliveries(0, 'u0', 2),
            ...deliveries(1, 'u1', 2),
            wait(2_100),
            { op: 'publish', topic: 'app/kit', data: '04' },
            wait(1_000),
          ],
          LEAF,
        ),
      ),
    rules: [leafPushesToSupernodes],
    runs: 2,
  }),
  overlayCheck({
    id: 'overlay.leaf.role-ends',
    title: 'A peer that is no supernode any more is pushed to as any other',
    clauses: ['OVL-032', 'OVL-034'],
    plans: fc
      .constantFrom(1, 2)
      .map((number) =>
        plan([...provenSupernodes(1, 4), role(0, number), wait(3_000), { op: 'publish', topic: 'app/kit', data: '05' }, wait(1_000)], LEAF),
      ),
    rules: [leafPushesToSupernodes],
  }),
  overlayCheck({
    id: 'overlay.leaf.role-unknown',
    title: 'A peer that says a role that nobody knows is no supernode any more',
    clauses: ['OVL-032', 'OVL-034'],
    plans: fc
      .constantFrom(9, 200)
      .map((number) =>
        plan([...provenSupernodes(1, 4), role(0, number), wait(3_000), { op: 'publish', topic: 'app/kit', data: '05' }, wait(1_000)], LEAF),
      ),
    rules: [leafPushesToSupernodes],
    runs: 1,
  }),
  overlayCheck({
    id: 'overlay.observed.revoked',
    title: 'A supernode that brings what is rejected is pushed to as any other',
    clauses: ['OVL-032'],
    plans: fc.constantFrom(40, 60).map((count) =>
      plan(
        [
          ...provenSupernodes(1, 4),
          ...Array.from({ length: count }, (_, index) => push(0, [spoilt(message(`bad${index}`), { kind: 'signature' })])),
          wait(3_000),
          { op: 'publish', topic: 'app/kit', data: '08' },
          wait(1_000),
        ],
        // What is rejected costs no score of chapter 05 here, so that the link stays eligible.
        {
          overrides: {
            'overlay.strategy': 'supernode',
            'score.invalid_weight': '0',
            'overlay.observe_origins': '10',
            'overlay.observe_bytes_per_s': '1000000000',
          },
        },
      ),
    ),
    rules: [leafPushesToSupernodes],
    attacks: ['false supernode'],
  }),
  overlayCheck({
    id: 'overlay.leaf.member-and-stranger',
    title: 'A session without overlay is pushed to by a leaf without supernodes as any other',
    clauses: ['OVL-034'],
    plans: fc.constant(
      plan(
        [
          ...members(0, 3),
          ...sessions(3, 6),
          member(6),
          role(6, SUPERNODE),
          wait(1_200),
          { op: 'publish', topic: 'app/kit', data: '06' },
          wait(1_000),
        ],
        LEAF,
      ),
    ),
    rules: [leafPushesToSupernodes],
  }),
];
