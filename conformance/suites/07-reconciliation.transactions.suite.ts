/** The mempool as a set: what the node offers of it, takes into it, and leaves where it is. */
import fc from 'fast-check';
import {
  BALANCE,
  listed,
  mempoolPlan,
  pushed,
  SLOT,
  submitted,
  type TransactionWords,
  takers,
  transaction,
  wait,
} from '../arbitraries/mempool-plans.ts';
import type { Json, Step } from '../driver/plan.ts';
import { numberIn, seenMessage } from '../driver/seen.ts';
import { listsAsModel, passesOn } from '../invariants/mempool.ts';
import { asksForNews, comparesItsPool, offersItsPool, takesWhatItFetched } from '../invariants/mempool-reconciled.ts';
import type { Check } from '../runner/check.ts';
import { mempoolCheck } from './mempool-check.ts';

const BOTH = ['gossip/1', 'mempool/1', 'reconcile/1'];

/** Set 2 of chapter 07. */
const TRANSACTIONS = 2;

/** What a node answers for a set that it does not keep. */
const NO_SET = 5;

/** A peer that has these transactions and answers for them; what is pushed as the plan begins by the same words has the same id. */
function holder(link: number, transactions: readonly Json[], more: Readonly<Record<string, Json>> = {}, capabilities = BOTH): Step[] {
  return [
    { op: 'open', link, peer: `holder-${link}`, mode: 'session', capabilities },
    { op: 'behave', as: 'reconcile.holder', with: { transactions: [...transactions], ...more }, link },
  ];
}

/** A peer that asks for all transactions at these moments. */
function puller(link: number, atMs: readonly number[]): Step[] {
  return [
    { op: 'open', link, peer: `puller-${link}`, mode: 'session', capabilities: BOTH },
    { op: 'behave', as: 'reconcile.puller', with: { set: TRANSACTIONS, atMs: [...atMs] }, link },
  ];
}

/** Transactions that no pool of these plans takes, by what is wrong with each. */
const BAD: readonly (TransactionWords & { readonly forged?: boolean })[] = [
  { by: 'account-20', until: SLOT - 1 },
  { by: 'account-21', until: SLOT + 5_000 },
  { by: 'account-22', nonce: 4 },
  { by: 'account-22', nonce: 13 },
  { by: 'account-23', fee: BALANCE + 1 },
  { by: 'account-23', forged: true },
];

/** Words as settings of a holder. */
function held(words: TransactionWords & { readonly forged?: boolean }): Json {
  return Object.fromEntries(Object.entries(words).map(([name, value]) => [name, value as Json]));
}

export const checks: readonly Check[] = [
  mempoolCheck({
    id: 'reconcile.transactions.offered',
    title: 'Whoever pulls the transactions gets the pool, as it stands',
    clauses: ['MEM-035'],
    needs: ['reconcile/1'],
    plans: fc
      .integer({ min: 1, max: 8 })
      .map((count) =>
        mempoolPlan([
          ...takers(0, 2),
          ...Array.from({ length: count }, (_, i) => pushed(i % 2, transaction(`t${i}`, { by: `account-${i}`, until: SLOT + 4 + i }))),
          pushed(0, transaction('used', { by: 'account-20', nonce: 4 })),
          submitted(transaction('own', { by: 'account-21' })),
          wait(300),
          ...puller(7, [0, 2_400]),
          wait(1_500),
          pushed(0, transaction('late', { by: 'account-12' })),
          wait(2_500),
        ]),
      ),
    rules: [offersItsPool],
    runs: 4,
  }),
  mempoolCheck({
    id: 'reconcile.transactions.compared',
    title: 'The pool comes to its turn with the other sets',
    clauses: ['MEM-035'],
    needs: ['reconcile/1'],
    plans: fc
      .integer({ min: 0, max: 3 })
      .map((count) =>
        mempoolPlan([
          ...takers(0, 2),
          ...Array.from({ length: count }, (_, i) => pushed(0, transaction(`t${i}`, { by: `account-${i}` }))),
          ...holder(7, [{ by: 'account-9' }]),
          wait(32_000),
        ]),
      ),
    rules: [comparesItsPool],
    runs: 2,
  }),
  mempoolCheck({
    id: 'reconcile.transactions.taken',
    title: 'What comes by reconciliation is judged like what is pushed: taken and spread, or left',
    clauses: ['MEM-036'],
    needs: ['reconcile/1'],
    plans: fc
      .record({ good: fc.integer({ min: 1, max: 4 }), bad: fc.shuffledSubarray([...BAD], { minLength: 2 }), garbage: fc.boolean() })
      .map(({ good, bad, garbage }) =>
        mempoolPlan([
          ...takers(0, 2),
          ...holder(7, [...Array.from({ length: good }, (_, i) => ({ by: `account-${i}` })), ...bad.map(held)], { garbage }),
          wait(9_000),
          listed(),
          wait(500),
        ]),
      ),
    rules: [takesWhatItFetched, passesOn, listsAsModel('MEM-036')],
    runs: 4,
  }),
  mempoolCheck({
    id: 'reconcile.transactions.no-gossip',
    title: 'What comes from a peer that does not gossip is judged no less',
    clauses: ['MEM-036'],
    needs: ['reconcile/1'],
    plans: fc
      .shuffledSubarray([...BAD], { minLength: 1 })
      .map((bad) =>
        mempoolPlan([
          ...takers(0, 2),
          ...holder(7, [{ by: 'account-0' }, { by: 'account-0', nonce: 6, fee: 900 }, ...bad.map(held)], {}, ['reconcile/1']),
          wait(4_000),
          listed(),
          wait(500),
        ]),
      ),
    rules: [takesWhatItFetched, passesOn],
    runs: 3,
  }),
  mempoolCheck({
    id: 'reconcile.transactions.known',
    title: 'Nothing is asked for that the pool holds, or let go of lately',
    clauses: ['MEM-037'],
    needs: ['reconcile/1'],
    plans: fc.record({ count: fc.integer({ min: 1, max: 3 }), garbage: fc.boolean() }).map(({ count, garbage }) =>
      mempoolPlan([
        ...takers(0, 2),
        // Over in a slot or two; replaced; held.
        pushed(0, transaction('over', { by: 'account-0', until: SLOT + 1 }), transaction('old', { by: 'account-1', fee: 100 })),
        pushed(0, transaction('new', { by: 'account-1', fee: 200 }), transaction('held', { by: 'account-2' })),
        wait(1_300),
        ...holder(
          7,
          [
            { by: 'account-0', until: SLOT + 1 },
            { by: 'account-1' },
            { by: 'account-2' },
            ...Array.from({ length: count }, (_, i) => ({ by: `account-${10 + i}` })),
          ],
          { garbage },
        ),
        wait(9_000),
        listed(),
        wait(500),
      ]),
    ),
    rules: [asksForNews, passesOn],
    runs: 4,
  }),
  mempoolCheck({
    id: 'reconcile.transactions.overtaken',
    title: 'What a push brings while a sketch is on its way is not fetched as well',
    clauses: ['MEM-037'],
    needs: ['reconcile/1'],
    plans: fc.integer({ min: 250, max: 450 }).map((afterMs) =>
      mempoolPlan([
        ...takers(0, 2),
        ...holder(
          7,
          Array.from({ length: 15 }, (_, i) => ({ by: `account-${i}`, ageMs: 1_000 })),
          { afterMs },
        ),
        ...Array.from({ length: 14 }, (_, i) => [
          wait(150),
          pushed(0, transaction(`t${i}`, { by: `account-${i}`, ageMs: 1_000 + 150 * (i + 1) })),
        ]).flat(),
        wait(3_000),
      ]),
    ),
    rules: [asksForNews],
    runs: 3,
  }),
  mempoolCheck({
    id: 'reconcile.transactions.off',
    title: 'A node without a pool keeps no such set',
    clauses: ['RCN-027'],
    needs: ['reconcile/1'],
    plans: fc.constant({
      setup: { overrides: { 'mempool.mode': 'off' } },
      steps: [...puller(7, [0]), wait(1_500)],
    }),
    rules: [
      {
        clauses: ['RCN-027'],
        judge({ trace }) {
          const replies = trace.events.flatMap((event, at) => {
            const reply = event.type === 'frame' ? seenMessage(event.frame, 'SketchReply') : undefined;
            return reply === undefined ? [] : [{ at, outcome: numberIn(reply, 'outcome') }];
          });
          const findings = replies
            .filter(({ outcome }) => outcome !== NO_SET)
            .map(({ at, outcome }) => ({ clause: 'RCN-027', expected: 'no set', observed: `outcome ${outcome}`, at }));
          return { findings, exercised: replies.length > 0 };
        },
      },
    ],
    runs: 1,
  }),
];
