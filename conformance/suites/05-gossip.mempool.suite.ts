/** The mempool: verdicts, room, order, spreading, and leaders. */
import fc from 'fast-check';
import {
  BALANCE,
  forwarded,
  ledger,
  listed,
  mempoolPlan,
  pushed,
  SLOT,
  submitted,
  type TransactionWords,
  taker,
  takers,
  transaction,
  wait,
} from '../arbitraries/mempool-plans.ts';
import type { Plan, SealedSpec, Step } from '../driver/plan.ts';
import {
  answersSubmissions,
  batchesAreSmall,
  deliversNone,
  forwardsToLeaders,
  handsOver,
  listsAsModel,
  passesOn,
  verdictsAsModel,
} from '../invariants/mempool.ts';
import type { Check } from '../runner/check.ts';
import { vectorCheck } from '../vectors/checks.ts';
import { mempoolCheck } from './mempool-check.ts';

/** One transaction that a rule keeps out, between two that it does not: the control twin differs in that alone. */
function edges(clause: string, good: TransactionWords, bad: TransactionWords, before: readonly Step[] = []): fc.Arbitrary<Plan> {
  return fc.constantFrom('push', 'forward').map((way) => {
    const give = way === 'push' ? pushed : forwarded;
    return mempoolPlan([
      ...takers(0, 3),
      ...before,
      give(0, transaction(`${clause}-bad`, { by: 'alice', ...bad })),
      pushed(0, transaction(`${clause}-good`, { by: 'bob', ...good })),
      wait(400),
      listed(),
      wait(1_300),
    ]);
  });
}

function edgeCheck(clause: string, id: string, title: string, good: TransactionWords, bad: TransactionWords): Check {
  return mempoolCheck({
    id: `mempool.${id}`,
    title,
    clauses: [clause, 'MEM-001', 'MEM-017'],
    plans: edges(clause, good, bad),
    rules: [listsAsModel(clause), verdictsAsModel(clause), passesOn],
    runs: 2,
  });
}

/** A full pool: fifteen accounts with fees from 100 on, of which the first has a dear transaction behind its cheap one. */
const full: readonly Step[] = Array.from({ length: 4 }, (_, group) =>
  pushed(
    0,
    ...Array.from({ length: 4 }, (__, index) => {
      const number = 4 * group + index;
      if (number === 15) return transaction('full-last', { by: 'account-0', nonce: 6, fee: 900 });
      return transaction(`full-${number}`, { by: `account-${number}`, fee: 100 + number });
    }),
  ),
);

/** Fees of a transaction and of one that would replace it. */
const PAIRS: (readonly [number, number])[] = [
  [100, 109],
  [100, 110],
  [100, 100],
  [0, 1],
  [50, 54],
  [40, 80],
];

const vectors: readonly Check[] = [
  vectorCheck({
    id: 'mempool.judge.structure',
    title: 'Transactions get the verdicts of gossip, and need a body',
    file: 'mempool/judge.json',
    clauses: ['MEM-001', 'MEM-002', 'MEM-003'],
  }),
  vectorCheck({
    id: 'mempool.admit.slot',
    title: 'Slots decide to the last one',
    file: 'mempool/admit.json',
    clauses: ['MEM-010', 'MEM-011'],
  }),
  vectorCheck({
    id: 'mempool.admit.nonce',
    title: 'Nonces are taken from the next one on, as many as an account may have',
    file: 'mempool/admit.json',
    clauses: ['MEM-012', 'MEM-013'],
  }),
  vectorCheck({
    id: 'mempool.admit.balance',
    title: 'An account pays what it has and no more',
    file: 'mempool/admit.json',
    clauses: ['MEM-014'],
  }),
  vectorCheck({
    id: 'mempool.admit.replace',
    title: 'A replacement pays enough more, in whole numbers',
    file: 'mempool/admit.json',
    clauses: ['MEM-015'],
  }),
  vectorCheck({
    id: 'mempool.admit.room',
    title: 'Room is made at the cheapest ends of other accounts, or not at all',
    file: 'mempool/admit.json',
    clauses: ['MEM-016'],
  }),
  vectorCheck({
    id: 'mempool.admit.taken',
    title: 'What nothing speaks against is taken',
    file: 'mempool/admit.json',
    clauses: ['MEM-017'],
  }),
  vectorCheck({ id: 'mempool.order.price', title: 'A block takes the dearest first', file: 'mempool/order.json', clauses: ['MEM-023'] }),
  vectorCheck({
    id: 'mempool.order.nonce',
    title: 'A block takes the nonces of an account in their order',
    file: 'mempool/order.json',
    clauses: ['MEM-024'],
  }),
];

export const checks: readonly Check[] = [
  ...vectors,
  edgeCheck(
    'MEM-010',
    'slot-over',
    'A transaction whose last slot is over is ignored, one of the slot of now is not',
    { until: SLOT },
    { until: SLOT - 1 },
  ),
  edgeCheck('MEM-011', 'slot-far', 'A transaction that is valid for too long is ignored', { until: SLOT + 4_096 }, { until: SLOT + 4_099 }),
  edgeCheck('MEM-012', 'nonce-used', 'A transaction with a nonce that was used is ignored', { nonce: 5 }, { nonce: 4 }),
  edgeCheck('MEM-013', 'nonce-ahead', 'A transaction with a nonce too far ahead is ignored', { nonce: 12 }, { nonce: 13 }),
  edgeCheck(
    'MEM-014',
    'balance',
    'A transaction that its account cannot pay is ignored',
    { fee: 100, amount: BALANCE - 100 },
    { fee: 100, amount: BALANCE - 99 },
  ),
  edgeCheck('MEM-002', 'size', 'A transaction above the limit is rejected', { size: 7_900 }, { size: 8_200 }),
  mempoolCheck({
    id: 'mempool.replace',
    title: 'A transaction replaces another of its account and nonce when it pays a tenth more, and the old one is gone',
    clauses: ['MEM-020', 'MEM-015', 'MEM-017'],
    plans: fc
      .shuffledSubarray<readonly [number, number]>(PAIRS, { minLength: PAIRS.length })
      .map((pairs) =>
        mempoolPlan([
          ...takers(0, 3),
          ...pairs.flatMap(([old, fee], index) => [
            pushed(0, transaction(`old-${index}`, { by: `account-${index}`, fee: old })),
            pushed(1, transaction(`newcomer-${index}`, { by: `account-${index}`, fee })),
          ]),
          wait(400),
          listed(),
          wait(500),
        ]),
      ),
    rules: [listsAsModel('MEM-020'), verdictsAsModel('MEM-015'), passesOn],
  }),
  mempoolCheck({
    id: 'mempool.room',
    title: 'A full pool takes a dearer transaction for its cheapest last one, and no cheaper one',
    clauses: ['MEM-021', 'MEM-016', 'MEM-017'],
    plans: fc
      .constantFrom(99, 100, 101, 500)
      .chain((fee) =>
        fc
          .constantFrom('account-20', 'account-1')
          .map((by) =>
            mempoolPlan([
              ...takers(0, 3),
              ...full,
              pushed(1, transaction('newcomer', { by, fee, nonce: by === 'account-1' ? 6 : 5 })),
              pushed(1, transaction('last', { by: 'account-21', fee: 103 })),
              wait(400),
              listed(),
              wait(500),
            ]),
          ),
      ),
    rules: [listsAsModel('MEM-021'), verdictsAsModel('MEM-016'), passesOn],
  }),
  mempoolCheck({
    id: 'mempool.room.bytes',
    title: 'Where those that are cheaper do not make enough room, none of them leaves',
    clauses: ['MEM-021', 'MEM-016'],
    plans: fc.constantFrom(20, 7_000).map((size) => {
      const large = Array.from({ length: 8 }, (_, index) =>
        transaction(`large-${index}`, { by: `account-${index}`, fee: 90_000 + index, size: 7_700 }),
      );
      const small = Array.from({ length: 4 }, (_, index) =>
        transaction(`small-${index}`, { by: `account-${10 + index}`, fee: 10 + index }),
      );
      return mempoolPlan([
        ...takers(0, 3),
        pushed(0, ...large.slice(0, 4)),
        pushed(1, ...large.slice(4)),
        pushed(0, ...small),
        pushed(1, transaction('newcomer', { by: 'bob', fee: 10_000, size })),
        wait(400),
        listed(),
        wait(500),
      ]);
    }),
    rules: [listsAsModel('MEM-021'), verdictsAsModel('MEM-016')],
    runs: 2,
  }),
  mempoolCheck({
    id: 'mempool.ignored-free',
    title: 'Transactions that are ignored use up no flood bucket of their account',
    clauses: ['MEM-001', 'MEM-017'],
    plans: fc
      .constantFrom<TransactionWords>({ nonce: 4 }, { until: SLOT - 1 }, { amount: BALANCE })
      .map((bad) =>
        mempoolPlan([
          ...takers(0, 4),
          ...Array.from({ length: 3 }, (_, link) =>
            pushed(link, ...Array.from({ length: 8 }, (__, index) => transaction(`bad-${link}-${index}`, { ...bad, fee: 100 + index }))),
          ),
          pushed(3, transaction('good')),
          wait(400),
          listed(),
          wait(500),
        ]),
      ),
    rules: [listsAsModel('MEM-001'), passesOn],
    runs: 2,
  }),
  mempoolCheck({
    id: 'mempool.order',
    title: 'What a block takes is in the order of prices, and of nonces within an account',
    clauses: ['MEM-023'],
    plans: fc
      .shuffledSubarray(
        [
          transaction('a5', { fee: 10 }),
          transaction('a6', { nonce: 6, fee: 900 }),
          transaction('a8', { nonce: 8, fee: 999 }),
          transaction('b5', { by: 'bob', fee: 50 }),
          transaction('b6', { by: 'bob', nonce: 6, fee: 1 }),
          transaction('c5', { by: 'carol', fee: 60, size: 200 }),
        ],
        { minLength: 4 },
      )
      .map((specs: readonly SealedSpec[]) =>
        mempoolPlan([...takers(0, 2), ...specs.map((spec, index) => pushed(index % 2, spec)), wait(400), listed(), wait(500)]),
      ),
    rules: [listsAsModel('MEM-023')],
  }),
  mempoolCheck({
    id: 'mempool.expires',
    title: 'A transaction leaves the pool with its last slot',
    clauses: ['MEM-022'],
    plans: fc.constantFrom(0, 1, 2).map((ahead) =>
      mempoolPlan([
        ...takers(0, 2),
        pushed(0, transaction('short', { until: SLOT + ahead }), transaction('long', { by: 'bob' })),
        wait(590),
        listed('before'),
        wait(20),
        listed('after-1'),
        wait(600),
        listed('after-2'),
        wait(600),
        listed('after-3'),
        // Its place is free: a cheaper one of the same nonce is taken now.
        pushed(1, transaction('cheaper', { fee: 1, until: SLOT + 50 })),
        wait(300),
        listed('end'),
      ]),
    ),
    rules: [listsAsModel('MEM-022')],
  }),
  mempoolCheck({
    id: 'mempool.submit',
    title: 'What the application submits is judged like the rest, answered, and spread',
    clauses: ['MEM-025', 'MEM-001'],
    plans: fc
      .shuffledSubarray(
        [
          transaction('good', { by: 'bob' }),
          transaction('late', { ageMs: 60_001 }),
          transaction('early', { ageMs: -600 }),
          transaction('used', { nonce: 2 }),
          transaction('poor', { amount: BALANCE }),
          transaction('over', { until: SLOT - 1 }),
          { ...transaction('forged', { by: 'carol' }), defect: { kind: 'signature' } } as SealedSpec,
          { ...transaction('other-context', { by: 'carol' }), context: 'app-other' } as SealedSpec,
        ],
        { minLength: 3 },
      )
      .map((specs: readonly SealedSpec[]) =>
        mempoolPlan([...takers(0, 2), ...specs.flatMap((spec) => [submitted(spec), wait(50)]), wait(600), listed(), wait(500)]),
      ),
    rules: [answersSubmissions('MEM-025'), passesOn, listsAsModel('MEM-025')],
  }),
  mempoolCheck({
    id: 'mempool.spreads',
    title: 'Accepted transactions go to every peer that takes them, and to no other; none reaches the application',
    clauses: ['MEM-026', 'MEM-017', 'MEM-027', 'MEM-001'],
    plans: fc
      .integer({ min: 1, max: 3 })
      .map((count) =>
        mempoolPlan([
          ...takers(0, 3),
          { op: 'open', link: 3, peer: 'plain', mode: 'session', capabilities: ['gossip/1'] },
          { op: 'open', link: 4, peer: 'direct', mode: 'session', capabilities: ['direct/1'] },
          ...Array.from({ length: count }, (_, index) => pushed(0, transaction(`t${index}`, { by: `account-${index}` }))),
          wait(2_500),
        ]),
      ),
    rules: [passesOn, deliversNone],
  }),
  mempoolCheck({
    id: 'mempool.delivers-none',
    title: 'A transaction is no message of the application',
    clauses: ['MEM-027'],
    plans: fc.constant(
      mempoolPlan([...takers(0, 2), pushed(0, transaction('one')), submitted(transaction('two', { by: 'bob' })), wait(500)]),
    ),
    rules: [deliversNone],
  }),
  mempoolCheck({
    id: 'mempool.off',
    title: 'A node whose mempool is off neither offers nor serves it',
    clauses: ['MEM-004'],
    plans: fc.constant({
      setup: { overrides: { 'mempool.mode': 'off' } },
      steps: [...takers(0, 2), pushed(0, transaction('one')), wait(1_500)],
    }),
    rules: [
      {
        clauses: ['MEM-004'],
        judge({ trace }) {
          const findings = trace.events.flatMap((event, index) => {
            const isOffered = event.type === 'sessionUp' && event.capabilities.includes('mempool/1');
            const isServed = event.type === 'frame' && event.frame.body?.type === 'Push' && event.frame.body.topic === 'tx';
            const isTaken = event.type === 'verdict' && event.verdict === 'accept';
            if (!isOffered && !isServed && !isTaken) return [];
            return [
              {
                clause: 'MEM-004',
                expected: 'topic tx is not served',
                observed: isOffered ? 'mempool/1 in the session' : 'a transaction was taken',
                at: index,
              },
            ];
          });
          return { findings, exercised: trace.events.some(({ type }) => type === 'sentFrame') };
        },
      },
    ],
  }),
  mempoolCheck({
    id: 'mempool.forward',
    title: 'Leaders of the slots to come get accepted transactions in a Forward, others do not',
    clauses: ['MEM-030', 'MEM-034', 'MEM-017'],
    plans: fc.constantFrom([0, 1], [1, 3], [2, 5]).map(([first = 0, count = 1]) =>
      mempoolPlan(
        [
          ...Array.from({ length: 6 }, (_, index) => taker(index, `taker-${index}`)),
          ...Array.from({ length: count }, (_, index) => pushed(first, transaction(`t${index}`, { by: `account-${index}` }))),
          wait(900),
        ],
        {
          ledger: ledger(
            ['taker-0', 'taker-1', 'taker-2', 'taker-3', 'taker-4', 'taker-5', 'nobody-1', 'nobody-2', 'nobody-3', 'nobody-4'].map(
              (label) => label,
            ),
          ),
        },
      ),
    ),
    rules: [forwardsToLeaders, passesOn],
  }),
  mempoolCheck({
    id: 'mempool.hands-over',
    title: 'A leader that comes near gets what is ready',
    clauses: ['MEM-031', 'MEM-034'],
    plans: fc.constant(
      mempoolPlan(
        [
          ...takers(0, 2),
          // Not among the active links by its score: nothing but the Forward brings it the transactions.
          pushed(
            0,
            transaction('a5'),
            transaction('a6', { nonce: 6 }),
            transaction('b5', { by: 'bob', fee: 300 }),
            transaction('a9', { nonce: 9 }),
            transaction('d9', { by: 'carol', nonce: 9, fee: 900 }),
          ),
          // More than are handed over at a time.
          pushed(0, ...Array.from({ length: 9 }, (_, index) => transaction(`c${index}`, { by: `account-${index}`, fee: 200 + index }))),
          wait(300),
          { op: 'open', link: 7, peer: 'leader', mode: 'session', capabilities: ['direct/1', 'mempool/1'] },
          wait(4_800),
          listed(),
          wait(1_300),
        ],
        { ledger: ledger([...Array.from({ length: 8 }, () => 'nobody'), 'leader', 'leader']) },
      ),
    ),
    rules: [handsOver, forwardsToLeaders],
  }),
  mempoolCheck({
    id: 'mempool.forward-received',
    title: 'A transaction that came in a Forward is judged and passed on like any other',
    clauses: ['MEM-033', 'MEM-001'],
    plans: fc.constantFrom(1, 3).map((count) =>
      mempoolPlan([
        ...takers(0, 3),
        forwarded(0, ...Array.from({ length: count }, (_, index) => transaction(`t${index}`, { by: `account-${index}` }))),
        forwarded(1, transaction('t0', { by: 'account-0' }), {
          ...transaction('forged', { by: 'carol' }),
          defect: { kind: 'signature' },
        }),
        wait(1_500),
        listed(),
      ]),
    ),
    rules: [passesOn],
  }),
  mempoolCheck({
    id: 'mempool.batches',
    title: 'Large transactions leave in frames that hold no more than their bytes',
    clauses: ['MEM-032'],
    plans: fc.integer({ min: 5, max: 7 }).map((count) =>
      mempoolPlan(
        [
          ...takers(0, 2),
          // What comes in one frame need not leave in one.
          pushed(0, ...Array.from({ length: count }, (_, index) => transaction(`large-${index}`, { by: `account-${index}`, size: 7_800 }))),
          wait(300),
          { op: 'open', link: 7, peer: 'leader', mode: 'session', capabilities: ['direct/1', 'mempool/1'] },
          wait(6_000),
        ],
        { ledger: ledger([...Array.from({ length: 8 }, () => 'nobody'), 'leader', 'leader']) },
      ),
    ),
    rules: [batchesAreSmall],
  }),
];
