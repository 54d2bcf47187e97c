/** What a node says of itself, and what becomes of it when another copy of it runs. */
import fc from 'fast-check';
import { plan, wait } from '../arbitraries/gossip-plans.ts';
import {
  contactRecord,
  labelOf,
  pushRecords,
  rangeRecord,
  recordsSession,
  recordsSessions,
  requestRecords,
  versionRecord,
} from '../arbitraries/records-plans.ts';
import type { Step } from '../driver/plan.ts';
import { answersHold } from '../invariants/records-answer.ts';
import { introducesItself, ownInOrder, publishesChanges, renewsInTime } from '../invariants/records-own.ts';
import { acceptedIsPushed, pushedWithinBounds, refusedIsSilent } from '../invariants/records-push.ts';
import { takesOwnKey, yieldsToWinner } from '../invariants/records-superseded.ts';
import type { Check } from '../runner/check.ts';
import { recordsCheck } from './records-check.ts';

/** Has the node say that it serves slots up to `last`. */
function setRange(last: number, label: string): Step {
  return {
    op: 'command',
    command: 'records.set',
    args: [{ u64: 3 }, { u64: 0 }, { encoded: { message: 'LedgerRangeRecord', fields: { firstSlot: 1, lastSlot: last } } }],
    label,
  };
}

const OWN = ['REC-040', 'REC-042', 'REC-044', 'REC-047', 'REC-049', 'REC-061'];

export const checks: readonly Check[] = [
  recordsCheck({
    id: 'records.own.introduces',
    title: 'The contact record comes with the session, in order, and says what the hello says',
    clauses: ['REC-001', 'REC-041', 'REC-043', ...OWN],
    levels: ['adapter', 'wire'],
    plans: fc.record({ links: fc.integer({ min: 1, max: 3 }), pauseMs: fc.constantFrom(0, 100, 1_000) }).map(({ links, pauseMs }) =>
      plan([
        ...Array.from({ length: links }, (_, link): Step[] => [recordsSession(link), wait(pauseMs, Math.min(pauseMs, 100))]).flat(),
        wait(1_300),
        // Who comes again is told again.
        { op: 'closeLink', link: 0 },
        wait(10, 50),
        recordsSession(links, 'p0'),
        wait(1_300),
      ]),
    ),
    rules: [introducesItself, ownInOrder, pushedWithinBounds],
  }),
  recordsCheck({
    id: 'records.own.claims',
    title: 'The contact record carries the addresses and roles of the node',
    clauses: ['REC-040', 'REC-041', 'REC-043'],
    plans: fc.record({ count: fc.integer({ min: 0, max: 8 }), roles: fc.constantFrom(1, 3, 15) }).map(({ count, roles }) =>
      plan([recordsSession(0), wait(1_300)], {
        roles,
        listenAddresses: Array.from({ length: count }, (_, i) => `ws://198.51.100.${i + 1}:${7_000 + i}`),
      }),
    ),
    rules: [introducesItself, ownInOrder],
  }),
  recordsCheck({
    id: 'records.own.long-claims',
    title: 'A contact record that is too long leaves addresses out from the end, and no more than it has to',
    clauses: ['REC-040', 'REC-041', 'REC-043'],
    plans: fc.array(fc.integer({ min: 60, max: 250 }), { minLength: 6, maxLength: 8 }).map((lengths) =>
      plan([recordsSession(0), wait(1_300)], {
        listenAddresses: lengths.map((length, i) => `ws://${String(i)}${'d'.repeat(length - 1)}:${7_000 + i}`),
      }),
    ),
    rules: [introducesItself, ownInOrder],
  }),
  recordsCheck({
    id: 'records.own.renews',
    title: 'Each record is published anew before half of its time is over, with rising sequences',
    clauses: ['REC-045', ...OWN],
    plans: fc.constant(plan([...recordsSessions(0, 2), wait(2_000_000)], { stakes: true })),
    rules: [renewsInTime, ownInOrder, pushedWithinBounds],
    runs: 2,
  }),
  recordsCheck({
    id: 'records.own.renews-unstaked',
    title: 'Without stake each record is published anew before half of the time is over that counts, whatever it says',
    clauses: ['REC-045', ...OWN],
    plans: fc.constantFrom(40_000, 90_000).map((waitMs) => plan([...recordsSessions(0, 2), wait(waitMs)])),
    rules: [renewsInTime, ownInOrder, pushedWithinBounds],
    runs: 2,
  }),
  recordsCheck({
    id: 'records.own.changes',
    title: 'What the application sets is published in time, and not more often than the pause allows',
    clauses: ['REC-046', ...OWN],
    needs: ['records/1', 'commands'],
    plans: fc.array(fc.constantFrom(10, 100, 400, 700, 3_000), { minLength: 1, maxLength: 6 }).map((pauses) =>
      plan([
        ...recordsSessions(0, 2),
        wait(1_300),
        ...pauses.flatMap((pauseMs, i): Step[] => [setRange(10 + i, `set-${i}`), wait(pauseMs)]),
        wait(3_000),
        // The pause lasts also for what was taken back in between.
        setRange(30, 'said'),
        wait(220),
        { op: 'command', command: 'records.set', args: [{ u64: 3 }, { u64: 0 }, ''], label: 'taken-back' },
        wait(20),
        setRange(31, 'said-again'),
        wait(3_000),
      ]),
    ),
    rules: [publishesChanges, ownInOrder, pushedWithinBounds],
  }),
  recordsCheck({
    id: 'records.own.restart',
    title: 'After a restart, also in the same millisecond, no instance and sequence stand for another record',
    clauses: OWN,
    needs: ['records/1', 'restart', 'commands'],
    plans: fc.constantFrom(0, 0, 1, 2_000).map((pauseMs) =>
      plan([
        recordsSession(0),
        wait(300),
        ...[1, 2, 3].flatMap((life): Step[] => [
          { op: 'crash' },
          { op: 'restart' },
          setRange(10 + life, `life-${life}`),
          recordsSession(life),
          // What is not pushed on a new session is answered with.
          requestRecords(life, labelOf('node')),
          wait(pauseMs),
        ]),
        wait(300),
      ]),
    ),
    rules: [ownInOrder],
  }),
  recordsCheck({
    id: 'records.superseded.yields',
    title: 'A node that hears of a copy of itself that was started later is silent until that one is gone',
    clauses: ['REC-028', 'REC-050', 'REC-051', 'REC-052'],
    needs: ['records/1', 'commands'],
    plans: fc
      .record({
        startedMs: fc.constantFrom(0, 100),
        ageMs: fc.constantFrom(0, 500),
        waitMs: fc.constantFrom(25_000, 40_000),
        kind: fc.constantFrom('contact', 'version'),
        late: fc.boolean(),
      })
      .map(({ startedMs, ageMs, waitMs, kind, late }) => {
        const options = { by: 'node', startedMs, ageMs, sequence: 1 };
        const winner = kind === 'contact' ? contactRecord('winner', options) : versionRecord('winner', options);
        return plan([
          ...recordsSessions(0, 2),
          wait(1_000),
          // What waits to be pushed when the winner comes is not pushed.
          setRange(10, 'before'),
          wait(20),
          pushRecords(0, winner),
          wait(500),
          // What the application says meanwhile is not published either.
          setRange(11, 'meanwhile'),
          wait(700),
          ...(late ? [recordsSession(2)] : []),
          ...Array.from({ length: 9 }, (): Step[] => [requestRecords(0, labelOf('nobody')), wait(1_000)]).flat(),
          wait(waitMs),
        ]);
      }),
    rules: [yieldsToWinner, acceptedIsPushed],
    attacks: ['two running copies of one key'],
  }),
  recordsCheck({
    id: 'records.superseded.behind-the-window',
    title: 'A record of the node’s own key supersedes it also when it is older than the push window, whoever brings it',
    clauses: ['REC-050', 'REC-051'],
    plans: fc
      .constantFrom(30_001, 31_000, 38_000)
      .map((ageMs) =>
        plan(
          [
            ...recordsSessions(0, 2),
            wait(40_000),
            pushRecords(0, contactRecord('winner', { by: 'node', startedMs: 0, ageMs, sequence: 1 })),
            wait(70_000),
          ],
          { stakes: true },
        ),
      ),
    rules: [yieldsToWinner],
  }),
  recordsCheck({
    id: 'records.superseded.not-by-older',
    title: 'A record of the node’s own key that was made by an earlier instance, or is older than its own, moves nothing',
    clauses: ['REC-020', 'REC-043', 'REC-063'],
    levels: ['adapter', 'wire'],
    plans: fc
      .record({ startedMs: fc.constantFrom(3_600_000, 60_000_000), ageMs: fc.constantFrom(0, 100), signed: fc.boolean() })
      .map(({ startedMs, ageMs, signed }) =>
        plan([
          ...recordsSessions(0, 2),
          wait(1_300, 600),
          pushRecords(
            0,
            contactRecord('elder', { by: 'node', startedMs, ageMs, sequence: 99, ...(signed ? {} : { defect: { kind: 'signature' } }) }),
          ),
          wait(400),
          recordsSession(2),
          wait(1_300, 1_600),
          requestRecords(2, labelOf('node', 1)),
          wait(300),
        ]),
      ),
    rules: [introducesItself, refusedIsSilent],
  }),
  recordsCheck({
    id: 'records.superseded.not-by-itself',
    title:
      'A record of the node’s own instance with a sequence below those that it has made moves nothing, also one of a label that it does not hold',
    clauses: ['REC-020'],
    plans: fc
      .constantFrom(700, 1_300, 6_000)
      .map((sinceMs) =>
        plan([
          ...recordsSessions(0, 2),
          wait(sinceMs),
          pushRecords(0, rangeRecord('own', 1, 2, { by: 'node', startedMs: sinceMs, ageMs: 0, sequence: 0 })),
          wait(400),
          requestRecords(1, labelOf('node')),
          wait(300),
        ]),
      ),
    rules: [refusedIsSilent],
    runs: 3,
  }),
  recordsCheck({
    id: 'records.superseded.unrated',
    title: 'Records of the node’s own key find no bucket empty, and leave none so for others',
    clauses: ['REC-024'],
    plans: fc.integer({ min: 10, max: 20 }).map((count) =>
      plan(
        [
          ...recordsSessions(0, 2),
          wait(1_300),
          ...Array.from({ length: count }, (_, i) =>
            pushRecords(0, contactRecord(`own-${i}`, { by: 'node', startedMs: 0, ageMs: 0, sequence: 10 + i })),
          ),
          // Eight of these empty the bucket of all origins without stake.
          pushRecords(0, ...Array.from('abcdefghijkl', (by) => contactRecord(by, { by }))),
          pushRecords(0, contactRecord('own-last', { by: 'node', startedMs: 0, ageMs: 0, sequence: 99 })),
          wait(20),
          requestRecords(1, labelOf('node', 1), labelOf('a'), labelOf('b'), labelOf('c')),
          wait(1_200),
        ],
        { overrides: { 'records.unstaked_per_s': '4' } },
      ),
    ),
    rules: [answersHold({ missing: () => 'REC-024', extra: 'REC-024' }, ['REC-024']), takesOwnKey],
    runs: 3,
  }),
];
