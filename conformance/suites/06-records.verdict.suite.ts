/** Which records are refused, and that nobody hears of those. */
import fc from 'fast-check';
import { plan, wait } from '../arbitraries/gossip-plans.ts';
import {
  bentRecord,
  contactRecord,
  healthRecord,
  labelOf,
  pushRecords,
  rangeRecord,
  recordsSession,
  recordsSessions,
  requestRecords,
  sizedRecord,
  snapshotRecord,
  spoiltRecord,
  versionRecord,
} from '../arbitraries/records-plans.ts';
import type { EnvelopeDefect, SealedSpec, Step } from '../driver/plan.ts';
import { answersHold } from '../invariants/records-answer.ts';
import { acceptedIsPushed, pushedWithinBounds, refusedIsSilent } from '../invariants/records-push.ts';
import { rejectsCost } from '../invariants/records-superseded.ts';
import type { Check } from '../runner/check.ts';
import { recordsCheck } from './records-check.ts';

/** Long enough for what is accepted to be pushed on. */
const FORWARD = wait(400, 850);
/** Ways in which a record is refused whatever the node holds. */
const DEFECTS: readonly EnvelopeDefect[] = [
  { kind: 'signature' },
  { kind: 'malleatedS' },
  { kind: 'context', context: 'app' },
  { kind: 'context', context: 'provider' },
  { kind: 'network', networkId: 'another' },
  { kind: 'keyType', keyType: 0 },
  { kind: 'keyType', keyType: 2 },
  { kind: 'version', version: 2 },
  { kind: 'payloadTrailing', bytes: '00' },
  { kind: 'envelopeTrailing', bytes: '00' },
];

/** Forms that no record can have, each with its twin in order. */
const BENT: readonly (readonly [string, SealedSpec, SealedSpec])[] = [
  ['REC-012', contactRecord('kind'), bentRecord(contactRecord('kind'), 'kind-0', { kind: 0 })],
  ['REC-013', contactRecord('index'), bentRecord(contactRecord('index'), 'index-1', { index: 1 })],
  ['REC-013', rangeRecord('index-15', 1, 2, { index: 15 }), rangeRecord('index-16', 1, 2, { index: 16 })],
  ['REC-014', contactRecord('instance', { startedMs: 0 }), contactRecord('instance-late', { startedMs: -1 })],
  ['REC-015', contactRecord('region'), bentRecord(contactRecord('region'), 'region-upper', { contact: { region: 'EU' } })],
  ['REC-016', snapshotRecord('snapshot', 100, [101]), snapshotRecord('snapshot-at-full', 100, [100])],
  ['REC-017', rangeRecord('range', 5, 5), rangeRecord('range-backwards', 6, 5)],
  ['REC-018', healthRecord('health', 1_000), healthRecord('health-1001', 1_001)],
  [
    'REC-019',
    versionRecord('v1'),
    bentRecord(versionRecord('v1'), 'v1-empty', { nodeVersion: { implementation: '', version: '1', specRevision: '1' } }),
  ],
];

export const checks: readonly Check[] = [
  recordsCheck({
    id: 'records.verdict.envelope',
    title: 'An envelope that chapter 02 refuses, or that is too long, is not passed on; its twin in order is',
    clauses: ['REC-010', 'REC-011', 'REC-026', 'REC-028', 'REC-029', 'REC-063', 'REC-066'],
    levels: ['adapter', 'wire'],
    plans: fc
      .record({ defect: fc.constantFrom(...DEFECTS), goodFirst: fc.boolean(), other: fc.boolean() })
      .map(({ defect, goodFirst, other }) => {
        const good = contactRecord('good');
        const bad = spoiltRecord(other ? contactRecord('bad', { sequence: 2 }) : good, defect);
        const [first, second] = goodFirst ? [good, bad] : [bad, good];
        return plan([...recordsSessions(0, 3), pushRecords(0, first), pushRecords(1, second), FORWARD]);
      }),
    rules: [refusedIsSilent, acceptedIsPushed],
    attacks: ['cross-context replay', 'cross-network replay', 'malleated S+L'],
  }),
  recordsCheck({
    id: 'records.verdict.not-shadowed',
    title: 'A copy that fails does not stand in the way of the good one, nor of one with smaller numbers',
    clauses: ['REC-026', 'REC-029'],
    levels: ['adapter', 'wire'],
    plans: fc
      .record({
        defect: fc.constantFrom<EnvelopeDefect['kind']>('signature', 'malleatedS'),
        larger: fc.boolean(),
        sameLink: fc.boolean(),
      })
      .map(({ defect, larger, sameLink }) => {
        const good = contactRecord('good', { sequence: 5 });
        const bad = spoiltRecord(larger ? contactRecord('bad', { sequence: 9 }) : good, { kind: defect } as EnvelopeDefect);
        return plan([...recordsSessions(0, 3), pushRecords(0, bad), pushRecords(sameLink ? 0 : 1, good), FORWARD]);
      }),
    rules: [acceptedIsPushed, refusedIsSilent],
    attacks: ['invalid-then-valid same id'],
  }),
  recordsCheck({
    id: 'records.verdict.size',
    title: 'A record of 928 bytes goes on, one of 929 does not',
    clauses: ['REC-010', 'REC-028', 'REC-063'],
    plans: fc.constantFrom(0, 1, 40).map((over) => {
      const tooLong = sizedRecord(`size-${over}`, 929 + over, { by: 'long' });
      return plan([...recordsSessions(0, 2), pushRecords(0, tooLong), pushRecords(0, sizedRecord('twin', 928)), FORWARD]);
    }),
    rules: [acceptedIsPushed, refusedIsSilent],
  }),
  recordsCheck({
    id: 'records.verdict.form',
    title: 'What no record can say is rejected; the same in form is accepted',
    clauses: ['REC-012', 'REC-013', 'REC-014', 'REC-015', 'REC-016', 'REC-017', 'REC-018', 'REC-019', 'REC-028', 'REC-029'],
    plans: fc.shuffledSubarray([...BENT], { minLength: BENT.length }).map((pairs) =>
      plan([
        ...recordsSessions(0, 3),
        // Each has an origin of its own; fewer than cost a session come on one link.
        ...pairs.map(([, , bent], i) => pushRecords(i % 2, { ...bent, by: `bent-${i}` })),
        FORWARD,
        ...pairs.map(([, good, bent], i) =>
          pushRecords(i % 2, { ...good, by: i % 3 === 0 ? `bent-${i}` : `good-${i}`, name: `${good.name} ${bent.name}` }),
        ),
        FORWARD,
      ]),
    ),
    rules: [refusedIsSilent, acceptedIsPushed],
    runs: 3,
  }),
  recordsCheck({
    id: 'records.verdict.window',
    title: 'A pushed record is taken in the window up to the last millisecond, on both sides, and not behind it',
    clauses: ['REC-021', 'REC-022', 'REC-028', 'REC-065'],
    plans: fc
      .shuffledSubarray([29_850, 29_920, 29_999, 30_000, 30_001, 40_000, -29_999, -30_000, -30_001, -3_600_000], { minLength: 10 })
      .map((ages) =>
        plan(
          [
            ...recordsSessions(0, 2),
            ...ages.map((ageMs, i) => pushRecords(0, contactRecord(`edge-${ageMs}`, { by: `stake-${i + 1}`, ageMs }))),
            FORWARD,
            requestRecords(1, ...ages.map((_, i) => labelOf(`stake-${i + 1}`))),
            wait(1_200),
          ],
          { stakes: true },
        ),
      ),
    rules: [
      { ...refusedIsSilent, judge: (view) => ({ ...refusedIsSilent.judge(view), exercised: true }) },
      answersHold({ missing: () => 'REC-028', extra: 'REC-021' }, ['REC-021', 'REC-028']),
      pushedWithinBounds,
    ],
    runs: 3,
    attacks: ['wallclock ±30 s edges'],
  }),
  recordsCheck({
    id: 'records.verdict.first-hand',
    title: 'On the session of its origin a record may be older than the window; it is held, and not pushed on; it may not be ahead',
    clauses: ['REC-022', 'REC-028', 'REC-065'],
    plans: fc
      .constantFrom(30_001, 60_000, 3_000_000)
      .map((ageMs) =>
        plan(
          [
            recordsSession(0, 'stake-1'),
            recordsSession(1),
            recordsSession(2, 'stake-2'),
            recordsSession(3, 'stake-3'),
            pushRecords(0, contactRecord('mine', { by: 'stake-1', ageMs })),
            pushRecords(2, contactRecord('ahead', { by: 'stake-2', ageMs: -30_001 })),
            pushRecords(3, contactRecord('within', { by: 'stake-3', ageMs: -30_000 })),
            FORWARD,
            requestRecords(1, labelOf('stake-1', 1), labelOf('stake-2', 1), labelOf('stake-3', 1)),
            wait(1_200),
          ],
          { stakes: true },
        ),
      ),
    rules: [answersHold({ missing: () => 'REC-028', extra: 'REC-022' }, ['REC-022', 'REC-028']), pushedWithinBounds],
  }),
  recordsCheck({
    id: 'records.verdict.over',
    title: 'A record whose time is over is ignored; in its last millisecond it is taken',
    clauses: ['REC-023', 'REC-028', 'REC-063'],
    plans: fc
      .constantFrom([5_000, 5_000], [5_001, 5_000], [15_000, 3_600_000], [15_001, 3_600_000], [20_000, 3_600_000])
      .map(([ageMs = 0, ttlMs = 0]) =>
        plan([
          ...recordsSessions(0, 2),
          pushRecords(0, contactRecord('ending', { ageMs, ttlMs })),
          wait(0),
          requestRecords(1, labelOf('author')),
          wait(1_200),
        ]),
      ),
    rules: [answersHold({ missing: () => 'REC-028', extra: 'REC-023' }, ['REC-023', 'REC-028']), refusedIsSilent],
  }),
  recordsCheck({
    id: 'records.verdict.older',
    title: 'Of two records of one label the newer is held, in whichever order they come',
    clauses: ['REC-020', 'REC-028', 'REC-061'],
    levels: ['adapter', 'wire'],
    plans: fc
      .record({ pair: fc.constantFrom('instance', 'clock', 'sequence', 'tie', 'same'), reversed: fc.boolean() })
      .map(({ pair, reversed }) => {
        const base = { startedMs: 5_000, sequence: 5, ageMs: 2_000 };
        const others = {
          instance: { startedMs: 4_000, sequence: 1, ageMs: 2_000 },
          clock: { startedMs: 0, sequence: 1, ageMs: 3_000 },
          sequence: { startedMs: 5_000, sequence: 6, ageMs: 2_000 },
          tie: base,
          same: base,
        };
        const one = contactRecord('one', base);
        const other = pair === 'same' ? one : contactRecord('other', others[pair]);
        const [first, second] = reversed ? [other, one] : [one, other];
        return plan([
          ...recordsSessions(0, 3),
          // In one moment: the records' times count from it.
          pushRecords(0, first),
          pushRecords(1, second),
          FORWARD,
          requestRecords(2, labelOf('author', 1)),
          wait(1_200, 1_600),
        ]);
      }),
    rules: [
      answersHold({ missing: () => 'REC-028', extra: 'REC-020' }, ['REC-020', 'REC-028']),
      refusedIsSilent,
      acceptedIsPushed,
      pushedWithinBounds,
    ],
    attacks: ['older wallclock, equal wallclock lower/higher hash'],
  }),
  recordsCheck({
    id: 'records.verdict.rate',
    title: 'An origin is taken as fast as its bucket lets it, by however many links, and bad signatures cost it nothing',
    clauses: ['REC-024', 'REC-028', 'REC-029', 'REC-085', 'REC-086'],
    plans: fc
      .record({
        count: fc.integer({ min: 10, max: 20 }),
        pauseMs: fc.constantFrom(0, 100, 250),
        by: fc.constantFrom('author', 'stake-3'),
      })
      .map(({ count, pauseMs, by }) =>
        plan(
          [
            ...recordsSessions(0, 4),
            // Forged ones, copies and older ones are not accepted: they cost their origin nothing.
            ...Array.from({ length: 9 }, (_, i) =>
              pushRecords(i % 3, spoiltRecord(rangeRecord(`bad${i}`, 1, 2, { by, sequence: 900 + i }), { kind: 'signature' })),
            ),
            ...Array.from({ length: 10 }, (_, i) =>
              pushRecords(i % 3, versionRecord('copy', { by, sequence: 500 }), versionRecord('older', { by, sequence: 400 })),
            ),
            requestRecords(3, labelOf(by)),
            ...Array.from({ length: 4 }, (_, i) => pushRecords(i % 3, contactRecord(`few${i}`, { by, sequence: i + 1, ageMs: 0 }))),
            requestRecords(3, labelOf(by)),
            ...Array.from({ length: count }, (_, i): Step[] => [
              pushRecords(i % 3, contactRecord(`r${i}`, { by, sequence: i + 11, ageMs: 0 })),
              wait(pauseMs),
            ]).flat(),
            wait(0),
            requestRecords(3, labelOf(by)),
            wait(1_200),
          ],
          { stakes: true },
        ),
      ),
    rules: [answersHold({ missing: () => 'REC-085', extra: 'REC-024' }, ['REC-024', 'REC-085']), refusedIsSilent],
  }),
  recordsCheck({
    id: 'records.verdict.rate-by-links',
    title: 'An origin gains nothing by using many links',
    clauses: ['REC-086'],
    plans: fc.integer({ min: 3, max: 5 }).map((links) =>
      plan([
        ...recordsSessions(0, links + 1),
        // As many as one bucket holds on each link, together far too many.
        ...Array.from({ length: 6 * links }, (_, i) => pushRecords(i % links, contactRecord(`r${i}`, { sequence: i + 1, ageMs: 0 }))),
        FORWARD,
      ]),
    ),
    rules: [
      {
        clauses: ['REC-086'],
        judge: (view) => {
          const { findings, exercised } = refusedIsSilent.judge(view);
          return {
            exercised,
            findings: findings.map((finding) => (finding.clause === 'REC-024' ? { ...finding, clause: 'REC-086' } : finding)),
          };
        },
      },
    ],
  }),
  recordsCheck({
    id: 'records.verdict.common-rate',
    title: 'All origins without stake share a bucket, and those with stake do not need it',
    clauses: ['REC-024', 'REC-028'],
    plans: fc
      .integer({ min: 90, max: 110 })
      .map((count) =>
        plan(
          [
            ...recordsSessions(0, 3),
            ...Array.from({ length: Math.ceil(count / 30) }, (_, frame) =>
              pushRecords(
                frame % 2,
                ...Array.from({ length: Math.min(30, count - 30 * frame) }, (_, i) =>
                  contactRecord(`k${frame}-${i}`, { by: `k${frame}-${i}`, ageMs: 0 }),
                ),
              ),
            ),
            pushRecords(0, contactRecord('staked', { by: 'stake-2' })),
            FORWARD,
          ],
          { stakes: true, overrides: { 'records.origins_max': '256', 'records.records_max': '512' } },
        ),
      ),
    rules: [refusedIsSilent, acceptedIsPushed],
  }),
  recordsCheck({
    id: 'records.verdict.labels',
    title: 'An origin has so many labels besides its contact record, and no more',
    clauses: ['REC-025', 'REC-028'],
    plans: fc.integer({ min: 3, max: 6 }).map((count) =>
      plan([
        ...recordsSessions(0, 2),
        // The contact record takes none of the others' places, whether it comes before them or after.
        pushRecords(
          0,
          contactRecord('first', { by: 'other' }),
          ...Array.from({ length: count }, (_, index) => rangeRecord(`o${index}`, 1, 2, { by: 'other', index, sequence: index + 2 })),
          ...Array.from({ length: count }, (_, index) => rangeRecord(`l${index}`, 1, 2, { index, sequence: index + 1 })),
          contactRecord('contact', { sequence: 90 }),
        ),
        FORWARD,
        requestRecords(1, labelOf('author'), labelOf('other')),
        // What is held may be said anew, however many labels there are.
        wait(2_000),
        pushRecords(0, rangeRecord('l0-anew', 1, 3, { index: 0, sequence: 91 }), contactRecord('contact-anew', { sequence: 92 })),
        wait(400),
        requestRecords(1, labelOf('author')),
        wait(1_200),
      ]),
    ),
    rules: [answersHold({ missing: () => 'REC-028', extra: 'REC-025' }, ['REC-025', 'REC-028']), refusedIsSilent, acceptedIsPushed],
  }),
  recordsCheck({
    id: 'records.score.rejects',
    title: 'Rejected records cost a peer its session, ignored ones do not',
    clauses: ['REC-031'],
    plans: fc
      .integer({ min: 12, max: 16 })
      .map((count) =>
        plan([
          ...recordsSessions(0, 2),
          ...Array.from({ length: count }, (_, i) =>
            pushRecords(0, spoiltRecord(contactRecord(`bad${i}`, { sequence: i + 1 }), { kind: 'signature' })),
          ),
          ...Array.from({ length: count }, (_, i) =>
            pushRecords(1, contactRecord(`late${i}`, { by: 'other', ageMs: 40_000, sequence: i + 1 })),
          ),
          wait(1_500),
        ]),
      ),
    rules: [rejectsCost],
  }),
];
