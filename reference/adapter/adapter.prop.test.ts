import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Direction, type OpenRequestSchema, RequestSchema, Until } from '../../proto/gen/carillon/adapter/v1/adapter_pb.ts';
import { portableCrypto } from '../core/crypto/portable.ts';
import { nativeCrypto } from '../runtime/crypto-native.ts';
import { Adapter } from './adapter.ts';
import { FUNCTION_NAMES } from './evaluate.ts';
import { createInProcessAdapter, MalformedRequest } from './in-process.ts';

const IDENTITY = { name: 'test', version: '0', specVersion: '0.1' };
const KEY = portableCrypto.ed25519PublicKey(new Uint8Array(32).fill(3));

type Op = NonNullable<MessageInitShape<typeof RequestSchema>['op']>;

const node = fc.integer({ min: 1, max: 2 });
const link = fc.integer({ min: 0, max: 4 });
const data = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(new Uint8Array(32).fill(9)));
const frame = fc
  .tuple(fc.constantFrom(2, 4, 6, 32, 36, 38, 40, 42, 44, 48, 33, 50), fc.nat({ max: 3 }), data)
  .map(([kind, request, body]) => Uint8Array.of(body.length + 2, kind, request, ...body));
const seed = fc.uint8Array({ minLength: 32, maxLength: 32 });

const op: fc.Arbitrary<Op> = fc.oneof(
  fc
    .record({ node, seed, identitySeed: seed, preset: fc.constantFrom('conformance', 'devnet', 'x'), applicationValidation: fc.boolean() })
    .map((value): Op => ({ case: 'create', value: { ...value, networkId: Uint8Array.of(1), wallStartMs: 1_700_000_000_000n } })),
  fc
    .record({
      node,
      link,
      direction: fc.constantFrom(Direction.INBOUND, Direction.OUTBOUND, Direction.UNSPECIFIED),
      dial: fc.bigInt({ min: 0n, max: 3n }),
      remoteAddress: fc.constantFrom('10.0.0.1', '::1', 'not an address', ''),
      mode: fc.constantFrom<NonNullable<MessageInitShape<typeof OpenRequestSchema>['mode']>>(
        { case: 'raw' as const, value: {} },
        { case: 'established' as const, value: { publicKey: KEY, capabilities: ['gossip/1'] } },
        { case: 'established' as const, value: { publicKey: new Uint8Array(32), capabilities: ['b', 'a', 'direct/1'] } },
      ),
    })
    .map((value): Op => ({ case: 'open', value })),
  fc.tuple(node, link, data, fc.boolean()).map(
    ([n, l, bytes, text]): Op => ({
      case: 'input',
      value: { node: n, input: { case: 'message', value: { link: l, data: bytes, text } } },
    }),
  ),
  fc
    .tuple(node, link, fc.oneof(frame, data))
    .map(([n, l, plaintext]): Op => ({ case: 'input', value: { node: n, input: { case: 'frame', value: { link: l, plaintext } } } })),
  fc.tuple(node, link).map(([n, l]): Op => ({ case: 'input', value: { node: n, input: { case: 'closed', value: { link: l } } } })),
  fc
    .tuple(node, fc.constantFrom('app/chat', 'tx', '', 'x'.repeat(99)), data)
    .map(([n, topic, bytes]): Op => ({ case: 'input', value: { node: n, input: { case: 'publish', value: { topic, data: bytes } } } })),
  fc.tuple(node, fc.string({ maxLength: 8 }), fc.constantFrom(0, 32, 7)).map(
    ([n, address, size]): Op => ({
      case: 'input',
      value: { node: n, input: { case: 'connect', value: { address, expectedPeerId: new Uint8Array(size) } } },
    }),
  ),
  fc.tuple(node, fc.bigInt({ min: 0n, max: 3n }), fc.integer({ min: 0, max: 4 })).map(
    ([n, token, verdict]): Op => ({
      case: 'input',
      value: { node: n, input: { case: 'validated', value: { token, verdict: verdict as 1 } } },
    }),
  ),
  fc
    .tuple(node, fc.bigInt({ min: 0n, max: 100_000n }), fc.constantFrom(Until.WAKE, Until.EFFECT, Until.TARGET))
    .map(([n, toMs, until]): Op => ({ case: 'advance', value: { node: n, toMs, until } })),
  fc
    .tuple(node, fc.constantFrom('peers', 'sessions', 'gossip', '__proto__'))
    .map(([n, view]): Op => ({ case: 'query', value: { node: n, view } })),
  fc
    .tuple(node, fc.constantFrom('crash' as const, 'restart' as const, 'destroy' as const))
    .map(([n, name]): Op => ({ case: name, value: { node: n } })),
  fc
    .tuple(fc.constantFrom(...FUNCTION_NAMES), fc.array(fc.oneof(data, fc.uint8Array({ minLength: 8, maxLength: 8 })), { maxLength: 6 }))
    .map(([name, args]): Op => ({ case: 'evaluate', value: { function: name, args } })),
);

test('CNF-001 CNF-003 whatever the requests, each has its answer, and what is refused changes nothing', () => {
  fc.assert(
    fc.property(fc.array(op, { maxLength: 40 }), (ops) => {
      const adapter = new Adapter(nativeCrypto, IDENTITY);
      const ask = (value: Op, id: bigint): ReturnType<Adapter['answer']> => adapter.answer(create(RequestSchema, { id, op: value }));
      const state = (): readonly unknown[] =>
        [1, 2].flatMap((n) => ['peers', 'sessions', 'gossip'].map((view) => ask({ case: 'query', value: { node: n, view } }, 0n).result));
      ask({ case: 'hello', value: {} }, 0n);
      for (const [index, value] of ops.entries()) {
        const before = state();
        const response = ask(value, BigInt(index));
        expect(response.id).toBe(BigInt(index));
        if (response.result.case === 'refused' || response.result.case === 'unsupported') expect(state()).toEqual(before);
      }
    }),
    { numRuns: 150 },
  );
});

test('bytes that are a Request are answered, and others are named as such', () => {
  const answer = createInProcessAdapter(nativeCrypto, IDENTITY);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        answer(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedRequest);
        expect(() => fromBinary(RequestSchema, bytes)).toThrow();
      }
    }),
    { numRuns: 500 },
  );
  expect(answer(toBinary(RequestSchema, create(RequestSchema, { id: 1n }))).length).toBeGreaterThan(0);
});
