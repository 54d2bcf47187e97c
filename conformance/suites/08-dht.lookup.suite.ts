/** How a node looks for others, what it believes, and what it publishes. */
import fc from 'fast-check';
import {
  answering,
  ask,
  client,
  command,
  contact,
  entry,
  findNode,
  hostOf,
  key,
  knows,
  LOOKUP_NEEDS,
  mutableKey,
  named,
  provider,
  value,
} from '../arbitraries/dht-plans.ts';
import { plan, wait } from '../arbitraries/gossip-plans.ts';
import type { Json, Step, Value } from '../driver/plan.ts';
import { asksOnlyAdmissible, doesNotAskItself, namesOnlyVerified } from '../invariants/dht-answers.ts';
import { asksInOrder, endsInTime, givesWhatItFound } from '../invariants/dht-lookup.ts';
import { expectsUntilTaken, publishesInTime, putsToTheNearest, retriesUntaken } from '../invariants/dht-publishing.ts';
import { closesOnBadReplies, dialsWithinBounds, spreadsByTheEstimate, triesHints, triesHintsAgain } from '../invariants/dht-upkeep.ts';
import { formatPeerId } from '../model/peer-id.ts';
import type { Check } from '../runner/check.ts';
import { dhtCheck } from './dht-check.ts';

const target = (name: string): Value => ({ peerId: name });

/** A chain: peer 0 has a session, each knows the next ones, the last know each other. */
function chain(length: number, width: number, more: (index: number) => Parameters<typeof knows>[1] = () => ({})): Step[] {
  const next = (index: number): number[] => Array.from({ length: width }, (_, step) => index + 1 + step).filter((other) => other < length);
  return [
    ...Array.from({ length: length - 1 }, (_, index) => answering(index + 1, knows(named(...next(index + 1)), more(index + 1)))),
    ...entry(0, knows(named(...next(0)), more(0))),
  ];
}

/** Nothing but what the plan is about. */
const CALM = { 'dht.refresh_ms': '86400000', 'dht.check_ms': '60000' };
/** E_DHT_QUOTA and E_DHT_SEQUENCE (chapter 20). */
const QUOTA = 85;
const NEWER = 84;

const SMALL = { 'dht.bucket_size': '4', 'dht.region_nodes': '100' };

export const checks: readonly Check[] = [
  dhtCheck({
    id: 'dht.lookup.order',
    title: 'A lookup asks the nearest that it has heard of, each once, and ends when the nearest have answered',
    clauses: ['DHT-070', 'DHT-071', 'DHT-072', 'DHT-073', 'DHT-074', 'DHT-086', 'DHT-087'],
    needs: LOOKUP_NEEDS,
    plans: fc
      .record({
        length: fc.integer({ min: 3, max: 14 }),
        width: fc.integer({ min: 1, max: 4 }),
        k: fc.constantFrom('3', '20'),
        late: fc.boolean(),
      })
      .map(({ length, width, k, late }) =>
        plan(
          [
            ...chain(length, width, (index) => (late ? { afterMs: 20 * (index % 4) } : {})),
            wait(30_000),
            command('a', 'dht.lookup', target('x')),
            wait(40_000),
          ],
          { overrides: { 'dht.bucket_size': k } },
        ),
      ),
    rules: [asksInOrder, endsInTime, givesWhatItFound],
    runs: 6,
  }),
  dhtCheck({
    id: 'dht.lookup.depth',
    title: 'A lookup tells how far it went, and how far off the nearest was named',
    clauses: ['DHT-086'],
    needs: LOOKUP_NEEDS,
    plans: fc.tuple(fc.integer({ min: 3, max: 8 }), fc.constantFrom('x', 'y', 'z', 'p2', 'p3')).map(([length, name]) =>
      plan(
        [
          ...entry(0, knows([])),
          wait(30_000),
          // Of the others the node hears in this lookup only.
          ...chain(length, 1).slice(0, length - 1),
          answering(0, knows(named(1))),
          command('a', 'dht.lookup', target(name)),
          wait(20_000),
        ],
        { overrides: CALM },
      ),
    ),
    rules: [givesWhatItFound],
    runs: 4,
  }),
  dhtCheck({
    id: 'dht.lookup.silence',
    title: 'Those who do not answer are passed over, and the lookup ends all the same',
    clauses: ['DHT-074', 'DHT-086', 'DHT-087', 'DHT-071'],
    needs: LOOKUP_NEEDS,
    plans: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }).map((silent) =>
      plan([
        ...Array.from({ length: 9 }, (_, index) => index + 1)
          .filter((index) => !silent.includes(index))
          .map((index) => answering(index, knows(named(1, 2, 3, 4, 5, 6, 7, 8, 9)))),
        ...entry(0, knows(named(1, 2, 3, 4, 5, 6, 7, 8, 9))),
        wait(60_000),
        command('a', 'dht.lookup', target('x')),
        wait(60_000),
      ]),
    ),
    rules: [endsInTime, asksInOrder, givesWhatItFound],
    runs: 4,
  }),
  dhtCheck({
    id: 'dht.lookup.endless',
    title: 'Somebody who always knows a nearer one does not keep a lookup going for ever',
    clauses: ['DHT-078', 'DHT-072'],
    needs: LOOKUP_NEEDS,
    plans: fc.constant(
      plan([...chain(20, 3), wait(1_000), command('a', 'dht.lookup', target('x')), wait(30_000)], {
        overrides: { 'dht.lookup_queries_max': '8', 'dht.bucket_size': '8', 'dht.paths': '1' },
      }),
    ),
    rules: [asksInOrder, endsInTime],
    attacks: ['closer-than-possible infinite chain'],
  }),
  dhtCheck({
    id: 'dht.lookup.admissible',
    title: 'Whoever is named with private addresses is neither asked nor dialled',
    clauses: ['DHT-012', 'DHT-013', 'DHT-081'],
    needs: LOOKUP_NEEDS,
    plans: fc
      .record({
        policy: fc.constantFrom('public', 'devnet'),
        host: fc.constantFrom('10.9.8.7', '192.168.1.1', '198.51.100.7', '224.0.0.9', '240.0.0.1'),
      })
      .map(({ policy, host }) => {
        const bad = ['udp', 'ws'].map(
          (scheme, index): Value => ({ contact: { peer: `bad${index}`, addresses: [`${scheme}://${host}:7600`] } }),
        );
        return plan(
          [
            answering(1, knows([])),
            ...entry(0, knows([...bad, ...named(1)])),
            wait(1_000),
            command('a', 'dht.lookup', target('bad0')),
            wait(15_000),
          ],
          {
            overrides: { 'dht.address_policy': policy },
          },
        );
      }),
    rules: [asksOnlyAdmissible],
    runs: 6,
    attacks: ['private addresses'],
  }),
  dhtCheck({
    id: 'dht.lookup.itself',
    title: 'Where others say that the node itself is, it does not ask',
    clauses: ['DHT-081'],
    needs: LOOKUP_NEEDS,
    plans: fc
      .constantFrom('x', 'node')
      .map((name) =>
        plan([
          answering(1, knows([])),
          ...entry(
            0,
            knows([{ contact: { peer: 'node', addresses: [`udp://${hostOf(9)}:7600`, `ws://${hostOf(9)}:7600`] } }, ...named(1)]),
          ),
          wait(1_000),
          command('a', 'dht.lookup', target(name)),
          wait(15_000),
        ]),
      ),
    rules: [doesNotAskItself],
    runs: 2,
    attacks: ['self insert'],
  }),
  dhtCheck({
    id: 'dht.lookup.impostor',
    title: 'An answer by somebody else is none',
    clauses: ['DHT-080', 'DHT-022'],
    needs: LOOKUP_NEEDS,
    plans: fc.constant(
      plan([
        { op: 'behave', as: 'dht.impostor', with: { signer: 'impostor' }, at: `${hostOf(1)}:7600`, peer: 'p1' },
        ...entry(0, knows(named(1))),
        client(40),
        wait(1_000),
        command('a', 'dht.lookup', target('p1')),
        wait(15_000),
        findNode(40, 'p1'),
        findNode(40, 'impostor'),
        wait(1_200),
      ]),
    ),
    rules: [namesOnlyVerified, givesWhatItFound],
    attacks: ['ids not matching keys'],
  }),
  dhtCheck({
    id: 'dht.reply.too-many',
    title: 'A reply with more contacts, records or values than allowed ends the session; one at the limit does not',
    clauses: ['DHT-082'],
    plans: fc.constantFrom(21, 22, 30).map((count) => {
      const many = (size: number): Json =>
        knows(
          Array.from(
            { length: size },
            (_, index): Value => ({ contact: { peer: `n${index}`, addresses: [`udp://${hostOf(50 + index)}:1`] } }),
          ),
        );
      return plan([
        contact(0),
        contact(1),
        { op: 'behave', as: 'answers', link: 0, with: many(count) },
        { op: 'behave', as: 'answers', link: 1, with: many(20) },
        wait(20_000),
      ]);
    }),
    rules: [closesOnBadReplies],
    runs: 3,
    attacks: ['> k nodes reply'],
  }),
  dhtCheck({
    id: 'dht.providers.found',
    title: 'A lookup for providers goes on through false ones, asks everybody in the region, and gives what is in order',
    clauses: ['DHT-074', 'DHT-075', 'DHT-077', 'DHT-079', 'DHT-084', 'DHT-086', 'DHT-071', 'DHT-072'],
    needs: LOOKUP_NEEDS,
    plans: fc
      .record({
        length: fc.integer({ min: 8, max: 12 }),
        liars: fc.uniqueArray(fc.integer({ min: 0, max: 11 }), { maxLength: 4 }),
        paths: fc.constantFrom('1', '4'),
      })
      .map(({ length, liars, paths }) =>
        plan(
          [
            ...chain(length, 3, (index) => {
              if (!liars.includes(index) && index !== length - 1) return {};
              const host = hostOf(index);
              return {
                providers: [
                  provider(`s${index}`, `good ${index}`, { host }),
                  provider(`t${index}`, `other key ${index}`, { host, key: key('another') }),
                  { ...provider(`u${index}`, `bad ${index}`, { host }), defect: { kind: 'signature' } as const },
                ],
              };
            }),
            wait(30_000),
            command('a', 'dht.providers', key('content')),
            wait(40_000),
          ],
          { overrides: { ...SMALL, 'dht.paths': paths } },
        ),
      ),
    rules: [endsInTime, asksInOrder, givesWhatItFound],
    runs: 6,
    attacks: ['early termination with false providers'],
  }),
  dhtCheck({
    id: 'dht.provide.again',
    title: 'What a node provides it publishes to those nearest, and anew before it is over, until it is withdrawn',
    clauses: ['DHT-090', 'DHT-091', 'DHT-092', 'DHT-093', 'DHT-094'],
    needs: LOOKUP_NEEDS,
    // With few nearest and a wide region it is the region that counts.
    plans: fc.constantFrom(1, 0).map((short) =>
      plan(
        [
          ...chain(5, 3),
          wait(5_000),
          command('a', 'dht.provide', key('content'), { u64: short }),
          wait(350_000),
          command('b', 'dht.unprovide', key('content')),
          wait(150_000),
        ],
        {
          overrides: {
            'dht.refresh_ms': '86400000',
            'dht.check_ms': '60000',
            'dht.provider_ttl_ms': '240000',
            'dht.short_ttl_ms': '180000',
            'dht.bucket_size': '2',
            'dht.region_nodes': '100',
          },
          listenAddresses: ['udp://7.7.7.7:7600'],
        },
      ),
    ),
    rules: [publishesInTime],
    runs: 2,
  }),
  dhtCheck({
    id: 'dht.provide.retry',
    title: 'What nobody took is published again, soon at first, until somebody takes it',
    clauses: ['DHT-096', 'DHT-093'],
    needs: LOOKUP_NEEDS,
    plans: fc
      .record({ early: fc.boolean(), refused: fc.constantFrom(1, 3) })
      .map(({ early, refused }) =>
        plan(
          early
            ? [command('a', 'dht.provide', key('content'), { u64: 0 }), wait(refused * 20_000), ...chain(4, 3), wait(130_000)]
            : [
                ...chain(4, 3, () => ({ writeCode: QUOTA })),
                wait(5_000),
                command('a', 'dht.provide', key('content'), { u64: 0 }),
                wait(refused * 45_000),
                ...[0, 1, 2, 3].map((index) => answering(index, knows(named(0, 1, 2, 3)))),
                wait(240_000),
                command('b', 'dht.unprovide', key('content')),
                wait(60_000),
              ],
          { overrides: CALM, listenAddresses: ['udp://7.7.7.7:7600'] },
        ),
      ),
    rules: [retriesUntaken],
    runs: 4,
  }),
  dhtCheck({
    id: 'dht.put.expects',
    title: 'A value says what it replaces until somebody takes it',
    clauses: ['DHT-097', 'DHT-096'],
    needs: LOOKUP_NEEDS,
    plans: fc
      .constantFrom(1, 2)
      .map((refused) =>
        plan(
          [
            ...chain(4, 3, () => ({ writeCode: refused === 1 ? QUOTA : NEWER })),
            wait(5_000),
            command('a', 'dht.put', { utf8: 'mutable' }, { utf8: 'salt' }, { u64: 5 }, { utf8: 'data' }, { u64: 5 }),
            wait(refused * 40_000),
            ...[0, 1, 2, 3].map((index) => answering(index, knows(named(0, 1, 2, 3)))),
            wait(400_000),
          ],
          { overrides: { ...CALM, 'dht.provider_ttl_ms': '300000', 'dht.short_ttl_ms': '180000' } },
        ),
      ),
    rules: [expectsUntilTaken, retriesUntaken],
    runs: 2,
  }),
  dhtCheck({
    id: 'dht.bootstrap.list',
    title: 'Texts of a list are first questions: strictly read, bounded in number, and asked for again while nobody answers',
    clauses: ['DHT-103', 'DHT-104', 'DHT-100'],
    needs: [...LOOKUP_NEEDS, 'resolve'],
    plans: fc.constant(
      plan(
        [
          wait(100),
          {
            op: 'resolved',
            name: 'seeds.example',
            texts: ['v=spf1 -all', `crl=nobody@udp://${hostOf(1)}:7600`, `udp://${hostOf(2)}:7600`],
          },
          wait(95_000),
        ],
        { bootstrap: ['dns:seeds.example'] },
      ),
    ),
    rules: [triesHints],
    attacks: ['DNS list poisoning'],
  }),
  dhtCheck({
    id: 'dht.bootstrap.many',
    title: 'Of a long list the first texts are tried, and no more',
    clauses: ['DHT-100', 'DHT-104', 'DHT-105', 'DHT-022'],
    needs: [...LOOKUP_NEEDS, 'resolve'],
    plans: fc.constantFrom(1, 2, 3).map((most) =>
      plan(
        [
          client(40),
          wait(100),
          {
            op: 'resolved',
            name: 'seeds.example',
            texts: [1, 2, 3, 4].map((index) => `crl=${formatPeerId(new Uint8Array(32).fill(index))}@udp://${hostOf(index)}:7600`),
          },
          wait(200),
          findNode(40, 'x'),
          wait(60_000),
        ],
        { bootstrap: ['dns:seeds.example'], overrides: { 'dht.hints_max': String(most) } },
      ),
    ),
    rules: [triesHints, namesOnlyVerified],
    runs: 3,
    attacks: ['DNS list poisoning'],
  }),
  dhtCheck({
    id: 'dht.bootstrap.again',
    title: 'A node that has lost all its contacts tries its hints again',
    clauses: ['DHT-103'],
    needs: [...LOOKUP_NEEDS, 'resolve'],
    plans: fc.constantFrom(1, 2).map((count) =>
      plan([...Array.from({ length: count }, (_, link) => contact(link)), wait(260_000)], {
        bootstrap: ['dns:seeds.example'],
        overrides: { 'dht.check_ms': '10000', 'dht.query_timeout_ms': '2000' },
      }),
    ),
    rules: [triesHintsAgain],
    runs: 2,
  }),
  dhtCheck({
    id: 'dht.replies.ask-back',
    title: 'While it looks for others a node goes on answering',
    clauses: ['DHT-040', 'DHT-022'],
    needs: LOOKUP_NEEDS,
    plans: fc.constant(
      plan([
        ...chain(8, 2),
        client(40),
        wait(200),
        command('a', 'dht.lookup', target('x')),
        ask(40, 'FindNode', { target: target('x') }),
        wait(20_000),
      ]),
    ),
    rules: [namesOnlyVerified],
  }),
  dhtCheck({
    id: 'dht.get.checked',
    title: 'Of the values that come, only those of the key count, and the one that wins is given',
    clauses: ['DHT-085', 'DHT-086', 'DHT-079', 'DHT-075'],
    needs: LOOKUP_NEEDS,
    plans: fc.shuffledSubarray([1, 2, 3, 7], { minLength: 2 }).map((sequences) =>
      plan(
        [
          ...chain(6, 3, (index) => {
            const sequence = sequences[index - 1];
            const mutable = (sealed: ReturnType<typeof value>): Value => ({ namespace: 'mutable', content: { sealed } });
            if (sequence === undefined) return {};
            const wrong =
              index % 2 === 0
                ? value('stranger', `w${index}`, { sequence: 99 })
                : { ...value('author', `b${index}`, { sequence: 98 }), defect: { kind: 'signature' } as const };
            return { values: [mutable(value('author', `s${sequence}`, { sequence })), mutable(wrong)] };
          }),
          wait(30_000),
          command('a', 'dht.get', mutableKey('author')),
          wait(40_000),
        ],
        { overrides: SMALL },
      ),
    ),
    rules: [givesWhatItFound, asksInOrder, endsInTime],
    attacks: ['ids not matching keys'],
  }),
  dhtCheck({
    id: 'dht.get.nothing',
    title: 'Where nothing of the key is found, no namespace, no sequence and no content are given',
    clauses: ['DHT-085', 'DHT-086'],
    needs: LOOKUP_NEEDS,
    plans: fc.boolean().map((hasFalse) => {
      const sealed = { ...value('author', 'bad', { sequence: 98 }), defect: { kind: 'signature' } as const };
      return plan([
        ...chain(5, 3, (index) => (hasFalse && index > 1 ? { values: [{ namespace: 'mutable', content: { sealed } }] } : {})),
        wait(30_000),
        command('a', 'dht.get', mutableKey('author')),
        wait(40_000),
      ]);
    }),
    rules: [givesWhatItFound],
    runs: 2,
  }),
  dhtCheck({
    id: 'dht.put.nearest',
    title: 'A value is put to those nearest to its key',
    clauses: ['DHT-095'],
    needs: LOOKUP_NEEDS,
    plans: fc
      .integer({ min: 2, max: 8 })
      .map((length) =>
        plan([
          ...chain(length, 3),
          wait(30_000),
          command('a', 'dht.put', { utf8: 'mutable' }, { utf8: 'salt' }, { u64: 1 }, { utf8: 'data' }, { u64: 0 }),
          wait(30_000),
        ]),
      ),
    rules: [putsToTheNearest],
    runs: 3,
  }),
  dhtCheck({
    id: 'dht.lookup.dials',
    title: 'Only so many contacts are dialled at a time',
    clauses: ['DHT-088'],
    needs: ['dht/1', 'commands', 'outbound'],
    plans: fc.constantFrom(1, 2).map((most) => {
      const far = [1, 2, 3, 4, 5, 6].map((index): Value => ({ contact: { peer: `w${index}`, addresses: [`ws://${hostOf(index)}:7600`] } }));
      return plan(
        [
          contact(0),
          { op: 'behave', as: 'answers', link: 0, with: knows(far) },
          { op: 'behave', as: 'lost', at: [1, 2, 3, 4, 5, 6].map((index) => `ws://${hostOf(index)}:7600`), peer: 'w1' },
          wait(8_000),
          command('a', 'dht.lookup', target('x')),
          command('b', 'dht.lookup', target('y')),
          wait(60_000),
        ],
        { overrides: { 'dht.dials_max': String(most), 'dht.query_timeout_ms': '2000' } },
      );
    }),
    rules: [dialsWithinBounds],
    runs: 2,
  }),
  dhtCheck({
    id: 'dht.size.used',
    title: 'Where no size of the network is configured, messages are pushed by the estimate',
    clauses: ['DHT-111'],
    needs: ['dht/1', 'gossip/1'],
    plans: fc
      .integer({ min: 12, max: 16 })
      .map((count) =>
        plan(
          [
            ...Array.from({ length: count }, (_, link) => [
              contact(link),
              { op: 'behave', as: 'answers', link, with: knows([]) } as Step,
            ]).flat(),
            wait(60_000),
            { op: 'publish', topic: 'app/kit', data: '01' },
            wait(1_500),
          ],
          { overrides: { 'gossip.network_size': '0', 'dht.refresh_ms': '20000' } },
        ),
      ),
    rules: [spreadsByTheEstimate],
    runs: 2,
  }),
  dhtCheck({
    id: 'dht.size.remembered',
    title: 'The estimate looks back on more than the last lookup',
    clauses: ['DHT-110', 'DHT-111'],
    needs: ['dht/1', 'gossip/1'],
    plans: fc.constantFrom(1, 2).map((left) => {
      const links = Array.from({ length: 14 }, (_, link) => link);
      const answers = (link: number): Step => ({ op: 'behave', as: 'answers', link, with: knows([]) });
      return plan(
        [
          ...links.flatMap((link) => [contact(link), answers(link)]),
          wait(45_000),
          // From now on most say nothing to questions, though their sessions stay.
          ...links.slice(left).map((link): Step => ({ op: 'behave', as: 'answers', link, with: {} })),
          wait(90_000),
          { op: 'publish', topic: 'app/kit', data: '01' },
          wait(1_500),
        ],
        { overrides: { 'gossip.network_size': '0', 'dht.refresh_ms': '20000', 'dht.estimate_samples': '256' } },
      );
    }),
    rules: [spreadsByTheEstimate],
    runs: 2,
  }),
];
