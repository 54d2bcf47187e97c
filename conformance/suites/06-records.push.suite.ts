/** Records that are accepted and go on: whom they reach and when, and who is told of what. */
import fc from 'fast-check';
import { plan, wait } from '../arbitraries/gossip-plans.ts';
import {
  contactRecord,
  healthRecord,
  pushRecords,
  rangeRecord,
  recordsSession,
  recordsSessions,
  snapshotRecord,
  versionRecord,
} from '../arbitraries/records-plans.ts';
import type { SealedSpec } from '../driver/plan.ts';
import { acceptedIsPushed, pushedWithinBounds, refusedIsSilent, staleIsAnswered } from '../invariants/records-push.ts';
import type { Check } from '../runner/check.ts';
import { recordsCheck } from './records-check.ts';

/** Long enough for what is accepted to be pushed on. */
const FORWARD = wait(400, 850);
const PUSHING = ['REC-028', 'REC-029', 'REC-060', 'REC-061', 'REC-062', 'REC-064', 'REC-065', 'REC-066'];

/** One record of each kind, by an author of its own. */
function oneOfEach(by: string): readonly SealedSpec[] {
  return [
    contactRecord(`${by}-c`, { by }),
    snapshotRecord(`${by}-s`, 100, [101, 110], { by, sequence: 2, index: 3 }),
    rangeRecord(`${by}-r`, 5, 9, { by, sequence: 3, index: 15 }),
    healthRecord(`${by}-h`, 7, { by, sequence: 4 }),
    versionRecord(`${by}-v`, { by, sequence: 5 }),
  ];
}

export const checks: readonly Check[] = [
  recordsCheck({
    id: 'records.push.spreads',
    title: 'Records of every kind that are accepted go to the other links, once, in their bytes',
    clauses: PUSHING,
    levels: ['adapter'],
    plans: fc
      .record({ links: fc.integer({ min: 2, max: 5 }), again: fc.boolean() })
      .map(({ links, again }) =>
        plan([
          ...recordsSessions(0, links),
          pushRecords(0, ...oneOfEach('author')),
          FORWARD,
          ...(again ? [pushRecords(1, ...oneOfEach('author'))] : []),
          FORWARD,
        ]),
      ),
    rules: [acceptedIsPushed, pushedWithinBounds, refusedIsSilent],
  }),
  recordsCheck({
    id: 'records.push.fanout',
    title: 'With many links a record goes to as many as the fanout, and no more',
    clauses: PUSHING,
    plans: fc
      .record({ links: fc.integer({ min: 6, max: 12 }), copies: fc.integer({ min: 1, max: 3 }) })
      .map(({ links, copies }) =>
        plan([
          ...recordsSessions(0, links),
          ...Array.from({ length: copies }, (_, link) => pushRecords(link, contactRecord('one'))),
          FORWARD,
          ...Array.from({ length: 20 }, (_, i) => pushRecords(i % links, contactRecord(`a${i}`, { by: `a${i}` }))),
          FORWARD,
        ]),
      ),
    rules: [acceptedIsPushed, pushedWithinBounds, refusedIsSilent],
  }),
  recordsCheck({
    id: 'records.push.batch',
    title: 'Many records at once are pushed in frames that hold at most 32',
    clauses: ['REC-028', 'REC-060', 'REC-064'],
    plans: fc
      .integer({ min: 33, max: 70 })
      .map((count) =>
        plan(
          [
            ...recordsSessions(0, 3),
            ...Array.from({ length: Math.ceil(count / 30) }, (_, frame) =>
              pushRecords(
                0,
                ...Array.from({ length: Math.min(30, count - 30 * frame) }, (_, i) =>
                  contactRecord(`b${frame}-${i}`, { by: `b${frame}-${i}` }),
                ),
              ),
            ),
            FORWARD,
          ],
          { overrides: { 'records.origins_max': '128', 'records.records_max': '256', 'records.unstaked_per_s': '100' } },
        ),
      ),
    rules: [acceptedIsPushed, pushedWithinBounds],
  }),
  recordsCheck({
    id: 'records.push.stale',
    title: 'The origin that brings an old record is pushed the newer one, once; others are not',
    clauses: ['REC-053', 'REC-061'],
    plans: fc
      .record({ repeats: fc.integer({ min: 2, max: 4 }), pauseMs: fc.constantFrom(0, 5_000, 16_000) })
      .map(({ repeats, pauseMs }) => {
        const [old, late] = [
          contactRecord('old', { by: 'stake-3', sequence: 1, startedMs: 100_000 }),
          contactRecord('late', { by: 'stake-3', sequence: 2 }),
        ];
        const [oldRange, lateRange] = [
          rangeRecord('old-range', 1, 2, { by: 'stake-3', sequence: 3, startedMs: 100_000 }),
          rangeRecord('late-range', 1, 3, { by: 'stake-3', sequence: 4 }),
        ];
        return plan(
          [
            recordsSession(0),
            recordsSession(1, 'stake-3'),
            pushRecords(0, late, lateRange),
            FORWARD,
            pushRecords(0, old),
            wait(100),
            // Each label is told by itself, and again when the window is over.
            ...Array.from({ length: repeats }, () => [pushRecords(1, old), pushRecords(1, oldRange), wait(pauseMs)]).flat(),
            wait(1_500),
            pushRecords(1, old, oldRange),
            wait(1_500),
            pushRecords(1, late),
            wait(1_500),
          ],
          { stakes: true },
        );
      }),
    rules: [staleIsAnswered, pushedWithinBounds],
  }),
  recordsCheck({
    id: 'records.push.older-copy',
    title: 'A session with an earlier copy of an origin is told of the later one; one with the same copy is not',
    clauses: ['REC-054', 'REC-061'],
    plans: fc
      .record({ startedMs: fc.constantFrom(0, 30_000, 60_000, 90_000), other: fc.boolean(), known: fc.boolean() })
      .map(({ startedMs, other, known }) =>
        plan([
          recordsSession(0),
          recordsSession(1, 'copied'),
          // What its origin brings may have come from somebody else before.
          ...(known ? [pushRecords(0, contactRecord('first', { by: 'copied', startedMs: 60_000 }))] : []),
          pushRecords(1, contactRecord('first', { by: 'copied', startedMs: 60_000 })),
          pushRecords(
            0,
            other
              ? versionRecord('second', { by: 'copied', startedMs, sequence: 2 })
              : contactRecord('second', { by: 'copied', startedMs, sequence: 2 }),
          ),
          wait(1_500),
        ]),
      ),
    rules: [{ ...staleIsAnswered, judge: (view) => ({ ...staleIsAnswered.judge(view), exercised: true }) }, pushedWithinBounds],
    attacks: ['two running copies of one key'],
  }),
];
