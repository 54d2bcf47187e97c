/** What a node holds and answers with: the table, its bounds, what goes and what stays. */
import fc from 'fast-check';
import { plan, wait } from '../arbitraries/gossip-plans.ts';
import {
  contactRecord,
  healthRecord,
  labelOf,
  pushRecords,
  rangeRecord,
  recordsSession,
  recordsSessions,
  requestRecords,
  snapshotRecord,
  versionRecord,
} from '../arbitraries/records-plans.ts';
import type { SealedSpec, Step } from '../driver/plan.ts';
import { messageFrame, newest } from '../driver/plan-values.ts';
import { answersHold, answersRequests, holdsItsOwn } from '../invariants/records-answer.ts';
import { acceptedIsPushed, refusedIsSilent } from '../invariants/records-push.ts';
import { rejectsCost } from '../invariants/records-superseded.ts';
import type { Held } from '../invariants/records-table.ts';
import type { RecordsView } from '../invariants/records-view.ts';
import type { Check } from '../runner/check.ts';
import { recordsCheck } from './records-check.ts';

const SMALL = { 'records.origins_max': '6', 'records.records_max': '24', 'records.unstaked_per_s': '1000' };

/** Why a record should have stayed. */
function clauseOfLoss(view: RecordsView, held: Held): string {
  if (view.table.hasStake(held.origin)) return 'REC-081';
  const isPeer = view.spans.some((span) => span.peerId === held.origin);
  return isPeer && held.record.kind === 1 ? 'REC-082' : 'REC-080';
}

function contacts(count: number, from = 0): readonly SealedSpec[] {
  return Array.from({ length: count }, (_, i) => contactRecord(`u${from + i}`, { by: `u${from + i}` }));
}

/** Each in a frame of its own, so that the order of acceptance is plain. */
function pushEach(link: number, records: readonly SealedSpec[]): Step[] {
  return records.map((record) => pushRecords(link, record));
}

/** Questions for all records of all these origins, at most 32 in a frame. */
function askFor(link: number, labels: readonly string[]): Step[] {
  return Array.from({ length: Math.ceil(labels.length / 8) }, (_, frame) =>
    requestRecords(link, ...labels.slice(8 * frame, 8 * frame + 8).map((label) => labelOf(label))),
  );
}

/** Has the node ask for all records of an origin, and answers with these. */
function answered(by: string, records: readonly SealedSpec[]): Step[] {
  return [
    recordsSession(0),
    { op: 'command', command: 'records.fetch', args: [{ peerId: by }], label: 'fetch' },
    wait(10),
    {
      op: 'frames',
      link: 0,
      frames: [messageFrame('RecordReply', { records: records.map((sealed) => ({ sealed })) }, newest('RecordRequest', 'requestId'))],
    },
    wait(50),
  ];
}

export const checks: readonly Check[] = [
  recordsCheck({
    id: 'records.answer.named',
    title: 'A question is answered with what is held of the named labels, in their order, each once',
    clauses: ['REC-070', 'REC-071', 'REC-072'],
    levels: ['adapter', 'wire'],
    plans: fc
      .record({ names: fc.shuffledSubarray(['a', 'b', 'c', 'nobody'], { minLength: 1 }), all: fc.boolean(), twice: fc.boolean() })
      .map(({ names, all, twice }) => {
        const held = ['a', 'b', 'c'].flatMap((by) => [
          contactRecord(`${by}1`, { by }),
          rangeRecord(`${by}2`, 1, 2, { by, index: 2, sequence: 2 }),
          snapshotRecord(`${by}3`, 9, [], { by, sequence: 3 }),
          versionRecord(`${by}4`, { by, sequence: 4 }),
        ]);
        const labels = names.flatMap((name) =>
          all ? [labelOf(name, 0, 7)] : [labelOf(name, 5), labelOf(name, 3, 2), labelOf(name, 3, 1), labelOf(name, 1)],
        );
        return plan([
          ...recordsSessions(0, 2),
          pushRecords(0, ...held),
          wait(20, 100),
          requestRecords(1, ...labels, ...(twice ? labels : [])),
          wait(1_200, 1_600),
        ]);
      }),
    rules: [answersRequests],
  }),
  recordsCheck({
    id: 'records.answer.bounded',
    title: 'An answer holds at most 32 records, the first of those that were named',
    clauses: ['REC-070', 'REC-072'],
    plans: fc.integer({ min: 7, max: 9 }).map((origins) => {
      const labels = Array.from({ length: origins }, (_, i) => `o${i}`);
      const held = labels.map((by) => [
        contactRecord(`${by}c`, { by }),
        ...Array.from({ length: 4 }, (_, index) => rangeRecord(`${by}r${index}`, 1, 2, { by, index, sequence: index + 2 })),
      ]);
      return plan(
        [
          ...recordsSessions(0, 2),
          ...held.map((records) => pushRecords(0, ...records)),
          wait(500),
          requestRecords(1, ...labels.map((label) => labelOf(label))),
          wait(1_200),
        ],
        {
          overrides: { 'records.records_max': '400' },
        },
      );
    }),
    rules: [answersRequests],
  }),
  recordsCheck({
    id: 'records.answer.over',
    title: 'What is over is not held: in its last millisecond it is answered with, in the next it is not',
    clauses: ['REC-003', 'REC-063'],
    plans: fc
      .record({ staked: fc.boolean(), ttlMs: fc.constantFrom(10_000, 12_000), beyond: fc.constantFrom(0, 1, 5_000) })
      .map(({ staked, ttlMs, beyond }) => {
        const by = staked ? 'stake-1' : 'author';
        return plan(
          [
            ...recordsSessions(0, 2),
            pushRecords(0, contactRecord('ending', { by, ageMs: 1_000, ttlMs })),
            wait(ttlMs - 1_000 + beyond),
            requestRecords(1, labelOf(by)),
            wait(1_200),
          ],
          { stakes: true },
        );
      }),
    rules: [answersHold({ missing: () => 'REC-003', extra: 'REC-003' }, ['REC-003', 'REC-063'])],
  }),
  recordsCheck({
    id: 'records.answer.limit',
    title: 'However long its own time, a record without stake is over after the limit; one with stake is not',
    clauses: ['REC-003', 'REC-063'],
    plans: fc
      .constantFrom(14_000, 14_001, 60_000)
      .map((waitMs) =>
        plan(
          [
            ...recordsSessions(0, 2),
            pushRecords(
              0,
              contactRecord('poor', { by: 'author', ttlMs: '18446744073709551615' }),
              contactRecord('rich', { by: 'stake-1', ttlMs: '18446744073709551615' }),
            ),
            wait(waitMs),
            requestRecords(1, labelOf('author'), labelOf('stake-1')),
            wait(1_200),
          ],
          { stakes: true },
        ),
      ),
    rules: [answersHold({ missing: () => 'REC-003', extra: 'REC-003' }, ['REC-003'])],
  }),
  recordsCheck({
    id: 'records.table.key-flood',
    title: 'A flood of keys displaces the oldest origins without stake, and nobody with stake or a session',
    clauses: ['REC-080', 'REC-081', 'REC-082', 'REC-083'],
    plans: fc.record({ count: fc.constantFrom(4, 5, 4, 6, 12), again: fc.constantFrom(true, true, false) }).map(({ count, again }) => {
      const names = Array.from({ length: count }, (_, i) => `u${i}`);
      return plan(
        [
          recordsSession(0),
          recordsSession(1, 'friend'),
          pushRecords(1, contactRecord('friend', { by: 'friend' })),
          pushRecords(0, contactRecord('rich', { by: 'stake-1' })),
          ...pushEach(0, contacts(3)),
          // Heard of again, the first of them is no longer the oldest.
          ...(again ? [pushRecords(0, healthRecord('u0-health', 1, { by: 'u0', sequence: 2 }))] : []),
          ...pushEach(0, contacts(count - 3, 3)),
          wait(20),
          ...askFor(0, ['friend', 'stake-1', ...names]),
          wait(1_200),
        ],
        { stakes: true, overrides: SMALL },
      );
    }),
    rules: [
      answersHold(
        { missing: (view, held) => (clauseOfLoss(view, held) === 'REC-080' ? 'REC-083' : clauseOfLoss(view, held)), extra: 'REC-080' },
        ['REC-080', 'REC-081', 'REC-082', 'REC-083'],
      ),
    ],
    attacks: ['unique-key flood'],
  }),
  recordsCheck({
    id: 'records.table.record-flood',
    title: 'When the table is full of records, those of least value go first, and no better one goes for a lesser',
    clauses: ['REC-080', 'REC-081', 'REC-084'],
    plans: fc
      .record({ last: fc.constantFrom('version', 'health', 'range', 'contact'), origins: fc.integer({ min: 3, max: 5 }) })
      .map(({ last, origins }) => {
        const names = Array.from({ length: origins }, (_, i) => `u${i}`);
        const filling = names.flatMap((by) => [
          contactRecord(`${by}c`, { by }),
          rangeRecord(`${by}r`, 1, 2, { by, sequence: 2 }),
          healthRecord(`${by}h`, 1, { by, sequence: 3 }),
          versionRecord(`${by}v`, { by, sequence: 4 }),
        ]);
        const lasts = {
          version: versionRecord('last', { by: 'late' }),
          health: healthRecord('last', 3, { by: 'late' }),
          range: rangeRecord('last', 1, 2, { by: 'late' }),
          contact: contactRecord('last', { by: 'late' }),
        };
        return plan(
          [
            ...recordsSessions(0, 2),
            pushRecords(0, contactRecord('rich', { by: 'stake-1' })),
            // Of a peer the contact record alone is protected.
            pushRecords(0, versionRecord('peer', { by: 'p1' })),
            pushRecords(0, contactRecord('ending', { by: 'gone', ageMs: 1_000, ttlMs: 2_000 })),
            ...pushEach(0, filling.slice(0, 4)),
            // Said anew it is not the oldest any more.
            pushRecords(0, versionRecord('peer-again', { by: 'p1', sequence: 9 })),
            ...pushEach(0, filling.slice(4, 11)),
            // What has just been over goes before all others.
            wait(1_001),
            pushRecords(0, ...filling.slice(11, 12)),
            ...askFor(1, ['p1', ...names]),
            ...pushEach(0, filling.slice(12)),
            pushRecords(0, lasts[last]),
            wait(20),
            ...askFor(1, ['stake-1', 'p1', 'late', ...names]),
            wait(1_200),
          ],
          { stakes: true, overrides: { 'records.origins_max': '12', 'records.records_max': '17' } },
        );
      }),
    rules: [
      answersHold({ missing: (view, held) => (view.table.hasStake(held.origin) ? 'REC-081' : 'REC-084'), extra: 'REC-080' }, [
        'REC-080',
        'REC-081',
        'REC-084',
      ]),
    ],
  }),
  recordsCheck({
    id: 'records.table.own',
    title: 'A node without stake keeps its own records however full its table is',
    clauses: ['REC-082'],
    plans: fc
      .integer({ min: 12, max: 20 })
      .map((count) =>
        plan(
          [
            ...recordsSessions(0, 2),
            wait(300),
            ...pushEach(0, [
              ...contacts(3),
              ...Array.from({ length: count }, (_, i) => versionRecord(`v${i}`, { by: `u${i}`, sequence: 2 })),
            ]),
            ...pushEach(0, contacts(count, 3)),
            wait(20),
            requestRecords(1, labelOf('node')),
            wait(1_200),
          ],
          { overrides: { 'records.origins_max': '30', 'records.records_max': '30', 'records.unstaked_per_s': '1000' } },
        ),
      ),
    rules: [holdsItsOwn],
    attacks: ['unique-key flood'],
  }),
  recordsCheck({
    id: 'records.table.no-room',
    title: 'When nobody may go, a newcomer is ignored, with stake or without',
    clauses: ['REC-027', 'REC-080', 'REC-081'],
    plans: fc.record({ staked: fc.boolean(), count: fc.integer({ min: 5, max: 6 }) }).map(({ staked, count }) => {
      const rich = Array.from({ length: count }, (_, i) => contactRecord(`rich${i}`, { by: `stake-${i + 1}` }));
      const late = contactRecord('late', { by: staked ? 'stake-20' : 'late' });
      return plan(
        [
          ...recordsSessions(0, 2),
          ...pushEach(0, rich),
          pushRecords(0, late),
          wait(400),
          ...askFor(1, [...Array.from({ length: count }, (_, i) => `stake-${i + 1}`), 'stake-20', 'late']),
          wait(1_200),
        ],
        { stakes: true, overrides: { ...SMALL, 'records.origins_max': '6' } },
      );
    }),
    rules: [
      answersHold({ missing: (view, held) => (view.table.hasStake(held.origin) ? 'REC-081' : 'REC-080'), extra: 'REC-027' }, [
        'REC-027',
        'REC-080',
        'REC-081',
      ]),
      refusedIsSilent,
    ],
  }),
  recordsCheck({
    id: 'records.fetch.pulled',
    title: 'An answer to the node’s own question is judged by its time alone, and only what was asked for is taken',
    clauses: ['REC-022', 'REC-023', 'REC-026', 'REC-030', 'REC-073'],
    needs: ['records/1', 'commands'],
    plans: fc.constantFrom('old', 'fresh', 'ahead', 'over', 'other', 'signature').map((what) => {
      const options = { by: 'stake-4', sequence: 1 };
      const records = {
        old: contactRecord('old', { ...options, ageMs: 3_000_000 }),
        fresh: contactRecord('fresh', options),
        ahead: contactRecord('ahead', { ...options, ageMs: -30_001 }),
        over: contactRecord('over', { ...options, ageMs: 50_000, ttlMs: 40_000 }),
        other: contactRecord('other', { ...options, by: 'stake-5' }),
        signature: contactRecord('signature', { ...options, defect: { kind: 'signature' } }),
      };
      return plan(
        [
          recordsSession(0),
          { op: 'command', command: 'records.fetch', args: [{ peerId: 'stake-4' }], label: 'fetch' },
          wait(10),
          {
            op: 'frames',
            link: 0,
            frames: [
              messageFrame(
                'RecordReply',
                { records: [{ sealed: records[what] }, { sealed: versionRecord('twin', { ...options, ageMs: 2_000_000, sequence: 7 }) }] },
                newest('RecordRequest', 'requestId'),
              ),
            ],
          },
          wait(50),
          requestRecords(0, labelOf('stake-4'), labelOf('stake-5')),
          wait(1_200),
        ],
        { stakes: true },
      );
    }),
    rules: [
      answersHold(
        {
          missing: () => 'REC-030',
          extra: 'REC-073',
        },
        ['REC-030', 'REC-073'],
      ),
      refusedIsSilent,
      acceptedIsPushed,
    ],
  }),
  recordsCheck({
    id: 'records.fetch.charged',
    title: 'What is pulled is charged to its origin as what is pushed',
    clauses: ['REC-085'],
    needs: ['records/1', 'commands'],
    plans: fc.record({ count: fc.integer({ min: 10, max: 14 }), staked: fc.boolean() }).map(({ count, staked }) => {
      const by = staked ? 'stake-4' : 'author';
      const records = Array.from({ length: count }, (_, i) => contactRecord(`pulled-${i}`, { by, sequence: i + 1, ageMs: 0 }));
      return plan([...answered(by, records), requestRecords(0, labelOf(by)), wait(1_200)], { stakes: true });
    }),
    rules: [answersHold({ missing: () => 'REC-085', extra: 'REC-085' }, ['REC-085'])],
  }),
  recordsCheck({
    id: 'records.fetch.rejects',
    title: 'Rejected records of an answer cost a peer its session as those of a push',
    clauses: ['REC-031'],
    needs: ['records/1', 'commands'],
    plans: fc.integer({ min: 12, max: 16 }).map((count) =>
      plan([
        ...answered(
          'author',
          Array.from({ length: count }, (_, i) => contactRecord(`bad-${i}`, { sequence: i + 1, defect: { kind: 'signature' } })),
        ),
        wait(1_500),
      ]),
    ),
    rules: [rejectsCost],
  }),
];
