/** Who gets into a table, who stays, and who is named. */
import fc from 'fast-check';
import {
  answering,
  client,
  contact,
  contacts,
  DHT_NEEDS,
  endpointOf,
  entry,
  findNode,
  hostOf,
  knows,
  named,
} from '../arbitraries/dht-plans.ts';
import { plan, wait } from '../arbitraries/gossip-plans.ts';
import type { Step } from '../driver/plan.ts';
import { messageFrame } from '../driver/plan-values.ts';
import { answersPings, namesOnlyVerified, namesProperly, namesTheNearest } from '../invariants/dht-answers.ts';
import { checksAskers, checksAtItsOwnPace, looksAround } from '../invariants/dht-upkeep.ts';
import type { Check } from '../runner/check.ts';
import { dhtCheck } from './dht-check.ts';

const ASKER = 40;

/** Somebody asks for what is near several ids. */
function questions(link: number, ...targets: readonly string[]): Step[] {
  return targets.map((target) => findNode(link, target));
}

/** Links on which DhtPings and questions are answered, with nothing to say. */
function answersOn(from: number, to: number): Step[] {
  return Array.from({ length: to - from }, (_, index): Step => ({ op: 'behave', as: 'answers', with: knows([]), link: from + index }));
}

/** The n-th peer asks by datagram and says where it listens, at first without a token. */
function introduces(index: number, again = false): Step {
  const asker = { contact: { peer: `p${index}`, addresses: [`udp://${endpointOf(index)}`] } };
  return {
    op: 'datagram',
    from: endpointOf(index),
    ...(again ? { token: { ref: '$*.retry.token' } } : {}),
    frame: messageFrame('FindNode', { target: { peerId: 'x' }, asker }),
  };
}

export const checks: readonly Check[] = [
  dhtCheck({
    id: 'dht.find-node.nearest',
    title: 'A FindNode is answered with the contacts of the table that are nearest, nearest first, without the asker and the node itself',
    clauses: ['DHT-040', 'DHT-021', 'DHT-003', 'DHT-043', 'DHT-041'],
    plans: fc
      .record({ count: fc.integer({ min: 1, max: 30 }), targets: fc.subarray(['x', 'y', 'node', 'c0', 'c1'], { minLength: 2 }) })
      .map(({ count, targets }) =>
        plan([
          ...contacts(0, count),
          // More places to listen at than others are told of.
          contact(35, { listens: ['ws', 'udp', 'wss', 'ws'].map((scheme, index) => `${scheme}://${hostOf(35)}:${7_600 + index}`) }),
          client(ASKER),
          ...questions(ASKER, ...targets, 'c35'),
          ...questions(0, 'c0', 'z'),
          wait(1_200),
        ]),
      ),
    rules: [namesTheNearest, namesOnlyVerified, namesProperly],
    attacks: ['self insert'],
  }),
  dhtCheck({
    id: 'dht.find-node.bucket-size',
    title: 'No more than k contacts are named, and none twice',
    clauses: ['DHT-040', 'DHT-043'],
    plans: fc.constantFrom(1, 2, 5).map((k) =>
      plan([...contacts(0, 12), client(ASKER), ...questions(ASKER, 'x', 'y', 'node'), wait(1_200)], {
        overrides: { 'dht.bucket_size': String(k) },
      }),
    ),
    rules: [namesTheNearest, namesProperly],
    runs: 3,
  }),
  dhtCheck({
    id: 'dht.find-node.fits',
    title: 'Where not everything fits, contacts lose addresses before contacts are left out',
    clauses: ['DHT-041', 'DHT-048', 'DHT-040'],
    plans: fc
      .constantFrom(18, 24)
      .map((count) =>
        plan([
          ...Array.from({ length: count }, (_, index) =>
            contact(index, { listens: [`ws://${hostOf(index)}:7600`, `udp://${endpointOf(index)}`, `wss://${hostOf(index)}:443`] }),
          ),
          client(ASKER),
          ...questions(ASKER, 'x', 'y'),
          wait(1_200),
        ]),
      ),
    rules: [namesProperly, namesTheNearest],
    runs: 2,
  }),
  dhtCheck({
    id: 'dht.table.clients',
    title: 'A peer is named only if it listens where it speaks from',
    clauses: ['DHT-023', 'DHT-021', 'DHT-012'],
    plans: fc.constant(
      plan([
        contact(0),
        contact(1, { listens: [] }),
        contact(2, { listens: [`ws://${hostOf(77)}:7600`] }),
        contact(3, { listens: [`ws://${hostOf(78)}:7600`, `udp://${endpointOf(3)}`] }),
        contact(4, { listens: ['ws://192.0.2.7:7600'], host: '192.0.2.7' }),
        contact(5, { capabilities: ['gossip/1'] }),
        client(ASKER),
        ...questions(ASKER, 'c1', 'c2', 'c4', 'c5'),
        wait(1_200),
      ]),
    ),
    rules: [namesOnlyVerified, namesTheNearest, namesProperly],
  }),
  dhtCheck({
    id: 'dht.table.private',
    title: 'On a public network private addresses are neither taken in nor named',
    clauses: ['DHT-012', 'DHT-021', 'DHT-022', 'DHT-023'],
    plans: fc.constantFrom('10.1.2.3', '127.0.0.9', '192.168.7.7', '169.254.1.1', '224.0.0.5', '100.64.1.1').map((host) =>
      plan(
        [
          contact(0),
          contact(1, { host }),
          contact(2, { listens: [`ws://${host}:7600`, `ws://${hostOf(2)}:7600`] }),
          client(ASKER),
          ...questions(ASKER, 'c1', 'c2'),
          wait(1_200),
        ],
        {
          overrides: { 'dht.address_policy': 'public' },
        },
      ),
    ),
    rules: [namesProperly, namesTheNearest, namesOnlyVerified],
    attacks: ['private addresses'],
  }),
  dhtCheck({
    id: 'dht.table.local-stays-local',
    title: 'Local addresses are named to local askers only',
    clauses: ['DHT-042', 'DHT-040'],
    plans: fc.constant(
      plan([
        contact(0),
        contact(1, { host: '10.0.0.1' }),
        contact(2, { host: '127.0.0.3' }),
        client(ASKER),
        client(41, '10.0.0.9'),
        ...questions(ASKER, 'c1', 'c2'),
        wait(1_200),
      ]),
    ),
    rules: [
      {
        ...namesProperly,
        // The model's table knows nothing of who may hear what.
        judge: (view) => namesProperly.judge(view),
      },
    ],
  }),
  dhtCheck({
    id: 'dht.table.newcomers',
    title: 'However many newcomers come, those who were there first stay and go on being named',
    clauses: ['DHT-024', 'DHT-040'],
    plans: fc.record({ k: fc.integer({ min: 1, max: 3 }), count: fc.integer({ min: 10, max: 24 }) }).map(({ k, count }) =>
      plan([...contacts(0, count), client(ASKER), ...questions(ASKER, 'x', 'y', 'c0', 'c1'), wait(1_200)], {
        overrides: { 'dht.bucket_size': String(k), 'dht.replacements_max': '2' },
      }),
    ),
    rules: [namesTheNearest],
    attacks: ['restart eclipse', 'newcomer-triggered eviction'],
  }),
  dhtCheck({
    id: 'dht.table.one-subnet',
    title: 'A crowd from one /24 gets its share of each bucket and of the table, and no more',
    clauses: ['DHT-025', 'DHT-040'],
    plans: fc
      .record({ count: fc.integer({ min: 6, max: 20 }), honest: fc.integer({ min: 0, max: 6 }) })
      .map(({ count, honest }) =>
        plan([
          ...contacts(0, honest),
          ...Array.from({ length: count }, (_, index) => contact(honest + index, { host: `6.6.6.${index + 1}` })),
          client(ASKER),
          ...questions(ASKER, 'x', 'y', 'node'),
          wait(1_200),
        ]),
      ),
    rules: [namesTheNearest],
    attacks: ['same /24 flood'],
  }),
  dhtCheck({
    id: 'dht.table.one-subnet-6',
    title: 'The subnet of an IPv6 address is its first 48 bits',
    clauses: ['DHT-025', 'DHT-040'],
    plans: fc.integer({ min: 14, max: 20 }).map((count) =>
      plan([
        ...contacts(0, 2),
        ...Array.from({ length: count }, (_, index) => {
          const host = `2a00:1450:4001:${(256 * (index + 1)).toString(16)}::5`;
          return contact(2 + index, { host, listens: [`ws://[${host}]:7600`] });
        }),
        client(ASKER),
        ...questions(ASKER, 'x', 'y', 'node'),
        wait(1_200),
      ]),
    ),
    rules: [namesTheNearest],
    runs: 2,
    attacks: ['same /24 flood'],
  }),
  dhtCheck({
    id: 'dht.table.subnet-released',
    title: 'Who is gone takes no place of its subnet any more',
    clauses: ['DHT-021', 'DHT-040'],
    plans: fc.constantFrom(2, 3).map((most) =>
      plan(
        [
          ...Array.from({ length: most }, (_, index) => contact(index, { host: `6.6.6.${index + 1}` })),
          client(ASKER),
          wait(200_000),
          contact(20, { host: '6.6.6.20' }),
          ...questions(ASKER, 'x', 'c20'),
          wait(1_200),
        ],
        {
          overrides: {
            'dht.subnet_table_max': String(most),
            'dht.subnet_bucket_max': String(most),
            'dht.check_ms': '10000',
            'dht.query_timeout_ms': '2000',
          },
        },
      ),
    ),
    rules: [namesTheNearest],
    runs: 2,
  }),
  dhtCheck({
    id: 'dht.table.dead-contact',
    title: 'A contact that no longer answers is replaced by one that waited; one that answers stays',
    clauses: ['DHT-029', 'DHT-024', 'DHT-040'],
    plans: fc.constantFrom(2, 3).map((count) =>
      plan(
        [
          ...contacts(0, count),
          ...answersOn(1, count),
          client(ASKER),
          ...Array.from({ length: 13 }, () => [wait(5_300), ...questions(ASKER, 'x', 'c0')]).flat(),
          wait(1_200),
        ],
        {
          overrides: { 'dht.bucket_size': '1', 'dht.check_ms': '10000', 'dht.query_timeout_ms': '2000' },
        },
      ),
    ),
    rules: [namesTheNearest],
    runs: 2,
  }),
  dhtCheck({
    id: 'dht.check.pace',
    title: 'The head of one bucket is checked in each interval, whatever newcomers do',
    clauses: ['DHT-026', 'DHT-027'],
    plans: fc
      .integer({ min: 0, max: 12 })
      .map((newcomers) =>
        plan([
          ...contacts(0, 4),
          ...answersOn(0, 4),
          wait(25_000),
          ...contacts(4, 4 + newcomers),
          ...answersOn(4, 4 + newcomers),
          wait(45_000),
        ]),
      ),
    rules: [checksAtItsOwnPace],
    runs: 4,
    attacks: ['newcomer-triggered eviction'],
  }),
  dhtCheck({
    id: 'dht.ping.answer',
    title: 'A DhtPing is answered with a DhtPong',
    clauses: ['DHT-046'],
    levels: ['adapter', 'wire'],
    plans: fc.constant(
      plan([
        client(0, '127.0.0.1'),
        { op: 'frames', link: 0, frames: [messageFrame('DhtPing', {}), messageFrame('DhtPing', {})] },
        wait(1_700),
      ]),
    ),
    rules: [answersPings],
  }),
  dhtCheck({
    id: 'dht.find-node.wire',
    title: 'Peers with sessions are named to each other',
    clauses: ['DHT-040', 'DHT-021', 'DHT-003'],
    levels: ['wire'],
    plans: fc.constant(
      plan([
        contact(0, { host: '127.0.0.1', listens: ['ws://127.0.0.1:7600'] }),
        client(1, '127.0.0.1'),
        findNode(1, 'x'),
        findNode(1, 'node'),
        wait(1_200),
      ]),
    ),
    rules: [namesOnlyVerified],
  }),
  dhtCheck({
    id: 'dht.table.hearsay',
    title: 'Who was only spoken of is not named',
    clauses: ['DHT-022', 'DHT-105'],
    needs: [...DHT_NEEDS, 'datagrams'],
    plans: fc
      .integer({ min: 1, max: 4 })
      .map((count) =>
        plan([
          ...entry(0, knows(named(...Array.from({ length: count }, (_, index) => 20 + index)))),
          client(ASKER),
          wait(500),
          ...questions(ASKER, 'p20', 'p21', 'x'),
          wait(12_000),
          ...questions(ASKER, 'p20', 'p21', 'x'),
          wait(1_200),
        ]),
      ),
    rules: [namesOnlyVerified],
    attacks: ['learning from unsolicited contact'],
  }),
  dhtCheck({
    id: 'dht.table.asker-by-datagram',
    title: 'An asker that comes by datagram is checked before it is named',
    clauses: ['DHT-030', 'DHT-022', 'DHT-040'],
    needs: [...DHT_NEEDS, 'datagrams'],
    plans: fc
      .shuffledSubarray([7, 8], { minLength: 2 })
      .map((order) =>
        plan([
          answering(7, knows([])),
          client(ASKER),
          ...order.map((index) => introduces(index)),
          wait(100),
          ...order.map((index) => introduces(index, true)),
          wait(100),
          ...questions(ASKER, 'p7', 'p8'),
          wait(6_000),
          ...questions(ASKER, 'p7', 'p8'),
          wait(1_200),
        ]),
      ),
    rules: [checksAskers, namesOnlyVerified, namesTheNearest],
    runs: 2,
  }),
  dhtCheck({
    id: 'dht.look-around',
    title: 'With its first contact a node looks for its own neighbours, then into every bucket, again and again',
    clauses: ['DHT-101', 'DHT-102'],
    plans: fc.constant(plan([...contacts(0, 3), ...answersOn(0, 3), wait(110_000)], { overrides: { 'dht.refresh_ms': '20000' } })),
    rules: [looksAround],
  }),
];
