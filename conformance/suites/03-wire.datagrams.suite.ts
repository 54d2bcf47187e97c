/** Datagrams: who is answered and how, and what is dropped. */
import fc from 'fast-check';
import {
  arrive,
  askProven,
  datagram,
  endpoint,
  fetchToken,
  OWN_TOKEN,
  padding,
  pass,
  planOf,
  QUESTIONS,
  type QuestionName,
  question,
  TARGET,
  tokenOfStep,
} from '../arbitraries/datagram-plans.ts';
import { labelOf } from '../arbitraries/records-plans.ts';
import type { FrameSpec, Step } from '../driver/plan.ts';
import { messageFrame } from '../driver/plan-values.ts';
import {
  answersProven,
  dropsSilently,
  gatesUnproven,
  offersWhatItAnswers,
  repliesInOrder,
  sessionsGoOn,
} from '../invariants/datagram-answer.ts';
import type { Check } from '../runner/check.ts';
import { datagramCheck } from './datagram-check.ts';

const NAMES = Object.keys(QUESTIONS) as QuestionName[];
const A = endpoint(1);

/** What a stranger may ask: any kind, padded as far as its limit allows. */
const strangers = fc.oneof(
  fc.constantFrom(...NAMES).map((name) => question(name)),
  fc.constantFrom(0, 3, 60, 90, 95, 96, 97, 98, 120, 150, 187).map((pad) => question('DhtPing', pad)),
  fc.constantFrom(3, 100, 150).map((pad) => question('FindNode', pad)),
);

/** Request ids of one to five bytes: a Retry repeats them, and is as much longer. */
const requestIds = fc.constantFrom(1, 127, 128, 16_384, 0xffff_ffff);

/** A valid question with a token from A, after what is wrong. */
const twin: readonly Step[] = [askProven(A), pass(1_000)];

/** A question from A that a valid token would get answered, with one thing wrong. */
function spoilt(frame: FrameSpec, more: Parameters<typeof datagram>[2] = {}): Step {
  return datagram(A, frame, { token: OWN_TOKEN, ...more });
}

const malformed = fc.constantFrom(
  messageFrame('FindNode', { target: '5a'.repeat(31) }),
  messageFrame('FindNode', { target: '5a'.repeat(33) }),
  messageFrame('FindNode', {}),
  { kind: 70, body: { type: 'raw', bytes: `0a20${'5a'.repeat(31)}` } } satisfies FrameSpec,
  { kind: 90, body: { type: 'raw', bytes: 'a21f05' } } satisfies FrameSpec,
  { kind: 82, body: { type: 'raw', bytes: '07' } } satisfies FrameSpec,
);

interface Fault {
  readonly id: string;
  readonly clause: string;
  readonly title: string;
  readonly steps: fc.Arbitrary<readonly Step[]>;
}

const one = (...steps: readonly Step[]): fc.Arbitrary<readonly Step[]> => fc.constantFrom(...steps.map((step) => [step]));

const FAULTS: readonly Fault[] = [
  {
    id: 'network',
    clause: 'WIR-103',
    title: 'Who asks in another network is told nothing',
    steps: one(
      spoilt(question('FindNode'), { defect: { kind: 'network', networkId: 'another' } }),
      spoilt(question('DhtPing', 120), { defect: { kind: 'tag' } }),
    ),
  },
  {
    id: 'cut',
    clause: 'WIR-104',
    title: 'A question that ends too early is told nothing',
    steps: fc.integer({ min: 1, max: 34 }).map((count) => [spoilt(question('FindNode'), { defect: { kind: 'cut', count } })]),
  },
  {
    id: 'kind',
    clause: 'WIR-105',
    title: 'A kind that belongs on a session, or that nobody knows, is told nothing',
    steps: fc
      .constantFrom(2, 32, 36, 38, 40, 42, 44, 48, 9, 71, 255, 65_280, 65_281)
      .map((kind) => [spoilt({ kind, requestId: 1, body: { type: 'raw', bytes: '0a080011223344556677' } })]),
  },
  {
    id: 'limit',
    clause: 'WIR-106',
    title: 'A question above the limit of its kind, or with request id 0, is told nothing',
    steps: one(
      spoilt({ kind: 90, body: { type: 'raw', bytes: padding(191) } }),
      spoilt({ kind: 74, body: { type: 'raw', bytes: `0a20${TARGET}${padding(40)}` } }),
      spoilt({ ...question('FindNode'), requestId: 0 }),
    ),
  },
  {
    id: 'behind',
    clause: 'WIR-107',
    title: 'A question with bytes behind it is told nothing',
    steps: fc
      .constantFrom('00', 'ff', '02'.repeat(96), '5a'.repeat(97), `24460100${'5a'.repeat(34)}`)
      .map((bytes) => [spoilt(question('FindNode'), { defect: { kind: 'tail', bytes } })]),
  },
  {
    id: 'body',
    clause: 'WIR-112',
    title: 'A question whose body is malformed is told nothing',
    steps: malformed.map((frame) => [spoilt(frame)]),
  },
  {
    id: 'unasked',
    clause: 'WIR-108',
    title: 'A reply to nothing is told nothing',
    steps: fc
      .constantFrom('FindNodeReply', 'DhtPong', 'Retry')
      .map((name) => [datagram(A, messageFrame(name, {}, 1), { cookie: 'c0'.repeat(8), by: 'alice', token: '70'.repeat(8) })]),
  },
];

export const checks: readonly Check[] = [
  datagramCheck({
    id: 'wire.datagram.gate',
    title: 'Who has not shown its address gets no more bytes than it sent; who has gets the answer',
    plans: fc.tuple(fc.array(fc.tuple(strangers, requestIds), { minLength: 4, maxLength: 8 }), requestIds).map(([some, id]) => {
      // With 96 bytes more a DhtPing is as long as its answer.
      const asked = [...some, ...[95, 96, 97].map((pad) => [question('DhtPing', pad), id] as const)];
      return planOf([
        ...asked.map(([frame, requestId], index) => datagram(endpoint(1 + (index % 5), 1 + index), { ...frame, requestId })),
        pass(1_000),
        ...asked.flatMap(([frame, requestId], index) => {
          const from = endpoint(1 + (index % 5), 1 + index);
          return [fetchToken(from), arrive, datagram(from, { ...frame, requestId }, { token: OWN_TOKEN })];
        }),
        pass(1_000),
      ]);
    }),
    rules: [gatesUnproven('none'), answersProven, repliesInOrder],
    levels: ['adapter', 'wire'],
    attacks: ['amplification by a forged source'],
  }),
  datagramCheck({
    id: 'wire.datagram.foreign-token',
    title: 'A token of another address or port, or of nobody, proves nothing',
    plans: fc
      .tuple(
        fc.constantFrom(endpoint(1, 1, 4_001), endpoint(1, 2, 4_000), endpoint(9, 1, 4_000), endpoint(1, 1, 65_535)),
        fc.constantFrom(...NAMES),
        fc.constantFrom('ffffffffffffffff', '0000000000000001', '0100000000000000'),
      )
      .map(([other, name, forged]) =>
        planOf([
          fetchToken(A),
          askProven(other, name, tokenOfStep(0)),
          askProven(other, name, forged),
          askProven(A, name, tokenOfStep(0)),
          fetchToken(other),
          askProven(other, name),
          pass(1_000),
        ]),
      ),
    rules: [gatesUnproven('foreign'), answersProven],
    also: [repliesInOrder],
    attacks: ['token of another address'],
  }),
  datagramCheck({
    id: 'wire.datagram.token-lasts',
    title: 'A token is valid for its time, whenever it was given',
    plans: fc
      .tuple(fc.integer({ min: 0, max: 600_000 }), fc.constantFrom(1, 150_000, 299_000, 299_999, 300_000))
      .map(([startMs, ageMs]) => planOf([pass(startMs), fetchToken(A), pass(ageMs), askProven(A), pass(1_000)])),
    rules: [answersProven],
    also: [repliesInOrder],
  }),
  datagramCheck({
    id: 'wire.datagram.token-ends',
    title: 'A token is not valid for more than twice its time',
    plans: fc
      .tuple(fc.integer({ min: 0, max: 600_000 }), fc.constantFrom(600_001, 610_000, 900_001, 3_600_000))
      .map(([startMs, ageMs]) =>
        planOf([
          pass(startMs),
          fetchToken(A),
          pass(ageMs),
          askProven(A),
          askProven(A, 'DhtPing', tokenOfStep(1)),
          fetchToken(A),
          askProven(A),
          pass(1_000),
        ]),
      ),
    rules: [gatesUnproven('expired'), answersProven],
    also: [repliesInOrder],
    attacks: ['token that is too old'],
  }),
  ...FAULTS.map(({ id, clause, title, steps }) =>
    datagramCheck({
      id: `wire.datagram.silent.${id}`,
      title,
      plans: fc
        .array(steps, { minLength: 1, maxLength: 3 })
        .map((wrong) => planOf([fetchToken(A), arrive, ...wrong.flat(), pass(1_000), ...twin])),
      rules: [dropsSilently(clause), answersProven],
      also: [repliesInOrder],
      ...(id === 'network' || id === 'behind' ? { levels: ['adapter', 'wire'] } : {}),
    }),
  ),
  datagramCheck({
    id: 'wire.datagram.silent.not-offered',
    title: 'A question of a kind that the node does not offer is told nothing',
    plans: fc.constantFrom('records', 'dht').map((off) => {
      const records = messageFrame('RecordRequest', { labels: [labelOf('alice')] });
      return off === 'records'
        ? planOf([fetchToken(A), arrive, datagram(A, records), spoilt(records), pass(1_000), ...twin], {
            overrides: { 'records.mode': 'off' },
          })
        : planOf([...NAMES.map((name) => datagram(A, question(name))), pass(1_000)], { overrides: { 'dht.mode': 'off' } });
    }),
    rules: [offersWhatItAnswers],
    also: [repliesInOrder],
    runs: 4,
  }),
  datagramCheck({
    id: 'wire.datagram.sessions-go-on',
    title: 'What comes in a peer’s name by datagram is not held against its session',
    plans: fc
      .array(
        fc.constantFrom(...FAULTS).chain(({ steps }) => steps),
        { minLength: 30, maxLength: 60 },
      )
      .map((wrong) =>
        planOf([
          { op: 'open', link: 0, peer: 'alice', mode: 'session', address: '10.18.1.1' },
          fetchToken(A),
          ...wrong.flat(),
          pass(2_000),
          { op: 'frames', link: 0, frames: [{ body: { type: 'Ping', nonce: '00'.repeat(8) } }] },
          pass(2_000),
        ]),
      ),
    rules: [sessionsGoOn],
    also: [repliesInOrder],
    attacks: ['blaming a peer by datagrams in its name'],
  }),
];
