/** A node that is asked: sketches, tables, ranges and items of its records, and requests that nobody makes. */
import fc from 'fast-check';
import { wait } from '../arbitraries/gossip-plans.ts';
import { given, pose, puller, reconciler, sketchFields, stakedPlan } from '../arbitraries/reconciliation-plans.ts';
import { contactRecord, pushRecords, recordsSession, sizedRecord } from '../arbitraries/records-plans.ts';
import type { Step, ValueFields } from '../driver/plan.ts';
import {
  answersOrCloses,
  givesItems,
  rangesItsSet,
  saysWhatIs,
  sketchesItsSet,
  tablesItsSet,
} from '../invariants/reconciliation-answer.ts';
import type { Check } from '../runner/check.ts';
import { reconciliationCheck } from './reconciliation-check.ts';

const ANSWER = wait(1_500, 700);

const TABLES = ['iblt/1', 'reconcile/1'];

/** What a request that goes on may get wrong; the first goes on with nothing, the second is in order. */
const TWISTS: readonly ValueFields[] = [{}, {}, { first: 31 }, { first: 33 }, { first: 1 }, { salt: '11'.repeat(16) }, { prefixBits: 1 }];

/** Requests that nobody makes, each with its twin in order: clause, message, fields. */
const SKETCHES: readonly (readonly [string, ValueFields, ValueFields])[] = [
  ['RCN-028', sketchFields(1, { count: 1 }), sketchFields(1, { count: 0 })],
  ['RCN-028', sketchFields(2, { count: 2048 }), sketchFields(2, { count: 2049 })],
  ['RCN-028', sketchFields(3, { first: 5 }), sketchFields(3, { first: 2_147_483_640 })],
  ['RCN-029', sketchFields(4, { prefixBits: 16, prefix: 65_535 }), sketchFields(4, { prefixBits: 17, prefix: 65_535 })],
  ['RCN-029', sketchFields(5, { prefixBits: 3, prefix: 7 }), sketchFields(5, { prefixBits: 3, prefix: 8 })],
  ['RCN-029', sketchFields(6, { prefixBits: 0, prefix: 0 }), sketchFields(6, { prefixBits: 0, prefix: 1 })],
  ['RCN-065', sketchFields(7), sketchFields(7, { count: 0, cells: 24 })],
];

function idList(count: number): string[] {
  return Array.from({ length: count }, (_, i) => (i + 1).toString(16).padStart(64, '0'));
}

const FETCHES: readonly (readonly [ValueFields, ValueFields])[] = [
  [{ set: 1, ids: idList(1) }, { set: 1 }],
  [
    { set: 1, ids: idList(100) },
    { set: 1, ids: idList(101) },
  ],
  [
    { set: 1, ids: idList(99), shortIds: ['0000000000000001'] },
    { set: 1, ids: idList(100), shortIds: ['0000000000000001'] },
  ],
];

const LIMITS: readonly (readonly [string, ValueFields, ValueFields])[] = [
  ...SKETCHES.map(([, good, bad]) => ['SketchRequest', good, bad] as const),
  ...FETCHES.map(([good, bad]) => ['FetchRequest', good, bad] as const),
];

const ZEROS = '00'.repeat(16);
const RANGES: readonly (readonly [string, string, string])[] = [
  ['RCN-078', '6100000200', '6200000200'],
  ['RCN-078', `61000001${ZEROS}`, `61000001${ZEROS.slice(2)}`],
  ['RCN-078', `61000001${ZEROS}`, `61000003${ZEROS}`],
  ['RCN-078', `6100000201${'11'.repeat(32)}`, `6100000202${'11'.repeat(32)}`],
  ['RCN-078', '6100000200', '610000028fffffffffffff7f'],
  ['RCN-079', `61650000020000000100${ZEROS}`.replace('020000000100', '00000001'), '6165000001000000'],
  ['RCN-079', '6165000000000200', '6100000000000200'],
  ['RCN-079', '6101000000000200', '6165000001000000000200'],
];

export const checks: readonly Check[] = [
  reconciliationCheck({
    id: 'reconcile.answer.sketch',
    title: 'A sketch has the symbols of the set, however many are asked for at a time',
    clauses: ['RCN-020'],
    plans: fc
      .record({
        count: fc.integer({ min: 0, max: 12 }),
        first: fc.constantFrom(1, 8, 32, 200),
        more: fc.constantFrom(1, 5, 16),
        pauseMs: fc.constantFrom(5, 400),
      })
      .map(({ count, first, more, pauseMs }) =>
        stakedPlan([...given(count), ...puller(0, { first, more, pauseMs, atMs: [0, 12_000] }), wait(24_000)]),
      ),
    rules: [sketchesItsSet, answersOrCloses],
    runs: 5,
  }),
  reconciliationCheck({
    id: 'reconcile.answer.moving',
    title: 'A sketch stays that of its first request while records come',
    clauses: ['RCN-020', 'RCN-024'],
    plans: fc
      .integer({ min: 4, max: 8 })
      .map((count) =>
        stakedPlan([...given(count), ...puller(0, { first: 4, more: 4, pauseMs: 900 }), wait(700), ...given(3, 20).slice(1), wait(12_000)]),
      ),
    rules: [sketchesItsSet, saysWhatIs],
  }),
  reconciliationCheck({
    id: 'reconcile.answer.partition',
    title: 'A partition has its items alone; one that is too large is not sketched',
    clauses: ['RCN-001', 'RCN-020', 'RCN-022'],
    plans: fc
      .record({ count: fc.integer({ min: 10, max: 26 }), share: fc.integer({ min: 0, max: 65_535 }) })
      .map(({ count, share }) =>
        stakedPlan([
          ...given(count),
          ...[0, 1, 2, 3, 8, 16].flatMap((prefixBits, link) => puller(link, { prefixBits, prefix: share >> (16 - prefixBits) })),
          wait(3_000),
        ]),
      ),
    rules: [saysWhatIs, sketchesItsSet],
    runs: 5,
    attacks: ['prefix-edges'],
  }),
  reconciliationCheck({
    id: 'reconcile.answer.same',
    title: 'Equal digests are answered without symbols, others with them',
    clauses: ['RCN-021'],
    plans: fc.integer({ min: 1, max: 12 }).map((count) =>
      stakedPlan(
        [
          ...given(count),
          wait(3_000),
          ...['found', 'other', 'none'].flatMap((digest, link) => puller(link, { digest, atMs: [0, 1_100, 2_200] })),
          // A digest is that of the partition.
          ...[0, 1].flatMap((prefix) => puller(3 + prefix, { digest: 'found', atMs: [0, 1_100, 2_200], prefixBits: 1, prefix })),
          wait(5_000),
        ],
        { 'reconcile.sketches_kept_max': '64' },
      ),
    ),
    rules: [saysWhatIs],
    runs: 3,
  }),
  reconciliationCheck({
    id: 'reconcile.answer.gone',
    title: 'A request that goes on with nothing, or elsewhere, finds nothing; one that goes on in time finds its symbols',
    clauses: ['RCN-023', 'RCN-024'],
    plans: fc.record({ first: fc.integer({ min: 0, max: 2 }), pauseMs: fc.constantFrom(3_000, 9_000, 9_800) }).map(({ first, pauseMs }) =>
      stakedPlan(
        [
          ...given(3),
          ...TWISTS.map((_, link) => reconciler(link)),
          ...TWISTS.flatMap((_, link) => (link === 0 ? [] : pose(link, ['SketchRequest', sketchFields(1 + link)]))),
          wait(pauseMs),
          ...TWISTS.flatMap((twist, link) =>
            pose(link, ['SketchRequest', sketchFields(1 + link, { first: 32, count: 4 + first, ...twist })]),
          ),
          wait(400),
          // What was answered as gone ends nothing.
          ...TWISTS.flatMap((_, link) =>
            pose(link, ['SketchRequest', sketchFields(1 + link, { first: link === 1 ? 36 + first : 32, count: 3 })]),
          ),
          ANSWER,
        ],
        { 'reconcile.sketches_kept_max': '64' },
      ),
    ),
    rules: [saysWhatIs, answersOrCloses],
    runs: 3,
  }),
  reconciliationCheck({
    id: 'reconcile.answer.still-there',
    title: 'The time of a sketch begins anew with each request, and fetching from it does not end it',
    clauses: ['RCN-024'],
    plans: fc
      .constantFrom(6_000, 9_000, 9_800)
      .map((pauseMs) =>
        stakedPlan([
          ...given(3),
          ...[0, 1].map((link) => reconciler(link)),
          ...[0, 1].flatMap((link) => pose(link, ['SketchRequest', sketchFields(1 + link)])),
          wait(pauseMs),
          ...pose(0, ['SketchRequest', sketchFields(1, { first: 32, count: 4 })]),
          ...pose(1, ['FetchRequest', { set: 1, shortIds: ['0000000000000001'] }]),
          wait(300),
          ...pose(1, ['SketchRequest', sketchFields(2, { first: 32, count: 4 })]),
          wait(pauseMs),
          ...[0, 1].flatMap((link) => pose(link, ['SketchRequest', sketchFields(1 + link, { first: 36, count: 4 })])),
          ANSWER,
        ]),
      ),
    rules: [saysWhatIs],
    runs: 3,
  }),
  reconciliationCheck({
    id: 'reconcile.answer.largest',
    title: 'A partition of just as many items as may be is sketched',
    clauses: ['RCN-022'],
    plans: fc
      .integer({ min: 8, max: 10 })
      .map((count) =>
        stakedPlan([
          ...given(count),
          ...Array.from({ length: 9 }, (_, i): Step[] => [
            reconciler(i),
            ...pose(i, ['SketchRequest', sketchFields(1 + i)]),
            pushRecords(900, contactRecord(`more-${i}`, { by: `stake-${20 + i}` })),
            wait(600),
          ]).flat(),
          ANSWER,
        ]),
      ),
    rules: [saysWhatIs],
    runs: 3,
  }),
  reconciliationCheck({
    id: 'reconcile.answer.kept',
    title: 'A sketch is kept while a few others begin theirs',
    clauses: ['RCN-024'],
    plans: fc
      .integer({ min: 0, max: 3 })
      .map((others) =>
        stakedPlan([
          ...given(3),
          ...Array.from({ length: others + 1 }, (_, link) => reconciler(link)),
          ...Array.from({ length: others + 1 }, (_, link) => pose(link, ['SketchRequest', sketchFields(1 + link)])).flat(),
          wait(200),
          ...pose(0, ['SketchRequest', sketchFields(1, { first: 32, count: 4 })]),
          ANSWER,
        ]),
      ),
    rules: [saysWhatIs],
  }),
  reconciliationCheck({
    id: 'reconcile.answer.busy',
    title: 'Sketches that are begun too often find the node busy',
    clauses: ['RCN-026'],
    plans: fc.uniqueArray(fc.integer({ min: 0, max: 30 }), { minLength: 3, maxLength: 10 }).map((moments) =>
      stakedPlan([
        ...given(2),
        ...puller(0, { atMs: moments.map((moment) => moment * 120).sort((a, b) => a - b), fetch: false }),
        // Another peer's sketches are counted apart.
        ...puller(1, { atMs: moments.map((moment) => moment * 120 + 30).sort((a, b) => a - b), fetch: false }),
        wait(6_000),
      ]),
    ),
    rules: [saysWhatIs],
    runs: 10,
  }),
  reconciliationCheck({
    id: 'reconcile.answer.no-set',
    title: 'A set that the node does not keep is answered as such',
    clauses: ['RCN-027'],
    levels: ['adapter', 'wire'],
    plans: fc
      .shuffledSubarray([0, 5, 9, 4_294_967_295], { minLength: 4 })
      .map((sets) =>
        stakedPlan([
          ...sets.flatMap((set, link) => [
            reconciler(link),
            ...pose(
              link,
              ['SketchRequest', sketchFields(1, { set })],
              ['SketchRequest', sketchFields(2)],
              ['FetchRequest', { set, ids: idList(1) }],
              ['RangeRequest', { set, message: '6100000200' }],
            ),
          ]),
          ANSWER,
        ]),
      ),
    rules: [saysWhatIs],
    runs: 1,
  }),
  reconciliationCheck({
    id: 'reconcile.answer.limits',
    title: 'Requests beyond the limits end the session, their twins do not',
    clauses: ['RCN-020', 'RCN-028', 'RCN-029', 'RCN-042', 'RCN-065'],
    plans: fc
      .shuffledSubarray([...LIMITS], { minLength: LIMITS.length })
      .map((cases) =>
        stakedPlan([
          ...cases.flatMap(([message, good, bad], i) => [
            reconciler(2 * i),
            reconciler(2 * i + 1),
            ...pose(2 * i, [message, good]),
            ...pose(2 * i + 1, [message, bad]),
          ]),
          ANSWER,
        ]),
      ),
    rules: [answersOrCloses],
    runs: 2,
    attacks: ['prefix-edges'],
  }),
  reconciliationCheck({
    id: 'reconcile.answer.fetch',
    title: 'Items come in the order asked for, without those that are not there',
    clauses: ['RCN-043', 'RCN-044'],
    plans: fc.integer({ min: 2, max: 12 }).map((count) => {
      const known = Array.from({ length: count }, (_, i) => ({ ref: `$*.fetchReply.items.${i}.id` }));
      const ids = (list: readonly { readonly ref: string }[]): ValueFields => ({ set: 1, ids: [idList(1)[0] ?? '', ...list] });
      return stakedPlan([
        ...given(count),
        ...puller(0),
        reconciler(1),
        wait(1_500),
        ...pose(0, ['FetchRequest', ids(known)]),
        ...pose(1, ['FetchRequest', { set: 1, shortIds: ['0000000000000001'] }]),
        // A sketch over one set is none over another.
        ...[1, 2].flatMap((set) => [
          reconciler(1 + set),
          ...pose(1 + set, ['SketchRequest', sketchFields(1, { set })], ['FetchRequest', { set: 3 - set, shortIds: ['0000000000000001'] }]),
        ]),
        wait(300),
        ...pose(0, ['FetchRequest', ids(known.toReversed().slice(0, 1))]),
        ANSWER,
      ]);
    }),
    rules: [givesItems, saysWhatIs],
    runs: 3,
  }),
  reconciliationCheck({
    id: 'reconcile.answer.full',
    title: 'Items come up to the first that does not fit, and none from behind it',
    clauses: ['RCN-043'],
    plans: fc.integer({ min: 43, max: 44 }).map((longs) => {
      const records = Array.from({ length: 46 }, (_, i) => {
        const by = i < 40 ? `stake-${i + 1}` : `late-${i}`;
        return i > longs ? contactRecord(`short-${i}`, { by }) : sizedRecord(`long-${i}`, 912, { by });
      });
      const fetch = (from: number, to: number): Step[] =>
        pose(0, ['FetchRequest', { set: 1, ids: records.slice(from, to).map((sealed) => ({ idOf: sealed })) }]);
      return stakedPlan(
        [
          recordsSession(900, 'pusher'),
          ...[0, 1, 2].map((part) => pushRecords(900, ...records.slice(16 * part, 16 * part + 16))),
          reconciler(0),
          wait(600),
          ...fetch(0, 23),
          ...fetch(23, 46),
          wait(600),
          ...fetch(0, 46),
          ANSWER,
        ],
        { 'reconcile.reply_bytes_max': '40000', 'records.origins_max': '64' },
      );
    }),
    rules: [givesItems],
    runs: 2,
  }),
  reconciliationCheck({
    id: 'reconcile.answer.ranges',
    title: 'Range messages in order are answered from the set, others end the session',
    clauses: ['RCN-075', 'RCN-078', 'RCN-079'],
    levels: ['adapter', 'wire'],
    plans: fc
      .record({ pairs: fc.shuffledSubarray([...RANGES], { minLength: RANGES.length }), count: fc.integer({ min: 2, max: 12 }) })
      .map(({ pairs, count }) =>
        stakedPlan([
          ...given(count),
          reconciler(100),
          ...pose(100, ['RangeRequest', { set: 1, message: '6100000200' }]),
          ...pairs.flatMap(([, good, bad], i) => [
            reconciler(2 * i),
            reconciler(2 * i + 1),
            ...pose(2 * i, ['RangeRequest', { set: 1, message: good }]),
            ...pose(2 * i + 1, ['RangeRequest', { set: 1, message: bad }]),
          ]),
          ANSWER,
        ]),
      ),
    rules: [rangesItsSet, answersOrCloses],
    runs: 2,
  }),
  reconciliationCheck({
    id: 'reconcile.answer.table',
    title: 'A table has the cells of the set',
    clauses: ['RCN-062', 'RCN-065'],
    needs: ['iblt/1'],
    plans: fc
      .integer({ min: 1, max: 12 })
      .map((count) =>
        stakedPlan(
          [
            ...given(count),
            wait(3_000),
            ...puller(50, {}, TABLES),
            wait(1_200),
            ...[8, 24, 96, 2048, 4, 10, 2052].flatMap((cells, link) => [
              reconciler(link, undefined, TABLES),
              ...pose(link, ['SketchRequest', sketchFields(9, { count: 0, cells })]),
            ]),
            ANSWER,
          ],
          { 'reconcile.iblt': 'on' },
        ),
      ),
    rules: [answersOrCloses, tablesItsSet],
    runs: 3,
  }),
];
