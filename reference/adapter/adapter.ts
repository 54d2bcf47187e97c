/** The adapter's requests and responses, without a socket. Spec: chapter 23 */
import { create } from '@bufbuild/protobuf';
import {
  Clock,
  type EvaluateRequest,
  EvaluateResponseSchema,
  HelloResponseSchema,
  QueryResponseSchema,
  Randomness,
  RefusedSchema,
  type Request,
  type Response,
  ResponseSchema,
  UnsupportedSchema,
  ValuesSchema,
} from '../../proto/gen/carillon/adapter/v1/adapter_pb.ts';
import type { CryptoProvider } from '../core/crypto/provider.ts';
import {
  CAPABILITY_DHT,
  CAPABILITY_DIRECT,
  CAPABILITY_GOSSIP,
  CAPABILITY_IBLT,
  CAPABILITY_MEMPOOL,
  CAPABILITY_OVERLAY,
  CAPABILITY_RECONCILE,
  CAPABILITY_RECORDS,
} from '../core/types.ts';
import { COMMAND_NAMES } from './commands/index.ts';
import { evaluate, FUNCTION_NAMES } from './evaluate.ts';
import { LINKS_MAX, NodeDriver, type Rejection, type StepResult } from './node-driver.ts';

/** The version of the adapter protocol. */
export const ADAPTER_VERSION = 1;

const NODES_MAX = 64;

/** What Hello says of this implementation. */
export interface AdapterIdentity {
  readonly name: string;
  readonly version: string;
  readonly specVersion: string;
}

/** What the adapter can do and the node has. */
export const CAPABILITIES: readonly string[] = [
  'raw',
  'established',
  'outbound',
  'validation',
  'restart',
  'reasons',
  'views',
  'datagrams',
  'commands',
  'ledger',
  'resolve',
  CAPABILITY_GOSSIP,
  CAPABILITY_DIRECT,
  CAPABILITY_RECORDS,
  CAPABILITY_RECONCILE,
  CAPABILITY_IBLT,
  CAPABILITY_DHT,
  CAPABILITY_OVERLAY,
  CAPABILITY_MEMPOOL,
];

type Result = Response['result'];

/** One connection's nodes and the requests that drive them. */
export class Adapter {
  readonly #crypto: CryptoProvider;
  readonly #identity: AdapterIdentity;
  readonly #nodes = new Map<number, NodeDriver>();
  #isGreeted = false;

  constructor(crypto: CryptoProvider, identity: AdapterIdentity) {
    this.#crypto = crypto;
    this.#identity = identity;
  }

  /**
   * Carries out one request. Throws only what no request may bring about: a bug of the core, or a
   * livelock, after which nothing that the adapter says counts. Spec: CNF-001 to CNF-003
   */
  answer(request: Request): Response {
    return create(ResponseSchema, { id: request.id, result: this.#carryOut(request.op) });
  }

  #carryOut(op: Request['op']): Result {
    if (op.case === undefined) return rejection({ unsupported: 'a request that this adapter does not know' });
    if (op.case === 'hello') return this.#hello();
    if (!this.#isGreeted) return rejection({ refused: 'the first request of a connection is hello' });
    switch (op.case) {
      case 'evaluate':
        return this.#evaluate(op.value);
      case 'create': {
        const { node } = op.value;
        if (this.#nodes.has(node)) return rejection({ refused: `node ${node} exists` });
        if (this.#nodes.size >= NODES_MAX) return rejection({ refused: `at most ${NODES_MAX} nodes at the same time` });
        const made = NodeDriver.create(this.#crypto, op.value);
        if (!(made instanceof NodeDriver)) return rejection(made);
        this.#nodes.set(node, made);
        return stepped(made.step());
      }
      case 'open':
        return this.#withNode(op.value.node, (node) => stepped(node.open(op.value)));
      case 'input':
        return this.#withNode(op.value.node, (node) => stepped(node.input(op.value)));
      case 'advance':
        return this.#withNode(op.value.node, (node) => stepped(node.advance(op.value)));
      case 'query':
        return this.#withNode(op.value.node, (node) => {
          const answer = node.query(op.value.view);
          return 'json' in answer ? { case: 'query', value: create(QueryResponseSchema, { json: answer.json }) } : rejection(answer);
        });
      case 'crash':
        return this.#withNode(op.value.node, (node) => stepped(node.crash()));
      case 'restart':
        return this.#withNode(op.value.node, (node) => stepped(node.restart()));
      case 'destroy':
        return this.#withNode(op.value.node, (node) => {
          this.#nodes.delete(op.value.node);
          return stepped(node.step());
        });
    }
  }

  #withNode(number: number, act: (node: NodeDriver) => Result): Result {
    const node = this.#nodes.get(number);
    return node === undefined ? rejection({ refused: `there is no node ${number}` }) : act(node);
  }

  #hello(): Result {
    this.#isGreeted = true;
    const { name, version, specVersion } = this.#identity;
    const value = create(HelloResponseSchema, {
      adapterVersion: ADAPTER_VERSION,
      name,
      version,
      language: 'TypeScript',
      specVersion,
      conformanceClass: 'app',
      capabilities: [...CAPABILITIES],
      clock: Clock.VIRTUAL,
      randomness: Randomness.SEEDED,
      functions: [...FUNCTION_NAMES],
      limits: { nodesMax: NODES_MAX, linksMax: LINKS_MAX },
      commands: [...COMMAND_NAMES],
    });
    return { case: 'hello', value };
  }

  #evaluate({ function: name, args }: EvaluateRequest): Result {
    const outcome = evaluate(this.#crypto, name, args);
    switch (outcome?.type) {
      case undefined:
        return rejection({ unsupported: `function ${JSON.stringify(name)}` });
      case 'refused':
        return rejection({ refused: outcome.reason });
      case 'error':
        return { case: 'evaluate', value: create(EvaluateResponseSchema, { outcome: { case: 'error', value: outcome.error } }) };
      case 'values': {
        const values = create(ValuesSchema, { values: [...outcome.values] });
        return { case: 'evaluate', value: create(EvaluateResponseSchema, { outcome: { case: 'values', value: values } }) };
      }
    }
  }
}

function rejection(why: Rejection): Result {
  if ('refused' in why) return { case: 'refused', value: create(RefusedSchema, { reason: why.refused }) };
  return { case: 'unsupported', value: create(UnsupportedSchema, { what: why.unsupported }) };
}

function stepped(result: StepResult): Result {
  return 'step' in result ? { case: 'step', value: result.step } : rejection(result);
}
