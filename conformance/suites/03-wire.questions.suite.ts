/** Datagrams of a node that asks: its cookies, tokens and repetitions, and whose answers count. */
import fc, { type Arbitrary } from 'fast-check';
import {
  answer,
  askProven,
  datagram,
  endpoint,
  fetchToken,
  OWN_TOKEN,
  pass,
  planOf,
  question,
  retry,
} from '../arbitraries/datagram-plans.ts';
import type { Json, Plan, Step } from '../driver/plan.ts';
import { messageFrame } from '../driver/plan-values.ts';
import {
  answersProven,
  doesNothingForStrangers,
  malformedAnswersCostNothing,
  repliesInOrder,
  staysSilent,
} from '../invariants/datagram-answer.ts';
import {
  asksWithinBounds,
  cookiesAreRandom,
  followsRetry,
  remembersTokens,
  rightAnswersCount,
  showsOwnTokens,
} from '../invariants/datagram-ask.ts';
import { hex, utf8 } from '../model/bytes.ts';
import { valueKey } from '../model/dht-values.ts';
import type { Check } from '../runner/check.ts';
import { datagramCheck } from './datagram-check.ts';

const A = endpoint(1);
const B = endpoint(2, 7, 4_100);
/** Where the kit asks what the node has learnt. */
const JUDGE = endpoint(9, 9, 4_900);

/** The node asks these addresses when it starts, and again when nobody has answered. */
const HINTS = { bootstrap: [`udp://${A}`, `udp://${B}`] };

const tokens = fc.uniqueArray(
  fc
    .uint8Array({ minLength: 8, maxLength: 8 })
    .map(hex)
    .filter((token) => token !== '00'.repeat(8)),
  { minLength: 2, maxLength: 5 },
);

/** Repetitions that come early enough to be counted, or none but that for a Retry. */
const repetitions = fc.constantFrom({ 'datagram.retransmit_ms': '100' }, { 'datagram.retransmits_max': '0' });

/** Retries to the node's first question at A, then silence until it asks again. */
const retried: Arbitrary<Plan> = fc
  .tuple(tokens, fc.constantFrom(10, 100, 250), fc.constantFrom(0, 20, 700), repetitions)
  .map(([given, firstMs, betweenMs, overrides]) =>
    planOf(
      [
        pass(firstMs),
        ...given.flatMap((token) => [retry(A, token), pass(betweenMs)]),
        pass(35_000),
        retry(B, '0b'.repeat(8)),
        pass(35_000),
      ],
      // At another port of the first one's address somebody else may listen.
      { bootstrap: [...HINTS.bootstrap, `udp://${endpoint(1, 1, 4_001)}`], overrides },
    ),
  );

/** The newest question at the step's address, its cookie and its request id. */
const COOKIE = { ref: '$*.findNode.cookie' };
const REQUEST_ID = { ref: '$*.findNode.requestId' };
/** The question that came first, at whatever address. */
const FIRST_COOKIE = { ref: '$0.findNode.cookie' };
const FIRST_REQUEST_ID = { ref: '$0.findNode.requestId' };

/** Asks the node whom it knows. */
const whom: readonly Step[] = [fetchToken(JUDGE), datagram(JUDGE, question('FindNode'), { token: OWN_TOKEN }), pass(500)];

/** What an automatic peer answers: these contacts, and that it is there. */
function answersOf(contacts: readonly Json[]): Json {
  return { FindNode: { message: 'FindNodeReply', fields: { contacts } }, DhtPing: { message: 'DhtPong', fields: {} } };
}

/** Wrong answers of mallory to the node's question at B, then the right one of bob, who goes on answering. */
function answered(wrong: readonly Step[], isFirst = false): Plan {
  const right: readonly Step[] = [
    answer(B, 'bob'),
    {
      op: 'behave',
      as: 'answers',
      at: B,
      peer: 'bob',
      with: answersOf([]),
    },
  ];
  const steps = isFirst ? [...right, ...wrong] : [...wrong, ...right];
  return planOf([pass(10), ...steps, pass(1_000), ...whom], { bootstrap: [`udp://${B}`] });
}

function wrongAnswers(steps: readonly Step[]): Arbitrary<Plan> {
  return fc.shuffledSubarray([...steps], { minLength: steps.length }).map((wrong) => answered(wrong));
}

const reply = messageFrame('FindNodeReply', {});

const CONTENTS = { strange: utf8('put by somebody without a token'), proven: utf8('put by somebody with a token') };

/** Has two contents stored, one by a stranger, and asks for both. */
const puts: Arbitrary<Plan> = fc.constantFrom(0, 1_000).map((pauseMs) => {
  const put = (content: Uint8Array) => messageFrame('PutValue', { namespace: 'hash', content: hex(content), ttlMs: 600_000 });
  const get = (content: Uint8Array) => messageFrame('GetValue', { key: hex(valueKey('hash', content)) });
  return planOf([
    datagram(A, put(CONTENTS.strange)),
    datagram(A, put(CONTENTS.proven), { token: OWN_TOKEN }),
    pass(pauseMs),
    datagram(A, get(CONTENTS.strange), { token: OWN_TOKEN }),
    datagram(A, get(CONTENTS.proven), { token: OWN_TOKEN }),
    pass(1_000),
  ]);
});

export const checks: readonly Check[] = [
  datagramCheck({
    id: 'wire.question.bounded',
    title: 'A question is repeated for one Retry and a few times for none, as it was',
    plans: retried,
    rules: [asksWithinBounds, followsRetry, cookiesAreRandom, showsOwnTokens],
    also: [repliesInOrder],
    attacks: ['Retries without end'],
  }),
  datagramCheck({
    id: 'wire.question.token',
    title: 'A node remembers the token that an address gave',
    plans: retried,
    rules: [remembersTokens],
    keyword: 'SHOULD',
  }),
  datagramCheck({
    id: 'wire.question.unasked',
    title: 'An answer that fits no question does not count, and the right one does',
    plans: fc.oneof(
      wrongAnswers([
        answer(B, 'mallory', { cookie: 'c0'.repeat(8) }),
        answer(B, 'mallory', { cookie: '00'.repeat(8) }),
        answer(B, 'mallory', { frame: messageFrame('FindNodeReply', {}, 77), cookie: COOKIE }),
        answer(B, 'mallory', { frame: messageFrame('DhtPong', {}, REQUEST_ID), cookie: COOKIE }),
        answer(B, 'mallory', { frame: messageFrame('GetValueReply', {}, REQUEST_ID), cookie: COOKIE }),
        answer(endpoint(2, 7, 4_101), 'mallory', { frame: messageFrame('FindNodeReply', {}, FIRST_REQUEST_ID), cookie: FIRST_COOKIE }),
        answer(endpoint(2, 8, 4_100), 'mallory', { frame: messageFrame('FindNodeReply', {}, FIRST_REQUEST_ID), cookie: FIRST_COOKIE }),
      ]),
      fc.constant(
        answered([answer(B, 'mallory', { frame: messageFrame('FindNodeReply', {}, FIRST_REQUEST_ID), cookie: FIRST_COOKIE })], true),
      ),
    ),
    rules: [rightAnswersCount('WIR-108', 'mallory', 'bob')],
    runs: 10,
    attacks: ['answer that nobody asked for'],
  }),
  datagramCheck({
    id: 'wire.question.proof',
    title: 'An answer counts with its own proof only, and a wrong one ends nothing',
    plans: wrongAnswers([
      answer(B, 'mallory', { defect: { kind: 'proof' } }),
      datagram(B, reply, { by: 'mallory', defect: { kind: 'network', networkId: 'another' } }),
      answer(B, 'mallory', { defect: { kind: 'cut', count: 1 } }),
      answer(B, 'mallory', { defect: { kind: 'tail', bytes: '00' } }),
    ]).filter((plan) => plan.steps.some((step) => step.op === 'datagram' && step.defect?.kind === 'proof')),
    rules: [rightAnswersCount('WIR-110', 'mallory', 'bob')],
    attacks: ["answer in another's name"],
  }),
  datagramCheck({
    id: 'wire.question.other-peer',
    title: 'An answer of somebody else than was asked does not count',
    // Alice names bob; mallory answers at his address before he does.
    plans: fc.constantFrom(1, 3).map((count) =>
      planOf(
        [
          {
            op: 'behave',
            as: 'answers',
            at: A,
            peer: 'alice',
            with: answersOf([{ contact: { peer: 'bob', addresses: [`udp://${B}`] } }]),
          },
          pass(20),
          ...Array.from({ length: count }, () => answer(B, 'mallory')),
          // What the node asks him later he does not answer: this one counts.
          answer(B, 'bob'),
          pass(100),
          ...whom,
        ],
        { bootstrap: [`udp://${A}`] },
      ),
    ),
    rules: [rightAnswersCount('WIR-111', 'mallory', 'bob')],
    attacks: ["answer in another's name"],
  }),
  datagramCheck({
    id: 'wire.question.strangers-change-nothing',
    title: 'What a stranger wants stored is not, what a proven address wants stored is',
    plans: puts,
    rules: [doesNothingForStrangers(hex(CONTENTS.strange), hex(CONTENTS.proven)), answersProven],
    also: [repliesInOrder],
    runs: 2,
  }),
  datagramCheck({
    id: 'wire.question.malformed-answers',
    title: 'Malformed answers by datagram are dropped, and cost their sender no session',
    plans: fc.constantFrom(21, 22).map((count) =>
      planOf(
        [
          { op: 'open', link: 0, peer: 'alice', mode: 'session', address: '10.18.1.1', capabilities: ['dht/1'] },
          {
            op: 'behave',
            as: 'answers',
            at: A,
            peer: 'alice',
            with: answersOf(
              Array.from({ length: count }, (_, i) => ({ contact: { peer: `x${i}`, addresses: [`udp://${endpoint(20 + i)}`] } })),
            ),
          },
          pass(300_000),
          { op: 'frames', link: 0, frames: [{ body: { type: 'Ping', nonce: '00'.repeat(8) } }] },
          pass(2_000),
        ],
        { bootstrap: [`udp://${A}`], overrides: { 'topology.mode': 'active' } },
      ),
    ),
    rules: [malformedAnswersCostNothing],
    runs: 2,
  }),
  datagramCheck({
    id: 'wire.question.off',
    title: 'A node without datagrams neither asks nor answers',
    plans: fc.constantFrom('DhtPing', 'FindNode').map((name) =>
      planOf([pass(100), datagram(A, question(name as 'DhtPing' | 'FindNode')), askProven(A, 'FindNode', '70'.repeat(8)), pass(35_000)], {
        ...HINTS,
        overrides: { 'datagram.mode': 'off' },
      }),
    ),
    rules: [staysSilent],
    runs: 2,
  }),
];
