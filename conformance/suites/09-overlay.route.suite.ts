/** Messages for one node: through the node, to it and from it. */
import fc from 'fast-check';
import { entry, knows } from '../arbitraries/dht-plans.ts';
import { dataSizeFor, plan, session, wait } from '../arbitraries/gossip-plans.ts';
import {
  attached,
  member,
  members,
  OVERLAY_CAPABILITIES,
  role,
  route,
  SUPERNODE,
  say,
  sealedFor,
  send,
} from '../arbitraries/overlay-plans.ts';
import { bentRecord, contactRecord, pushRecords, recordsSession } from '../arbitraries/records-plans.ts';
import type { EnvelopeDefect, Plan, SealedSpec, Step } from '../driver/plan.ts';
import { publishesProperly } from '../invariants/gossip-push.ts';
import { targetsAreLookedUp } from '../invariants/overlay-lookups.ts';
import { overlayFramesNeedOverlay } from '../invariants/overlay-roles.ts';
import {
  ignoredRoutesAreFree,
  rejectedRoutesCost,
  routesAreDelivered,
  routesGoOn,
  routeVerdicts,
  sendsLeave,
  targetsAreDialled,
  waitsForAWay,
} from '../invariants/overlay-route.ts';
import type { Check } from '../runner/check.ts';
import { overlayCheck } from './overlay-check.ts';

const COMMANDS = ['commands'];

/** Routes for peers with and without a session, over some links. */
const mixed: fc.Arbitrary<Plan> = fc
  .array(fc.record({ from: fc.integer({ min: 0, max: 5 }), to: fc.integer({ min: 0, max: 9 }), hops: fc.constantFrom(0, 0, 1, 9, 10) }), {
    minLength: 2,
    maxLength: 8,
  })
  .map((routes) =>
    plan([
      ...members(0, 6),
      ...routes.flatMap(({ from, to, hops }, index): Step[] => {
        const target = to < 6 ? `p${to}` : `far${to}`;
        return [route(from, sealedFor(`r${index}`, 'author', target, { sequence: index + 1 }), target, hops), wait(300, 150)];
      }),
      wait(500),
    ]),
  );

const GOOD = (name: string, target = 'p1'): SealedSpec => sealedFor(name, 'author', target);

/** One spoilt Route, and its twin in order, for a target with a session. */
function spoilt(target: string, make: (name: string) => Step): Plan {
  return plan([...members(0, 3), make('bad'), wait(600, 300), route(0, GOOD('good', target), target), wait(1_500, 400)]);
}

const DEFECTS: readonly EnvelopeDefect[] = [
  { kind: 'signature' },
  { kind: 'malleatedS' },
  { kind: 'context', context: 'app' },
  { kind: 'network', networkId: 'another' },
  { kind: 'version', version: 2 },
  { kind: 'payloadTrailing', bytes: '00' },
  { kind: 'envelopeTrailing', bytes: '00' },
];

function spoiltRoute(target: string): fc.Arbitrary<Plan> {
  const defect = fc
    .constantFrom(...DEFECTS)
    .map((one) => spoilt(target, (name) => route(0, { ...GOOD(name, target), defect: one }, target)));
  const hops = fc.constantFrom(11, 255).map((count) => spoilt(target, (name) => route(0, GOOD(name, target), target, count)));
  const time = fc
    .constantFrom(-60_500, -600_000, 1_000)
    .map((ms) => spoilt(target, (name) => route(0, sealedFor(name, 'author', target, { createdMs: { wallMs: ms } }), target)));
  const recipient = fc.constantFrom('p2', 'nobody').map((other) => spoilt(target, (name) => route(0, GOOD(name, other), target)));
  const topic = fc
    .constantFrom('tx', 'app/')
    .map((text) => spoilt(target, (name) => route(0, sealedFor(name, 'author', target, { topic: text }), target)));
  const size = fc.constant(
    spoilt(target, (name) => route(0, sealedFor(name, 'author', target, { data: { size: dataSizeFor(32_768) } }), target)),
  );
  return fc.oneof(defect, hops, time, recipient, topic, size);
}

export const checks: readonly Check[] = [
  overlayCheck({
    id: 'overlay.route.passes-on',
    title: 'A Route goes on to the target, or to a peer that is nearer, with one hop more, and never beyond the limit',
    clauses: ['OVL-050', 'OVL-051', 'OVL-053'],
    plans: mixed,
    rules: [routesGoOn],
    runs: 10,
  }),
  overlayCheck({
    id: 'overlay.route.to-session',
    title: 'A Route for a peer with a session reaches it',
    clauses: ['OVL-050', 'OVL-053'],
    levels: ['adapter', 'wire'],
    plans: fc.constant(
      plan([
        ...members(0, 3),
        route(0, GOOD('first'), 'p1'),
        wait(600, 300),
        route(2, sealedFor('second', 'author', 'p0', { sequence: 2 }), 'p0', 3),
        wait(1_000, 500),
      ]),
    ),
    rules: [routesGoOn],
  }),
  overlayCheck({
    id: 'overlay.route.once',
    title: 'Copies of a Route go no further, by whatever link and with whatever hops they come',
    clauses: ['OVL-044', 'OVL-052'],
    plans: fc
      .array(
        fc.record({ from: fc.integer({ min: 0, max: 3 }), hops: fc.integer({ min: 0, max: 9 }), gap: fc.constantFrom(0, 300, 20_000) }),
        { minLength: 1, maxLength: 4 },
      )
      .map((copies) => {
        const spec = GOOD('copied', 'p4');
        return plan([
          ...members(0, 5),
          route(0, spec, 'p4'),
          wait(300),
          ...copies.flatMap(({ from, hops, gap }) => [route(from, spec, 'p4', hops), ...(gap === 0 ? [] : [wait(gap)])]),
          wait(1_000),
        ]);
      }),
    rules: [routesGoOn, routeVerdicts],
    attacks: ['route replay'],
  }),
  overlayCheck({
    id: 'overlay.route.once-for-long',
    title: 'A Route is remembered for its whole time',
    clauses: ['OVL-044'],
    plans: fc.constantFrom(32_000, 45_000, 58_000).map((afterMs) => {
      const spec = sealedFor('copied late', 'author', 'p4', { createdMs: { wallMs: 400 } });
      return plan([...members(0, 5), route(0, spec, 'p4'), wait(afterMs), route(1, spec, 'p4'), wait(1_000)], {
        overrides: { 'gossip.seen_ttl_ms': '61000' },
      });
    }),
    rules: [routesGoOn, routeVerdicts],
    runs: 3,
    attacks: ['route replay'],
  }),
  overlayCheck({
    id: 'overlay.route.not-back',
    title: 'A Route never goes back to where it came from, not even to its target',
    clauses: ['OVL-051'],
    plans: fc
      .constantFrom('p0', 'far1', 'far2')
      .map((target) =>
        plan([
          ...members(0, 2),
          route(0, GOOD('back', target), target),
          wait(600),
          route(1, sealedFor('back2', 'author', target, { sequence: 2 }), target),
          wait(1_000),
        ]),
      ),
    rules: [routesGoOn],
  }),
  overlayCheck({
    id: 'overlay.route.spoilt',
    title: 'A Route that is out of order goes no further, and its twin does',
    clauses: ['OVL-040', 'OVL-041', 'OVL-042', 'OVL-043', 'OVL-045', 'OVL-046', 'OVL-050'],
    plans: spoiltRoute('p1'),
    rules: [routesGoOn, routeVerdicts],
    runs: 24,
    attacks: ['misrouted message'],
  }),
  overlayCheck({
    id: 'overlay.route.spoilt-on-the-wire',
    title: 'A Route with a false signature goes no further on a real connection',
    clauses: ['OVL-046', 'OVL-050'],
    levels: ['adapter', 'wire'],
    plans: fc.constant(spoilt('p1', (name) => route(0, { ...GOOD(name), defect: { kind: 'signature' } }, 'p1'))),
    rules: [routesGoOn],
  }),
  overlayCheck({
    id: 'overlay.route.bad-copy-first',
    title: 'A spoilt copy does not shadow the Route in order',
    clauses: ['OVL-050', 'OVL-046'],
    plans: fc.constantFrom(...DEFECTS.slice(0, 2)).map((defect) => {
      const spec = GOOD('shadowed');
      return plan([...members(0, 3), route(2, { ...spec, defect }, 'p1'), wait(300), route(0, spec, 'p1'), wait(1_000)]);
    }),
    rules: [routesGoOn],
    attacks: ['route censorship'],
  }),
  overlayCheck({
    id: 'overlay.route.delivered',
    title: 'A Route for the node is delivered once and goes no further',
    clauses: ['OVL-048', 'OVL-049'],
    needs: COMMANDS,
    plans: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 4 }).map((copies) => {
      const spec = GOOD('for the node', 'node');
      return plan([
        ...members(0, 3),
        ...copies.map((from) => route(from, spec, 'node')),
        wait(500),
        route(0, sealedFor('again', 'author', 'node', { sequence: 2 }), 'node', 10),
        wait(1_500),
      ]);
    }),
    rules: [routesAreDelivered, routesGoOn],
  }),
  overlayCheck({
    id: 'overlay.route.spoilt-for-node',
    title: 'A Route for the node that is out of order is not delivered, and its twin is',
    clauses: ['OVL-040', 'OVL-041', 'OVL-042', 'OVL-043', 'OVL-045', 'OVL-046', 'OVL-048'],
    needs: COMMANDS,
    plans: spoiltRoute('node'),
    rules: [routesAreDelivered],
    runs: 24,
  }),
  overlayCheck({
    id: 'overlay.route.rejections-cost',
    title: 'A peer whose Routes are rejected loses its session',
    clauses: ['OVL-055'],
    plans: fc
      .constantFrom('signature', 'recipient')
      .map((what) =>
        plan([
          ...members(0, 2),
          ...Array.from({ length: 16 }, (_, index) =>
            what === 'signature'
              ? route(0, { ...sealedFor(`x${index}`, 'author', 'p1', { sequence: index + 1 }), defect: { kind: 'signature' } }, 'p1')
              : route(0, sealedFor(`x${index}`, 'author', 'nobody', { sequence: index + 1 }), 'p1'),
          ),
          wait(2_000),
        ]),
      ),
    rules: [rejectedRoutesCost],
  }),
  overlayCheck({
    id: 'overlay.route.ignored-free',
    title: 'A peer whose Routes are ignored keeps its session',
    clauses: ['OVL-055'],
    plans: fc
      .constantFrom('late', 'again')
      .map((what) =>
        plan([
          ...members(0, 2),
          ...Array.from({ length: 16 }, (_, index) =>
            what === 'late'
              ? route(0, sealedFor(`x${index}`, 'author', 'p1', { sequence: index + 1, createdMs: { wallMs: -120_000 } }), 'p1')
              : route(0, GOOD('again and again'), 'p1'),
          ),
          wait(2_000),
        ]),
      ),
    rules: [ignoredRoutesAreFree],
    runs: 2,
  }),
  overlayCheck({
    id: 'overlay.route.leaf-hands-over',
    title: 'A leaf hands a Route that nobody near it wants to its supernode',
    clauses: ['OVL-050', 'OVL-051'],
    plans: fc
      .array(fc.integer({ min: 0, max: 9 }), { minLength: 2, maxLength: 5 })
      .map((targets) =>
        plan(
          [
            ...members(0, 3),
            role(0, SUPERNODE),
            wait(1_500),
            attached(0, true),
            wait(500),
            ...targets.flatMap((target, index) => [
              route(1 + (index % 2), sealedFor(`l${index}`, 'author', `away${target}`, { sequence: index + 1 }), `away${target}`),
              wait(400),
            ]),
            wait(1_000),
          ],
          { overrides: { 'overlay.strategy': 'supernode' } },
        ),
      ),
    rules: [routesGoOn],
    runs: 8,
  }),
  overlayCheck({
    id: 'overlay.route.needs-overlay',
    title: 'A Route goes only over sessions with overlay',
    clauses: ['OVL-060', 'OVL-050'],
    plans: fc.constant(
      plan([
        ...members(0, 2),
        session(2, 'plain'),
        route(0, GOOD('to plain', 'plain'), 'plain'),
        wait(500),
        route(0, sealedFor('to p1', 'author', 'p1', { sequence: 2 }), 'p1'),
        wait(1_000),
      ]),
    ),
    rules: [overlayFramesNeedOverlay, routesGoOn],
  }),
  overlayCheck({
    id: 'overlay.send.leaves',
    title: 'What the application sends leaves in order, each message with an id of its own',
    clauses: ['OVL-053', 'OVL-056', 'OVL-057', 'OVL-051'],
    needs: COMMANDS,
    plans: fc
      .array(fc.record({ to: fc.constantFrom('p0', 'p1', 'p2', 'far', 'near'), data: fc.constantFrom('a', 'a', 'b') }), {
        minLength: 2,
        maxLength: 5,
      })
      .map((sends) =>
        plan([
          ...members(0, 6),
          ...sends.flatMap(({ to, data }, index) => [send(`s${index}`, to, data), send(`t${index}`, to, data), wait(300)]),
          wait(4_500),
        ]),
      ),
    rules: [sendsLeave],
    runs: 8,
  }),
  overlayCheck({
    id: 'overlay.send.restarts',
    title: 'What is sent after a restart has other ids than what was sent before, in the same millisecond too',
    clauses: ['OVL-056', 'OVL-057'],
    needs: [...COMMANDS, 'restart'],
    plans: fc.integer({ min: 1, max: 3 }).map((count) => {
      const sends = (name: string): Step[] => Array.from({ length: count }, (_, index) => send(`${name}${index}`, 'p0', 'the same'));
      const others = [10, 11].map((link) => member(link, `p${link - 10}`));
      return plan([...members(0, 2), ...sends('s'), { op: 'crash' }, { op: 'restart' }, ...others, ...sends('t'), wait(1_500)]);
    }),
    rules: [sendsLeave],
    runs: 2,
  }),
  overlayCheck({
    id: 'overlay.send.waits',
    title: 'A message waits its whole time for a way',
    clauses: ['OVL-058'],
    needs: COMMANDS,
    plans: fc.constantFrom(30, 60, 85).map((percent) => plan([send('s', 'p7', 'hello'), wait(percent * 30), member(7), wait(3_000)])),
    rules: [waitsForAWay],
  }),
  overlayCheck({
    id: 'overlay.send.no-route',
    title: 'A message that finds no way is refused in time',
    clauses: ['OVL-058'],
    needs: COMMANDS,
    plans: fc
      .constantFrom(0, 1)
      .map((others) => plan([...(others === 0 ? [] : [session(0, 'plain')]), send('lost', 'nobody', 'x'), wait(6_000)])),
    rules: [sendsLeave],
  }),
  overlayCheck({
    id: 'overlay.send.looks-up',
    title: 'A target of which no address is known is looked up, and dialled where it is found',
    clauses: ['OVL-061'],
    needs: [...COMMANDS, 'outbound', 'dht/1', 'datagrams'],
    plans: fc.integer({ min: 0, max: 900 }).map((afterMs) => {
      const [url, endpoint] = ['ws://45.9.9.9:7600', '45.9.9.9:7600'];
      return plan([
        { op: 'behave', as: 'silent', at: url, peer: 'far' },
        { op: 'behave', as: 'answers', with: knows([]), at: endpoint, peer: 'far' },
        ...entry(50, knows([])),
        wait(afterMs),
        send('lost', 'nobody', 'hello'),
        ...entry(51, knows([{ contact: { peer: 'far', addresses: [`udp://${endpoint}`, url] } }])),
        send('s', 'far', 'hello'),
        wait(4_500),
      ]);
    }),
    rules: [targetsAreLookedUp],
    runs: 2,
  }),
  overlayCheck({
    id: 'overlay.send.dials',
    title: 'A target of which an address is known is dialled, and sent the message when the session is there',
    clauses: ['OVL-059'],
    needs: [...COMMANDS, 'outbound', 'records/1'],
    plans: fc.boolean().map((answers) => {
      const address = 'ws://198.51.100.9:7600';
      const record = bentRecord(contactRecord('far', { by: 'far' }), 'far contact', { contact: { roles: 1, addresses: [{ address }] } });
      const dialled: readonly Step[] = answers
        ? [
            {
              op: 'open',
              link: 9,
              peer: 'far',
              mode: 'session',
              direction: 'outbound',
              dialled: address,
              capabilities: OVERLAY_CAPABILITIES,
            },
          ]
        : [{ op: 'dialFailed', dialled: address }];
      return plan([
        recordsSession(8, 'keeper'),
        pushRecords(8, record),
        wait(1_000),
        send('s', 'far', 'hello'),
        wait(1_100),
        ...dialled,
        wait(2_000),
      ]);
    }),
    rules: [targetsAreDialled],
  }),
  overlayCheck({
    id: 'overlay.route.via',
    title: 'A Route for a peer that is reached by supernodes goes to one of them, in their order',
    clauses: ['OVL-051', 'OVL-050'],
    needs: ['records/1'],
    plans: fc.subarray(['p0', 'p1', 'p2', 'absent'], { minLength: 1, maxLength: 3 }).map((via) => {
      const named = via.map((peer) => ({ peerId: peer }));
      const record = bentRecord(contactRecord('leaf', { by: 'leaf' }), 'leaf contact', { contact: { roles: 1, via: named } });
      return plan([
        ...members(0, 4),
        recordsSession(8, 'keeper'),
        pushRecords(8, record),
        wait(1_000),
        route(3, GOOD('by supernodes', 'leaf'), 'leaf'),
        wait(500),
        route(0, sealedFor('again by supernodes', 'author', 'leaf', { sequence: 2 }), 'leaf'),
        wait(1_000),
      ]);
    }),
    rules: [routesGoOn],
    runs: 6,
  }),
  overlayCheck({
    id: 'overlay.send.own-comes-back',
    title: 'A message of the node that comes back goes no further, even after a restart',
    clauses: ['OVL-044', 'OVL-047'],
    needs: [...COMMANDS, 'restart'],
    plans: fc.record({ restarts: fc.boolean(), target: fc.constantFrom('far', 'near', 'away', 'there') }).map(({ restarts, target }) => {
      const links = restarts ? [10, 11] : [0, 1];
      const back = links.map((link) =>
        say(link, 'Route', { target: { peerId: target }, hops: 3, envelope: { ref: '$9.route.envelope.bytes' } }),
      );
      const again: readonly Step[] = restarts ? [{ op: 'crash' }, { op: 'restart' }, ...members(10, 18)] : [];
      return plan([...members(0, 8), wait(100), send('mine', target, 'x'), wait(500), ...again, wait(300), ...back, wait(1_500)]);
    }),
    rules: [routesGoOn, routeVerdicts],
    runs: 8,
  }),
  overlayCheck({
    id: 'overlay.broadcast.publishes',
    title: 'A broadcast is published as any message, whatever the strategy',
    clauses: ['OVL-038'],
    needs: COMMANDS,
    plans: fc
      .constantFrom('off', 'naive', 'kademlia', 'supernode')
      .map((strategy) =>
        plan(
          [
            ...members(0, 3),
            wait(200),
            { op: 'command', command: 'overlay.broadcast', label: 'b', args: [{ utf8: 'app/kit' }, { utf8: 'hello' }] },
            wait(1_500),
          ],
          { overrides: { 'overlay.strategy': strategy } },
        ),
      ),
    rules: [
      {
        clauses: ['OVL-038'],
        judge(view) {
          const asked = view.trace.events.findIndex((event) => event.type === 'sentCommand' && event.command === 'overlay.broadcast');
          const sentAt = view.trace.events[asked]?.atMs ?? 0;
          const listens = view.spans.some((span) => span.gossip && span.fromEvent < asked && span.toMs > sentAt + 1_000);
          if (asked < 0 || !listens || sentAt + 1_000 > view.trace.endMs) return { findings: [], exercised: false };
          const left = view.gossip.departures.some(
            ({ event, envelope, topic }) => event > asked && topic === 'app/kit' && envelope.origin === view.trace.nodePeerId,
          );
          return {
            findings: left
              ? []
              : [{ clause: 'OVL-038', expected: 'what is broadcast leaves in a Push of the node', observed: 'none carries it', at: asked }],
            exercised: true,
          };
        },
      },
      { clauses: publishesProperly.clauses, judge: (view) => publishesProperly.judge(view.gossip) },
    ],
  }),
];
