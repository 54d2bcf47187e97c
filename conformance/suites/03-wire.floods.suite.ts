/** Datagrams in masses: what addresses, subnets and everybody together may ask for, and whom a flood leaves alone. */
import fc from 'fast-check';
import {
  askProven,
  datagram,
  endpoint,
  fetchToken,
  padding,
  pass,
  planOf,
  QUESTIONS,
  type QuestionName,
  question,
  retry,
} from '../arbitraries/datagram-plans.ts';
import type { FrameSpec, Setup, Step } from '../driver/plan.ts';
import {
  answersProven,
  bucketsAsWritten,
  dropsSilently,
  gatesUnproven,
  provenAreApart,
  repliesInOrder,
} from '../invariants/datagram-answer.ts';
import type { Check } from '../runner/check.ts';
import { datagramCheck } from './datagram-check.ts';

const NAMES = Object.keys(QUESTIONS) as QuestionName[];
const A = endpoint(1);
const B = endpoint(2, 7, 4_100);

/** Buckets that a few datagrams empty: 10, 20 and 60 of them, or 7, 14 and 42 large ones. */
const SMALL: Setup = {
  overrides: {
    'datagram.address_messages_per_s': '5',
    'datagram.address_bytes_per_s': '4000',
    'datagram.subnet_messages_per_s': '10',
    'datagram.subnet_bytes_per_s': '8000',
    'datagram.total_messages_per_s': '30',
    'datagram.total_bytes_per_s': '24000',
  },
};

/** Bursts of questions from hosts of a few subnets, with pauses between them. */
const bursts = fc.array(
  fc.record({
    net: fc.integer({ min: 1, max: 5 }),
    host: fc.integer({ min: 1, max: 4 }),
    count: fc.constantFrom(2, 6, 12),
    large: fc.boolean(),
    pauseMs: fc.constantFrom(0, 0, 0, 7, 50, 900),
  }),
  { minLength: 8, maxLength: 16 },
);

const large: FrameSpec = { kind: 86, body: { type: 'raw', bytes: `0a0468617368${padding(1_100)}` } };

function burst(from: string, count: number, frame: FrameSpec = question('DhtPing')): Step[] {
  return Array.from({ length: count }, () => datagram(from, frame));
}

export const checks: readonly Check[] = [
  datagramCheck({
    id: 'wire.datagram.rates',
    title: 'Addresses, subnets and all together have their buckets, in messages and bytes',
    plans: bursts.map((list) =>
      planOf(
        [
          ...list.flatMap(({ net, host, count, large: isLarge, pauseMs }) => [
            ...burst(endpoint(net, host), count, isLarge ? large : question('DhtPing')),
            ...(pauseMs === 0 ? [] : [pass(pauseMs)]),
          ]),
          pass(1_000),
        ],
        SMALL,
      ),
    ),
    rules: [gatesUnproven('none'), bucketsAsWritten],
    also: [dropsSilently('WIR-109'), repliesInOrder],
  }),
  ...[
    { id: 'address', title: 'One address', sources: (index: number) => endpoint(1, 1, 4_000 + index), count: 16 },
    { id: 'subnet', title: 'One subnet', sources: (index: number) => endpoint(1, 1 + (index % 5)), count: 30 },
    { id: 'total', title: 'Everybody together', sources: (index: number) => endpoint(1 + (index % 15), 1 + (index % 2)), count: 75 },
  ].flatMap(({ id, title, sources, count }) =>
    ([false, true] as const).map((isLarge) =>
      datagramCheck({
        id: `wire.datagram.rate-${id}${isLarge ? '-bytes' : ''}`,
        title: `${title} may ask for so ${isLarge ? 'many bytes' : 'much'} and no more`,
        plans: fc
          .constantFrom(0, 50)
          .map((pauseMs) =>
            planOf(
              [
                ...Array.from({ length: count }, (_, index) => datagram(sources(index), isLarge ? large : question('DhtPing'))),
                ...(pauseMs === 0 ? [] : [pass(pauseMs), ...burst(sources(0), 5, isLarge ? large : question('DhtPing'))]),
                pass(1_000),
              ],
              SMALL,
            ),
          ),
        rules: [dropsSilently('WIR-109'), gatesUnproven('none')],
        runs: 1,
      }),
    ),
  ),
  datagramCheck({
    id: 'wire.datagram.one-flooder',
    title: 'What one address asks in vain costs the others nothing',
    plans: fc
      .tuple(fc.constantFrom(70, 90), fc.boolean())
      .map(([count, isLarge]) =>
        planOf(
          [
            ...burst(A, count, isLarge ? large : question('DhtPing')),
            ...Array.from({ length: 24 }, (_, index) => datagram(endpoint(2 + (index % 4)), question('DhtPing'))),
            pass(1_000),
          ],
          SMALL,
        ),
      ),
    rules: [bucketsAsWritten, dropsSilently('WIR-109')],
    runs: 2,
  }),
  datagramCheck({
    id: 'wire.datagram.forged-flood',
    title: 'A flood with forged addresses takes nothing from those who have a token',
    plans: fc
      .constantFrom(...NAMES)
      .map((name) =>
        planOf(
          [
            fetchToken(A),
            fetchToken(B),
            ...burst(A, 14),
            ...Array.from({ length: 80 }, (_, index) => datagram(endpoint(1 + (index % 30)), question('DhtPing'))),
            askProven(A, name),
            askProven(B, name),
            pass(1_000),
          ],
          SMALL,
        ),
      ),
    rules: [provenAreApart, dropsSilently('WIR-109')],
    runs: 2,
    attacks: ['flood with forged sources'],
  }),
  datagramCheck({
    id: 'wire.datagram.rate-replies',
    title: 'Replies are charged to those who send them, like questions',
    plans: fc
      .constantFrom(11, 14)
      .map((count) =>
        planOf(
          [
            fetchToken(A),
            fetchToken(B),
            pass(100),
            ...Array.from({ length: count }, (_, index) => retry(A, `${(16 + index).toString(16)}`.repeat(8))),
            askProven(A),
            askProven(B),
            pass(1_000),
          ],
          { ...SMALL, bootstrap: [`udp://${A}`] },
        ),
      ),
    rules: [bucketsAsWritten, dropsSilently('WIR-109')],
    runs: 2,
  }),
  datagramCheck({
    id: 'wire.datagram.signatures',
    title: 'Strangers cannot make a node sign more than its bucket holds',
    plans: fc.constantFrom(1, 4, 8).map((hosts) =>
      planOf([
        ...Array.from({ length: 32 }, (_, index) => datagram(endpoint(1 + (index % hosts)), question('DhtPing', 150))),
        pass(1_000),
        ...burst(A, 12, question('DhtPing', 150)),
        pass(1_000),
        // Who has shown its address is answered all the same.
        fetchToken(B),
        ...Array.from({ length: 32 }, (_, index) => datagram(endpoint(1 + (index % 16)), question('DhtPing', 150))),
        askProven(B),
        pass(1_000),
      ]),
    ),
    rules: [gatesUnproven('none'), repliesInOrder, answersProven],
    runs: 2,
    attacks: ['making a node sign'],
  }),
];
