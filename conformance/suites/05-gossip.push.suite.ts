/** Who is pushed what: active links, hops, bytes, rotation, publishing, announcing to the rest. */
import fc from 'fast-check';
import { bogusId, idOf, idontwant, ihave, iwant, message, plan, push, sessions, wait } from '../arbitraries/gossip-plans.ts';
import type { Step } from '../driver/plan.ts';
import { announcesOnce, announcesToTheRest, declinesLargeMessages, idontwantCaps } from '../invariants/gossip-announce.ts';
import {
  activeSetRotates,
  bytesAreUnchanged,
  hopsAreCounted,
  noEcho,
  publishesProperly,
  pushesAreBounded,
  pushesToActiveLinks,
  pushSizes,
} from '../invariants/gossip-push.ts';
import type { Check } from '../runner/check.ts';
import { gossipCheck } from './gossip-check.ts';

const HEARTBEATS = 2_300;

/** Some messages by some origins over some links, at times. */
const traffic = (linksMin: number, linksMax: number): fc.Arbitrary<{ links: number; steps: Step[] }> =>
  fc
    .record({
      links: fc.integer({ min: linksMin, max: linksMax }),
      messages: fc.array(
        fc.record({ from: fc.nat(), hops: fc.integer({ min: 0, max: 31 }), gap: fc.constantFrom(0, 0, 50, 700), copy: fc.boolean() }),
        { minLength: 1, maxLength: 8 },
      ),
    })
    .map(({ links, messages }) => ({
      links,
      steps: [
        ...sessions(0, links),
        ...messages.flatMap(({ from, hops, gap, copy }, index): Step[] => {
          const spec = message(`t${index}`, { origin: `o${index % 2}` });
          return [
            push(from % links, [spec], hops),
            ...(gap === 0 ? [] : [wait(gap)]),
            ...(copy ? [push((from + 1) % links, [spec], hops)] : []),
          ];
        }),
        wait(HEARTBEATS, 1_300),
      ],
    }));

export const checks: readonly Check[] = [
  gossipCheck({
    id: 'gossip.push.forward',
    title: 'An accepted message is pushed at once on every active link that may not have it',
    clauses: ['GSP-040', 'GSP-031'],
    plans: traffic(2, 6).map(({ steps }) => plan(steps)),
    rules: [pushesToActiveLinks],
  }),
  gossipCheck({
    id: 'gossip.push.no-echo',
    title: 'A message never goes back to a link that pushed or announced it',
    clauses: ['GSP-041'],
    plans: traffic(2, 6).map(({ steps }) => plan(steps)),
    rules: [noEcho],
    attacks: ['echo farming'],
  }),
  gossipCheck({
    id: 'gossip.push.announced-before',
    title: 'A link that announced a message is not pushed it',
    clauses: ['GSP-041', 'GSP-040'],
    plans: fc.record({ announcers: fc.integer({ min: 1, max: 3 }), gap: fc.constantFrom(350, 400) }).map(({ announcers, gap }) => {
      const spec = message('told');
      return plan([
        ...sessions(0, 6),
        ...Array.from({ length: announcers }, (_, index) => ihave(1 + index, [idOf(spec)])),
        wait(gap),
        push(0, [spec]),
        wait(HEARTBEATS, 1_300),
      ]);
    }),
    levels: ['adapter'],
    rules: [noEcho, pushesToActiveLinks],
  }),
  gossipCheck({
    id: 'gossip.push.declined-before',
    title: 'A link that declined a message is not pushed it',
    clauses: ['GSP-041', 'GSP-040'],
    plans: fc.record({ decliners: fc.integer({ min: 1, max: 3 }), others: fc.integer({ min: 0, max: 5 }) }).map(({ decliners, others }) => {
      const spec = message('declined');
      const ids = [...Array.from({ length: others }, (_, index) => bogusId(index + 1)), idOf(spec)];
      return plan([
        ...sessions(0, 6),
        ...Array.from({ length: decliners }, (_, index) => idontwant(1 + index, ids)),
        wait(1_100),
        push(0, [spec]),
        wait(HEARTBEATS, 1_300),
      ]);
    }),
    rules: [noEcho, pushesToActiveLinks],
  }),
  gossipCheck({
    id: 'gossip.push.declined-beyond-cap',
    title: 'Ids of an Idontwant beyond the cap of its window hold nothing back',
    clauses: ['GSP-068'],
    levels: ['adapter'],
    plans: fc.record({ over: fc.integer({ min: 1, max: 20 }), inTwo: fc.boolean() }).map(({ over, inTwo }) => {
      const spec = message('beyond');
      const fill = Array.from({ length: 63 + over }, (_, index) => bogusId(index + 1));
      const steps = inTwo ? [idontwant(1, fill), idontwant(1, [idOf(spec)])] : [idontwant(1, [...fill, idOf(spec)])];
      return plan([...sessions(0, 3), ...steps, push(0, [spec]), wait(HEARTBEATS, 1_300)]);
    }),
    rules: [idontwantCaps],
    attacks: ['IDONTWANT flood'],
  }),
  gossipCheck({
    id: 'gossip.push.hops',
    title: 'Each hop is counted, up to the limit and whether or not a Push was asked for; the node’s own messages leave with none',
    clauses: ['GSP-043'],
    plans: fc
      .array(fc.oneof(fc.integer({ min: 0, max: 31 }), fc.constant(32)), { minLength: 1, maxLength: 5 })
      .map((hops) =>
        plan([
          ...sessions(0, 3),
          ...hops.map((count, index) => push(index % 3, [message(`h${index}`)], count)),
          { op: 'publish', topic: 'app/kit', data: { size: 20 } },
          wait(HEARTBEATS, 1_300),
          ...hops.map((_, index) => iwant((index + 1) % 3, [idOf(message(`h${index}`))])),
          wait(1_300),
        ]),
      ),
    levels: ['adapter'],
    rules: [hopsAreCounted],
  }),
  gossipCheck({
    id: 'gossip.push.hops-limit',
    title: 'A message with the largest hop count is announced, not pushed; with one hop less it is pushed',
    clauses: ['GSP-044', 'GSP-046', 'GSP-040'],
    plans: fc
      .integer({ min: 2, max: 5 })
      .map((links) =>
        plan([...sessions(0, links), push(0, [message('far')], 32), push(0, [message('near')], 31), wait(HEARTBEATS, 3_200)]),
      ),
    rules: [hopsAreCounted, announcesToTheRest, pushesToActiveLinks],
  }),
  gossipCheck({
    id: 'gossip.push.bytes',
    title: 'What is passed on is byte for byte what came',
    clauses: ['IDN-042'],
    plans: fc
      .array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 5 })
      .map((sizes) =>
        plan([
          ...sessions(0, 4),
          ...sizes.map((size, index) => push(index % 4, [message(`b${index}`, { data: { size } })])),
          wait(HEARTBEATS, 1_300),
        ]),
      ),
    rules: [bytesAreUnchanged, pushesToActiveLinks],
    attacks: ['signature over re-encoded bytes'],
  }),
  gossipCheck({
    id: 'gossip.push.active-size',
    title: 'With more links than the active size, as many as that are pushed to and no more',
    clauses: ['GSP-031', 'GSP-040', 'GSP-042'],
    plans: fc
      .record({ links: fc.integer({ min: 13, max: 18 }), count: fc.integer({ min: 1, max: 4 }) })
      .map(({ links, count }) =>
        plan([
          ...sessions(0, links),
          ...Array.from({ length: count }, (_, index) => push(index, [message(`a${index}`)])),
          wait(HEARTBEATS, 1_300),
        ]),
      ),
    rules: [pushesAreBounded, pushesToActiveLinks],
    runs: 3,
  }),
  gossipCheck({
    id: 'gossip.push.active-again',
    title: 'When active links end, others become active in their place',
    clauses: ['GSP-031', 'GSP-040', 'GSP-042'],
    levels: ['adapter'],
    plans: fc
      .integer({ min: 4, max: 6 })
      .map((ended) =>
        plan([
          ...sessions(0, 18),
          push(0, [message('before')]),
          wait(1_300),
          ...Array.from({ length: ended }, (_, index): Step => ({ op: 'closeLink', link: index })),
          wait(10),
          { op: 'publish', topic: 'app/kit', data: '0c' },
          wait(1_300),
        ]),
      ),
    rules: [pushesToActiveLinks, pushesAreBounded],
    runs: 3,
  }),
  gossipCheck({
    id: 'gossip.push.active-size-small',
    title: 'The active size follows the size of the network',
    clauses: ['GSP-031', 'GSP-040', 'GSP-042'],
    levels: ['adapter'],
    plans: fc.constantFrom('0', '2', '3', '20', '21', '1000').map((size) =>
      // On its own message the node has no link to leave out.
      plan(
        [
          ...sessions(0, 15),
          push(0, [message('one')]),
          push(1, [message('two')]),
          { op: 'publish', topic: 'app/kit', data: '0a' },
          wait(HEARTBEATS, 1_300),
        ],
        { overrides: { 'gossip.network_size': size } },
      ),
    ),
    rules: [pushesAreBounded, pushesToActiveLinks],
  }),
  gossipCheck({
    id: 'gossip.push.rotation',
    title: 'While links exceed the active size, the set does not stay the same',
    clauses: ['GSP-032'],
    levels: ['adapter'],
    plans: fc
      .integer({ min: 13, max: 16 })
      .map((links) =>
        plan([
          ...sessions(0, links),
          ...Array.from({ length: 14 }, (_, index): Step[] => [
            { op: 'publish', topic: 'app/kit', data: Buffer.from(`r${index}`).toString('hex') },
            wait(4_000),
          ]).flat(),
          wait(HEARTBEATS, 1_300),
        ]),
      ),
    rules: [activeSetRotates],
    runs: 2,
  }),
  gossipCheck({
    id: 'gossip.push.batch',
    title: 'Many messages at once, or asked for at once, leave in batches of 1 to 64',
    clauses: ['GSP-045', 'GSP-040'],
    levels: ['adapter'],
    plans: fc.integer({ min: 65, max: 78 }).map((count) => {
      const batch = Array.from({ length: count }, (_, index) => message(`b${index}`, { origin: `o${index % 4}` }));
      return plan([
        ...sessions(0, 3),
        {
          op: 'frames',
          link: 0,
          frames: [batch.slice(0, 40), batch.slice(40)].map((part) => ({
            body: { type: 'Push', topic: 'app/kit', items: part.map((envelope) => ({ hops: 0, envelope })) },
          })),
        },
        wait(HEARTBEATS, 1_300),
        iwant(1, batch.map(idOf)),
        wait(1_200),
      ]);
    }),
    rules: [pushSizes, pushesToActiveLinks],
    runs: 2,
  }),
  gossipCheck({
    id: 'gossip.publish',
    title: 'What the application publishes leaves with the node’s key, topic, clock and a new id',
    clauses: ['GSP-002', 'GSP-003', 'GSP-004', 'GSP-040', 'GSP-043'],
    levels: ['adapter'],
    plans: fc
      .record({
        links: fc.integer({ min: 1, max: 5 }),
        count: fc.integer({ min: 1, max: 6 }),
        same: fc.boolean(),
        gap: fc.constantFrom(0, 1, 900),
      })
      .map(({ links, count, same, gap }) =>
        plan([
          ...sessions(0, links),
          wait(777),
          ...Array.from({ length: count }, (_, index): Step[] => [
            { op: 'publish', topic: 'app/kit', data: same ? '0a0b' : Buffer.from(`p${index}`).toString('hex') },
            ...(gap === 0 ? [] : [wait(gap)]),
          ]).flat(),
          wait(HEARTBEATS, 1_300),
        ]),
      ),
    rules: [publishesProperly, hopsAreCounted],
  }),
  gossipCheck({
    id: 'gossip.publish.after-restart',
    title: 'Equal data published before and after a restart has different ids',
    clauses: ['GSP-003'],
    levels: ['adapter'],
    needs: ['gossip/1', 'restart'],
    plans: fc
      .oneof(fc.constant([0, 0]), fc.constantFrom([0, 1], [300, 0], [300, 1]))
      .map(([beforeMs = 0, pauseMs = 0]) =>
        plan([
          ...sessions(0, 2),
          { op: 'publish', topic: 'app/kit', data: '0a0b' },
          ...(beforeMs === 0 ? [] : [wait(beforeMs)]),
          { op: 'crash' },
          { op: 'restart' },
          ...sessions(2, 4),
          ...(pauseMs === 0 ? [] : [wait(pauseMs)]),
          { op: 'publish', topic: 'app/kit', data: '0a0b' },
          wait(300),
        ]),
      ),
    rules: [publishesProperly],
  }),
  gossipCheck({
    id: 'gossip.announce.rest',
    title: 'Links that are not pushed a message are told of it, once',
    clauses: ['GSP-050', 'GSP-051'],
    plans: fc
      .record({ links: fc.integer({ min: 13, max: 16 }), count: fc.integer({ min: 2, max: 4 }) })
      .map(({ links, count }) =>
        plan([
          ...sessions(0, links),
          ...Array.from({ length: count }, (_, index) => push(index, [message(`a${index}`, { topic: `app/topic-${index % 2}` })])),
          wait(3_400),
        ]),
      ),
    rules: [announcesToTheRest, announcesOnce],
    runs: 3,
  }),
  gossipCheck({
    id: 'gossip.announce.own',
    title: 'The node’s own messages are announced to the links that are not active',
    clauses: ['GSP-050', 'GSP-051'],
    levels: ['adapter'],
    plans: fc
      .integer({ min: 13, max: 16 })
      .map((links) =>
        plan([
          ...sessions(0, links),
          { op: 'publish', topic: 'app/kit', data: '01' },
          wait(500),
          { op: 'publish', topic: 'app/kit', data: '02' },
          wait(4_000),
        ]),
      ),
    rules: [announcesToTheRest, announcesOnce],
    runs: 3,
  }),
  gossipCheck({
    id: 'gossip.announce.once',
    title: 'Nothing is announced twice on a link',
    clauses: ['GSP-051'],
    levels: ['adapter'],
    plans: fc
      .integer({ min: 12, max: 15 })
      .map((links) => plan([...sessions(0, links), push(0, [message('one')]), wait(5_000), push(1, [message('two')]), wait(8_000)])),
    rules: [announcesOnce],
    runs: 2,
  }),
  gossipCheck({
    id: 'gossip.announce.large-declined',
    title: 'Large messages are declined on the other active links',
    clauses: ['GSP-069'],
    keyword: 'SHOULD',
    plans: fc
      .integer({ min: 1_024, max: 20_000 })
      .map((size) => plan([...sessions(0, 4), push(0, [message('large', { data: { size } })]), wait(1_200)])),
    rules: [declinesLargeMessages],
    runs: 2,
  }),
];
