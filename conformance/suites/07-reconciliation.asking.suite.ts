/** A node that asks: when and whom, how it decodes and fetches, and what becomes of those that lie to it. */
import fc from 'fast-check';
import { wait } from '../arbitraries/gossip-plans.ts';
import { given, holder, puller, reconciler, saltOf, stakedPlan } from '../arbitraries/reconciliation-plans.ts';
import { labelOf, recordsSession, requestRecords } from '../arbitraries/records-plans.ts';
import {
  asksSmaller,
  beginsAfresh,
  closesOnFaults,
  comesToItsTurn,
  digestFits,
  doublesTables,
  endsRanges,
  fetchesAll,
  givesUp,
  goesOn,
  holdsWhatIsGood,
  ignoresUnasked,
  keepsPace,
  leavesLiarsAlone,
  turnsAway,
} from '../invariants/reconciliation-ask.ts';
import type { Check } from '../runner/check.ts';
import { reconciliationCheck } from './reconciliation-check.ts';

const TABLES = ['iblt/1', 'reconcile/1'];

export const checks: readonly Check[] = [
  reconciliationCheck({
    id: 'reconcile.ask.afresh',
    title: 'Every sketch begins with a fresh salt, enough symbols and a digest',
    clauses: ['RCN-010', 'RCN-011'],
    plans: fc
      .record({ peers: fc.integer({ min: 1, max: 3 }), records: fc.integer({ min: 0, max: 5 }) })
      .map(({ peers, records }) =>
        stakedPlan([...Array.from({ length: peers }, (_, i) => holder(i, { records, from: 1 + 5 * i })).flat(), wait(12_000)]),
      ),
    rules: [beginsAfresh],
  }),
  reconciliationCheck({
    id: 'reconcile.ask.digest',
    title: 'The digest is that of the node’s own items',
    clauses: ['RCN-011'],
    plans: fc
      .integer({ min: 1, max: 12 })
      .map((count) =>
        stakedPlan([
          ...given(count),
          wait(3_000),
          ...[0, 1, 2, 3].flatMap((i) => puller(i, { atMs: Array.from({ length: 12 }, (_, k) => 125 * i + 520 * k) })),
          ...holder(9, { records: 0 }),
          wait(6_000),
        ]),
      ),
    rules: [digestFits],
  }),
  reconciliationCheck({
    id: 'reconcile.ask.goes-on',
    title: 'Further symbols go on where the last ones ended',
    clauses: ['RCN-013', 'RCN-033'],
    plans: fc
      .integer({ min: 26, max: 30 })
      .map((records) =>
        stakedPlan([...holder(0, { records }), wait(4_000)], { 'reconcile.partition_items_max': '64', 'reconcile.differences_max': '64' }),
      ),
    rules: [goesOn],
  }),
  reconciliationCheck({
    id: 'reconcile.ask.pace',
    title: 'Exchanges keep to the interval, the fanout and the number at once',
    clauses: ['RCN-014', 'RCN-015', 'RCN-016'],
    plans: fc
      .record({ peers: fc.integer({ min: 5, max: 12 }), afterMs: fc.constantFrom(5, 300, 900), silent: fc.integer({ min: 0, max: 3 }) })
      .map(({ peers, afterMs, silent }) =>
        stakedPlan([
          ...Array.from({ length: peers }, (_, i) =>
            holder(i, { records: 2, from: 1 + 2 * i, afterMs, lie: i < silent ? 'halfSilent' : 'none' }),
          ).flat(),
          wait(16_000),
        ]),
      ),
    rules: [keepsPace],
  }),
  reconciliationCheck({
    id: 'reconcile.ask.turn',
    title: 'Each set comes to its turn, also when nothing differs or a peer is busy',
    clauses: ['RCN-017'],
    plans: fc
      .constantFrom('none', 'busy', 'noSet', 'gone', 'unknownOutcome')
      .map((lie) => stakedPlan([...holder(0, { records: 2, lie }), ...holder(1, { records: 2 }), wait(75_000)])),
    rules: [comesToItsTurn],
  }),
  reconciliationCheck({
    id: 'reconcile.ask.silent',
    title: 'After a peer that does not answer another is asked',
    clauses: ['RCN-018'],
    plans: fc
      .integer({ min: 1, max: 3 })
      .map((others) =>
        stakedPlan([
          ...holder(0, { lie: 'halfSilent' }),
          wait(1_500),
          ...Array.from({ length: others }, (_, i) => holder(1 + i, { records: 1 + i })).flat(),
          wait(30_000),
        ]),
      ),
    rules: [turnsAway],
  }),
  reconciliationCheck({
    id: 'reconcile.ask.too-large',
    title: 'A partition that is too large is asked for in parts',
    clauses: ['RCN-019'],
    plans: fc.integer({ min: 0, max: 10 }).map((records) => stakedPlan([...holder(0, { records, lie: 'tooLarge' }), wait(8_000)])),
    rules: [asksSmaller],
  }),
  reconciliationCheck({
    id: 'reconcile.ask.symbols',
    title: 'Symbols out of form end the session, symbols in order do not',
    clauses: ['RCN-025'],
    plans: fc
      .record({
        lie: fc.constantFrom('none', 'symbolsFew', 'symbolsMany', 'countAbove', 'countBelow', 'garbage', 'namedTwice'),
        records: fc.integer({ min: 1, max: 9 }),
      })
      .map(({ lie, records }) => stakedPlan([...holder(0, { records, lie }), wait(6_000)])),
    rules: [closesOnFaults],
    runs: 14,
    attacks: ['undecodable-sketch', 'count-overflow'],
  }),
  reconciliationCheck({
    id: 'reconcile.ask.items',
    title: 'An item that was not asked for, or comes twice, ends the session',
    clauses: ['RCN-045'],
    plans: fc
      .record({ lie: fc.constantFrom('none', 'otherItem', 'itemTwice', 'noItem', 'oneItem'), records: fc.integer({ min: 1, max: 9 }) })
      .map(({ lie, records }) => stakedPlan([...holder(0, { records, lie }), wait(6_000)])),
    rules: [closesOnFaults],
    runs: 12,
  }),
  reconciliationCheck({
    id: 'reconcile.ask.range-form',
    title: 'Range messages out of form end the session, those in order do not',
    clauses: ['RCN-078', 'RCN-079'],
    plans: fc
      .record({ lie: fc.constantFrom('none', 'boundsFall', 'idBomb', 'rangeCut', 'echo'), records: fc.integer({ min: 1, max: 9 }) })
      .map(({ lie, records }) => stakedPlan([...holder(0, { records, lie, garbage: true }), wait(8_000)])),
    rules: [closesOnFaults],
    runs: 12,
    attacks: ['range-bounds', 'id-list-bomb'],
  }),
  reconciliationCheck({
    id: 'reconcile.ask.gives-up',
    title: 'What does not decode is followed by ranges, and a peer that fails again is left alone for a while',
    clauses: ['RCN-033', 'RCN-036', 'RCN-037', 'RCN-077'],
    plans: fc
      .record({ lie: fc.constantFrom('echo', 'none'), records: fc.integer({ min: 1, max: 9 }) })
      .map(({ lie, records }) => stakedPlan([...holder(0, { records, lie, garbage: true }), wait(75_000)])),
    rules: [givesUp, goesOn, endsRanges],
    attacks: ['undecodable-sketch', 'single-fingerprint-echo'],
  }),
  reconciliationCheck({
    id: 'reconcile.ask.endless',
    title: 'An exchange over ranges ends after so many messages',
    clauses: ['RCN-081'],
    plans: fc
      .integer({ min: 1, max: 9 })
      .map((records) => stakedPlan([...holder(0, { records, lie: 'endless', garbage: true }), wait(10_000)])),
    rules: [endsRanges],
  }),
  reconciliationCheck({
    id: 'reconcile.ask.fetch',
    title: 'What the node lacks it fetches, by sketches and by ranges',
    clauses: ['RCN-040', 'RCN-047'],
    plans: fc
      .record({ records: fc.integer({ min: 1, max: 12 }), garbage: fc.boolean(), lie: fc.constantFrom('none', 'oneItem') })
      .map(({ records, garbage, lie }) => stakedPlan([...holder(0, { records, lie, garbage, times: garbage ? 1 : 0 }), wait(8_000)])),
    rules: [fetchesAll],
    runs: 10,
  }),
  reconciliationCheck({
    id: 'reconcile.ask.judged',
    title: 'Fetched records are judged before they are held',
    clauses: ['RCN-046'],
    plans: fc
      .record({ records: fc.integer({ min: 1, max: 6 }), lie: fc.constantFrom('none', 'badItem') })
      .map(({ records, lie }) =>
        stakedPlan([
          recordsSession(5),
          ...holder(0, { records, lie }),
          wait(6_000),
          requestRecords(5, ...Array.from({ length: records }, (_, i) => labelOf(`stake-${i + 1}`))),
          wait(1_500),
        ]),
      ),
    rules: [holdsWhatIsGood],
  }),
  reconciliationCheck({
    id: 'reconcile.ask.liars',
    title: 'A peer whose replies ended the session is not asked when it comes again',
    clauses: ['RCN-048'],
    plans: fc
      .constantFrom('otherItem', 'itemTwice', 'symbolsFew', 'countAbove')
      .map((lie) =>
        stakedPlan([...holder(0, { records: 3, lie }, 'liar'), wait(6_000), ...holder(1, { records: 3 }, 'liar'), wait(30_000)]),
      ),
    rules: [leavesLiarsAlone],
  }),
  reconciliationCheck({
    id: 'reconcile.ask.unasked',
    title: 'Replies that answer nothing are left aside',
    clauses: ['RCN-035'],
    plans: fc.constantFrom('SketchReply', 'RangeReply', 'FetchReply').map((message) =>
      stakedPlan([
        reconciler(0),
        {
          op: 'frames',
          link: 0,
          frames: [
            {
              requestId: 77,
              body: {
                type: 'message',
                message,
                fields:
                  message === 'FetchReply'
                    ? { items: [] }
                    : message === 'RangeReply'
                      ? { message: '6100000200' }
                      : { size: 1, symbols: `${saltOf(5).slice(0, 28)}00` },
              },
            },
          ],
        },
        wait(3_000),
      ]),
    ),
    rules: [ignoresUnasked],
    attacks: ['unsolicited-sketch'],
  }),
  reconciliationCheck({
    id: 'reconcile.ask.tables',
    title: 'A table that does not decode is followed by larger ones, then by ranges',
    clauses: ['RCN-064', 'RCN-040'],
    needs: ['iblt/1'],
    plans: fc
      .record({ records: fc.integer({ min: 1, max: 12 }), garbage: fc.boolean() })
      .map(({ records, garbage }) =>
        stakedPlan([...holder(0, { records, garbage }, undefined, TABLES), wait(12_000)], { 'reconcile.iblt': 'on' }),
      ),
    rules: [doublesTables, fetchesAll],
    runs: 8,
  }),
];
