/** A node that asks: when and whom, how it decodes and fetches, and what becomes of those that lie to it. */
import fc from 'fast-check';
import { wait } from '../arbitraries/gossip-plans.ts';
import { mempoolPlan } from '../arbitraries/mempool-plans.ts';
import { given, holder, puller, reconciler, saltOf, stakedPlan } from '../arbitraries/reconciliation-plans.ts';
import { labelOf, recordsSession, requestRecords } from '../arbitraries/records-plans.ts';
import type { Step, ValueFields } from '../driver/plan.ts';
import { messageFrame } from '../driver/plan-values.ts';
import {
  asksSmaller,
  beginsAfresh,
  closesOnFaults,
  comesToItsTurn,
  digestFits,
  digestFitsPart,
  doublesTables,
  endsRanges,
  fetchesAll,
  givesUp,
  givesUpPeers,
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

/** Replies in order, but for that nobody asked for them. */
const UNASKED: Readonly<Record<string, ValueFields>> = {
  SketchReply: { size: 1, symbols: `${saltOf(5).slice(0, 28)}00` },
  RangeReply: { message: '6100000200' },
  FetchReply: { items: [] },
};

/** One holder for each lie, in an order of chance, with records of its own. */
function liars(lies: readonly string[], more: Readonly<Record<string, boolean | number>> = {}): fc.Arbitrary<readonly Step[]> {
  return fc
    .shuffledSubarray([...lies], { minLength: lies.length })
    .chain((order) =>
      fc
        .integer({ min: 2, max: 4 })
        .map((records) => order.flatMap((lie, link) => holder(link, { records, from: 1 + 4 * link, lie, ...more }, `liar-${lie}`))),
    );
}

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
    runs: 3,
  }),
  reconciliationCheck({
    id: 'reconcile.ask.digest-in-part',
    title: 'The digest of a partition is that of its items alone',
    clauses: ['RCN-011'],
    plans: fc.integer({ min: 18, max: 26 }).map((count) =>
      stakedPlan([
        ...given(count),
        // Here the node says what it has of its own.
        recordsSession(5),
        requestRecords(5, labelOf('node')),
        wait(2_000),
        ...holder(9, { records: 0 }),
        wait(8_000),
      ]),
    ),
    rules: [digestFitsPart],
    runs: 3,
  }),
  reconciliationCheck({
    id: 'reconcile.ask.goes-on',
    title: 'Further symbols go on where the last ones ended',
    clauses: ['RCN-013', 'RCN-033'],
    plans: fc.integer({ min: 26, max: 30 }).map((records) =>
      stakedPlan([...holder(0, { records }), ...holder(1, { garbage: true }), wait(4_000)], {
        'reconcile.partition_items_max': '64',
        'reconcile.differences_max': '64',
      }),
    ),
    rules: [goesOn],
  }),
  reconciliationCheck({
    id: 'reconcile.ask.goes-on-in-part',
    title: 'Further symbols of a partition are asked for with that partition',
    clauses: ['RCN-013', 'RCN-033'],
    plans: fc.integer({ min: 18, max: 30 }).map((records) => stakedPlan([...given(records), ...holder(1, { garbage: true }), wait(6_000)])),
    rules: [goesOn],
    runs: 3,
  }),
  reconciliationCheck({
    id: 'reconcile.ask.comes-again',
    title: 'What a node knows of a peer outlasts a session: when it was asked, how it failed, and that it is to be left alone',
    clauses: ['RCN-014', 'RCN-016', 'RCN-036', 'RCN-037'],
    plans: fc
      .array(fc.constantFrom(50, 300, 900, 1_400, 3_000), { minLength: 12, maxLength: 16 })
      .map((pauses) =>
        stakedPlan([
          ...pauses.flatMap((pauseMs, i): Step[] => [
            ...holder(2 * i, { garbage: true, lie: 'echo' }, 'fails'),
            ...holder(2 * i + 1, { records: 2 }, 'honest'),
            wait(pauseMs),
            { op: 'closeLink', link: 2 * i },
            { op: 'closeLink', link: 2 * i + 1 },
            wait(20),
          ]),
          ...holder(100, { garbage: true, lie: 'echo' }, 'fails'),
          wait(6_000),
        ]),
      ),
    rules: [keepsPace, givesUpPeers],
    runs: 3,
    attacks: ['coming again to be trusted again'],
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
    runs: 4,
  }),
  reconciliationCheck({
    id: 'reconcile.ask.turn',
    title: 'Each set comes to its turn, also when nothing differs or a peer is busy',
    clauses: ['RCN-017'],
    plans: fc
      .constantFrom('none', 'busy', 'noSet', 'gone', 'unknownOutcome')
      .map((lie) =>
        mempoolPlan(
          [
            ...holder(0, { records: 2 }, undefined, ['mempool/1', 'reconcile/1']),
            ...holder(1, { records: 2 }),
            wait(90_000),
            ...holder(2, { records: 2, lie }),
            wait(35_000),
          ],
          { stakes: true },
        ),
      ),
    rules: [comesToItsTurn],
    runs: 2,
  }),
  reconciliationCheck({
    id: 'reconcile.ask.silent',
    title: 'After a peer that does not answer another is asked',
    clauses: ['RCN-018'],
    plans: fc
      .integer({ min: 1, max: 3 })
      .map((others) =>
        stakedPlan(
          [
            ...Array.from({ length: others }, (_, i) => holder(1 + i, { records: 1 + i })).flat(),
            wait(25_000),
            ...holder(0, { lie: 'halfSilent' }),
            wait(60_000),
          ],
          { 'reconcile.pause_ms_max': '60000', 'reconcile.round_ms_max': '600000' },
        ),
      ),
    rules: [turnsAway],
    runs: 3,
  }),
  reconciliationCheck({
    id: 'reconcile.ask.silent-in-turn',
    title: 'Peers that do not answer hold up nobody, however many exchanges may run',
    clauses: ['RCN-017', 'RCN-018'],
    plans: fc
      .integer({ min: 1, max: 3 })
      .map((silent) =>
        stakedPlan(
          [
            ...Array.from({ length: silent }, (_, i) => holder(i, { lie: 'halfSilent' })).flat(),
            wait(2_000),
            ...holder(9, { records: 2 }),
            wait(70_000),
          ],
          { 'reconcile.running_max': '1' },
        ),
      ),
    rules: [comesToItsTurn, turnsAway],
    runs: 3,
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
    plans: liars(['none', 'symbolsFew', 'symbolsMany', 'countAbove', 'countBelow', 'garbage', 'namedTwice']).map((steps) =>
      stakedPlan([...steps, wait(9_000)]),
    ),
    rules: [closesOnFaults],
    runs: 3,
    attacks: ['undecodable-sketch', 'count-overflow'],
  }),
  reconciliationCheck({
    id: 'reconcile.ask.size',
    title: 'Further symbols of a sketch come with the size of the first ones, or the session ends',
    clauses: ['RCN-025'],
    plans: fc.integer({ min: 26, max: 30 }).map((records) =>
      stakedPlan([...holder(0, { records, lie: 'sizeMoves' }), wait(4_000)], {
        'reconcile.partition_items_max': '64',
        'reconcile.differences_max': '64',
      }),
    ),
    rules: [closesOnFaults],
    runs: 3,
  }),
  reconciliationCheck({
    id: 'reconcile.ask.items',
    title: 'An item that was not asked for, or comes twice, ends the session',
    clauses: ['RCN-045'],
    plans: liars(['none', 'otherItem', 'itemTwice', 'noItem', 'oneItem']).map((steps) => stakedPlan([...steps, wait(9_000)])),
    rules: [closesOnFaults],
    runs: 3,
  }),
  reconciliationCheck({
    id: 'reconcile.ask.range-form',
    title: 'Range messages out of form end the session, those in order do not',
    clauses: ['RCN-078', 'RCN-079'],
    plans: liars(['none', 'boundsFall', 'idBomb', 'rangeCut', 'echo'], { garbage: true }).map((steps) =>
      stakedPlan([...steps, wait(14_000)]),
    ),
    rules: [closesOnFaults],
    runs: 3,
    attacks: ['range-bounds', 'id-list-bomb'],
  }),
  reconciliationCheck({
    id: 'reconcile.ask.gives-up',
    title: 'What does not decode is followed by ranges, and a peer that fails again is left alone for a while',
    clauses: ['RCN-033', 'RCN-036', 'RCN-037', 'RCN-077'],
    plans: liars(['echo', 'none'], { garbage: true }).map((steps) => stakedPlan([...steps, wait(75_000)])),
    rules: [givesUp, goesOn, endsRanges],
    runs: 3,
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
    plans: fc.integer({ min: 3, max: 8 }).map((records) =>
      stakedPlan([
        // Here the node says what it has of its own.
        recordsSession(5),
        requestRecords(5, labelOf('node')),
        ...holder(0, { records }),
        ...holder(1, { records, from: 9, garbage: true, times: 1 }),
        ...holder(2, { records, from: 17, lie: 'oneItem' }),
        wait(12_000),
      ]),
    ),
    rules: [fetchesAll],
    runs: 4,
  }),
  reconciliationCheck({
    id: 'reconcile.ask.judged',
    title: 'Fetched records are judged before they are held',
    clauses: ['RCN-046'],
    plans: fc
      .integer({ min: 1, max: 6 })
      .map((records) =>
        stakedPlan([
          recordsSession(5),
          ...holder(0, { records }),
          ...holder(1, { records, from: 11, lie: 'badItem' }),
          wait(8_000),
          requestRecords(5, ...Array.from({ length: records }, (_, i) => [labelOf(`stake-${i + 1}`), labelOf(`stake-${i + 11}`)]).flat()),
          wait(1_500),
        ]),
      ),
    rules: [holdsWhatIsGood],
    runs: 3,
  }),
  reconciliationCheck({
    id: 'reconcile.ask.liars',
    title: 'A peer whose replies ended the session is not asked when it comes again',
    clauses: ['RCN-048'],
    plans: liars(['otherItem', 'itemTwice', 'symbolsFew', 'countAbove']).map((steps) =>
      stakedPlan([
        ...steps,
        wait(8_000),
        ...['otherItem', 'itemTwice', 'symbolsFew', 'countAbove'].flatMap((lie, i) => holder(10 + i, { records: 3 }, `liar-${lie}`)),
        wait(30_000),
      ]),
    ),
    rules: [leavesLiarsAlone],
    runs: 2,
  }),
  reconciliationCheck({
    id: 'reconcile.ask.unasked',
    title: 'Replies that answer nothing are left aside',
    clauses: ['RCN-035'],
    plans: fc
      .constantFrom(0, 77, 4_294_967_295)
      .map((requestId) =>
        stakedPlan([
          ...['SketchReply', 'RangeReply', 'FetchReply'].flatMap((message, link): Step[] => [
            reconciler(link),
            { op: 'frames', link, frames: [messageFrame(message, UNASKED[message] ?? {}, requestId === 0 ? 5 : requestId)] },
          ]),
          wait(3_000),
        ]),
      ),
    rules: [ignoresUnasked],
    attacks: ['unsolicited-sketch'],
  }),
  reconciliationCheck({
    id: 'reconcile.ask.tables',
    title: 'A table that does not decode is followed by larger ones, then by ranges',
    clauses: ['RCN-010', 'RCN-064', 'RCN-040'],
    needs: ['iblt/1'],
    plans: fc.integer({ min: 1, max: 10 }).map((records) =>
      stakedPlan(
        [
          // Here the node says what it has of its own.
          recordsSession(5),
          requestRecords(5, labelOf('node')),
          ...holder(0, { records }, undefined, TABLES),
          ...holder(1, { records, from: 11, garbage: true }, undefined, TABLES),
          wait(16_000),
        ],
        { 'reconcile.iblt': 'on' },
      ),
    ),
    rules: [doublesTables, fetchesAll, beginsAfresh],
    runs: 3,
  }),
];
