/** Records that are asked for by datagram: to whom they are sent, and how many. */
import fc from 'fast-check';
import { arrive, datagram, endpoint, OWN_TOKEN, padding, pass, tokenOfStep } from '../arbitraries/datagram-plans.ts';
import { plan } from '../arbitraries/gossip-plans.ts';
import { contactRecord, labelOf, pushRecords, recordsSession, sizedRecord, versionRecord } from '../arbitraries/records-plans.ts';
import type { BytesValue, FrameSpec, Plan, Step, Value } from '../driver/plan.ts';
import { messageFrame } from '../driver/plan-values.ts';
import { answersProven, gatesUnproven, repliesInOrder } from '../invariants/datagram-answer.ts';
import { type DatagramRule, viewDatagrams } from '../invariants/datagram-view.ts';
import { datagramsHold } from '../invariants/records-datagram.ts';
import { type RecordsView, viewRecords } from '../invariants/records-view.ts';
import type { Rule } from '../invariants/rule.ts';
import type { Check, PlanCheck } from '../runner/check.ts';

interface RecordDatagramCheckOptions {
  readonly id: string;
  readonly title: string;
  readonly clauses: readonly string[];
  readonly plans: fc.Arbitrary<Plan>;
  /** Each of them has to be exercised for the check to count. */
  readonly records?: readonly Rule<RecordsView>[];
  readonly datagrams?: readonly DatagramRule[];
  readonly levels?: PlanCheck['levels'];
  readonly runs?: number;
  readonly attacks?: readonly string[];
}

/** A check of both chapters: the datagrams as such, and the records in them. */
function check({ records = [], datagrams = [], levels = ['adapter'], ...rest }: RecordDatagramCheckOptions): PlanCheck {
  return {
    kind: 'plan',
    ...rest,
    levels,
    needs: ['datagrams', 'records/1'],
    judge(trace) {
      const view = viewDatagrams(trace);
      const held = viewRecords(trace);
      const decisive = [...records.map((rule) => rule.judge(held)), ...datagrams.map((rule) => rule.judge(view))];
      const all = [...decisive, repliesInOrder.judge(view)];
      return {
        findings: all.flatMap(({ findings }) => findings).filter(({ clause }) => rest.clauses.includes(clause)),
        exercised: decisive.every(({ exercised }) => exercised),
      };
    },
  };
}

/** Asks for records, in a question that is longer by `pad` bytes. */
function ask(from: string, labels: readonly Value[], token?: BytesValue, pad = 0): Step {
  const { body, ...frame } = messageFrame('RecordRequest', { labels });
  if (body.type !== 'message') throw new Error('a message of the tables');
  const padded: FrameSpec = { ...frame, body: pad === 0 ? body : { ...body, tail: padding(pad) } };
  return datagram(from, padded, token === undefined ? {} : { token });
}

/** A question without a token, which brings one, and the question with it. */
function askTwice(from: string, labels: readonly Value[], pad = 0): Step[] {
  return [ask(from, labels, undefined, pad), arrive, ask(from, labels, OWN_TOKEN)];
}

const A = endpoint(1);

/** Records of staked origins, from the first on; all of one origin are named by one label. */
function given(count: number): readonly Step[] {
  return [
    recordsSession(0, 'pusher'),
    ...Array.from({ length: count }, (_, i) =>
      pushRecords(0, contactRecord(`c-${i}`, { by: `stake-${i}` }), versionRecord(`v-${i}`, { by: `stake-${i}`, sequence: 2 })),
    ),
    { op: 'advance', ms: 300, wireMs: 300 },
  ];
}

/** Lengths of records around that with which two others fill a datagram. */
const EDGES = 8;
const EDGE_BYTES = 919;

const staked = (steps: readonly Step[]): Plan => plan(steps, { stakes: true });

export const checks: readonly Check[] = [
  check({
    id: 'records.datagram.gate',
    title: 'Records go only to an address that has shown its token, however long the question is',
    clauses: ['WIR-120', 'WIR-121', 'WIR-122', 'WIR-124', 'WIR-127', 'WIR-129', 'WIR-132'],
    plans: fc
      .array(fc.constantFrom(0, 3, 96, 400, 900, 1_100), { minLength: 3, maxLength: 6 })
      .map((pads) =>
        staked([
          ...given(2),
          ...pads.flatMap((pad, i) => askTwice(endpoint(1 + i, 1 + i), [labelOf(i % 2 === 0 ? 'stake-0' : 'nobody')], pad)),
          pass(1_000),
        ]),
      ),
    datagrams: [gatesUnproven('none'), answersProven],
    levels: ['adapter', 'wire'],
    runs: 4,
    attacks: ['pull without ping (amplification)'],
  }),
  check({
    id: 'records.datagram.foreign-token',
    title: 'Somebody else’s token brings no records',
    clauses: ['WIR-124', 'WIR-128', 'WIR-120', 'WIR-129'],
    plans: fc
      .tuple(
        fc.constantFrom(endpoint(1, 1, 4_001), endpoint(1, 2, 4_000), endpoint(9, 1, 4_000)),
        fc.constantFrom('ffffffffffffffff', '0000000000000001'),
      )
      .map(([other, forged]) => {
        const before = given(1);
        const labels = [labelOf('stake-0')];
        return staked([
          ...before,
          ask(A, labels),
          ask(other, labels, tokenOfStep(before.length)),
          ask(other, labels, forged),
          ask(A, labels, tokenOfStep(before.length)),
          pass(1_000),
        ]);
      }),
    datagrams: [gatesUnproven('foreign'), answersProven],
    runs: 3,
  }),
  check({
    id: 'records.datagram.expired-token',
    title: 'A token that is too old brings no records',
    clauses: ['WIR-124', 'WIR-130', 'WIR-120', 'WIR-129'],
    plans: fc.constantFrom(600_001, 900_000).map((ageMs) => {
      const labels = [labelOf('stake-0')];
      return staked([...given(1), ask(A, labels), pass(ageMs), ask(A, labels, OWN_TOKEN), ask(A, labels, OWN_TOKEN), pass(1_000)]);
    }),
    datagrams: [gatesUnproven('expired')],
    runs: 2,
  }),
  check({
    id: 'records.datagram.answers',
    title: 'A datagram answers with the records of the labels in their order, and from the end leaves out what does not fit',
    clauses: ['REC-070', 'REC-072', 'WIR-116', 'WIR-120'],
    plans: fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 5 }).map((order) =>
      staked([
        ...given(8),
        ...order.flatMap((first, i) =>
          askTwice(
            endpoint(1 + (i % 4), 1 + i),
            order.slice(0, i + 1).map((one) => labelOf(`stake-${(one + first) % 8}`)),
          ),
        ),
        pass(1_000),
      ]),
    ),
    records: [datagramsHold],
    datagrams: [answersProven],
    levels: ['adapter', 'wire'],
    runs: 4,
  }),
  check({
    id: 'records.datagram.edge',
    title: 'A record that just fits is there, and one that is a byte too long is not',
    clauses: ['REC-070', 'REC-072', 'WIR-116'],
    plans: fc.constant(
      staked([
        recordsSession(0, 'pusher'),
        ...Array.from({ length: EDGES }, (_, i) =>
          pushRecords(
            0,
            sizedRecord(`sized-${i}`, EDGE_BYTES + i, { by: `stake-${i}` }),
            versionRecord(`edge-${String(i).padEnd(27, '-')}`, { by: `stake-${i}`, sequence: 2 }),
          ),
        ),
        pass(500),
        ...Array.from({ length: EDGES }, (_, i) => {
          const [next, last] = [labelOf(`stake-${(i + 1) % EDGES}`, 5), labelOf(`stake-${(i + 2) % EDGES}`, 5)];
          return [
            ...askTwice(endpoint(1 + (i % 4), 1 + i), [labelOf(`stake-${i}`), next]),
            // What follows on one that does not fit is left out with it, however short.
            ...askTwice(endpoint(1 + (i % 4), 1 + i), [labelOf(`stake-${i}`, 5), labelOf(`stake-${i}`, 1), next, last]),
            pass(300),
          ];
        }).flat(),
        pass(1_000),
      ]),
    ),
    records: [datagramsHold],
    runs: 1,
  }),
];
