/** What the doctor's checks are made of: requests, answers in words, nodes that do not stay behind. */
import { create } from '@bufbuild/protobuf';
import {
  AdvanceRequestSchema,
  Clock,
  ClosedInputSchema,
  CreateRequestSchema,
  DestroyRequestSchema,
  Direction,
  EstablishedLinkSchema,
  EvaluateRequestSchema,
  HelloRequestSchema,
  InputRequestSchema,
  OpenRequestSchema,
  RawLinkSchema,
  type StepResponse,
  Until,
} from '../../proto/gen/carillon/adapter/v1/adapter_pb.ts';
import { utf8 } from '../model/bytes.ts';
import { publicKey } from '../model/quick.ts';
import type { RequestOp, ResponseResult } from './connection.ts';
import { TargetError } from './errors.ts';
import { PRESET, WALL_START_MS } from './execute.ts';
import { derive } from './identities.ts';
import { ADAPTER_VERSION, SPEC_VERSION, type Target } from './target.ts';

/** What a check has at hand. */
export interface DoctorContext {
  readonly target: Target;
}

/** What a check found. */
export interface Finding {
  readonly outcome: 'pass' | 'fail' | 'notApplicable';
  readonly observed: string;
}

/** One check. */
export interface DoctorCheck {
  readonly id: string;
  readonly clause: string;
  readonly title: string;
  readonly advice: string;
  run(context: DoctorContext): Promise<Finding>;
}

/** A finding without fault. */
export const pass = (observed: string): Finding => ({ outcome: 'pass', observed });
/** A finding with a fault. */
export const fail = (observed: string): Finding => ({ outcome: 'fail', observed });
/** There is nothing to find. */
export const notApplicable = (observed: string): Finding => ({ outcome: 'notApplicable', observed });

/** Hello as the kit says it. */
export const helloOp = (): RequestOp => ({
  case: 'hello',
  value: create(HelloRequestSchema, { adapterVersion: ADAPTER_VERSION, specVersion: SPEC_VERSION }),
});
/** Evaluate of a function. */
export const evaluateOp = (name: string, args: readonly Uint8Array[]): RequestOp => ({
  case: 'evaluate',
  value: create(EvaluateRequestSchema, { function: name, args: [...args] }),
});
/** A node of the doctor. */
export const createOp = (node: number, overrides: Readonly<Record<string, string>> = {}): RequestOp => ({
  case: 'create',
  value: create(CreateRequestSchema, {
    node,
    seed: derive('doctor node'),
    identitySeed: derive('doctor identity'),
    networkId: utf8('conformance-doctor'),
    preset: PRESET,
    overrides,
    wallStartMs: BigInt(WALL_START_MS),
  }),
});
/** The end of a node. */
export const destroyOp = (node: number): RequestOp => ({ case: 'destroy', value: create(DestroyRequestSchema, { node }) });
/** Time passes. */
export const advanceOp = (node: number, toMs: number, until: Until = Until.TARGET): RequestOp => ({
  case: 'advance',
  value: create(AdvanceRequestSchema, { node, toMs: BigInt(toMs), until }),
});
/** A connection is gone. */
export const closedOp = (node: number, link: number): RequestOp => ({
  case: 'input',
  value: create(InputRequestSchema, { node, input: { case: 'closed', value: create(ClosedInputSchema, { link }) } }),
});
/** A connection appears. */
export const openOp = (node: number, link: number, mode: 'raw' | 'established'): RequestOp => ({
  case: 'open',
  value: create(OpenRequestSchema, {
    node,
    link,
    direction: Direction.INBOUND,
    remoteAddress: '198.18.0.1',
    mode:
      mode === 'raw'
        ? { case: 'raw', value: create(RawLinkSchema) }
        : {
            case: 'established',
            value: create(EstablishedLinkSchema, { publicKey: publicKey(derive('doctor peer')), capabilities: ['gossip/1'] }),
          },
  }),
});

/** Whether the target drives a node at all. */
export function hasNode({ target }: DoctorContext): boolean {
  return target.hello.clock !== Clock.NONE;
}

/** What is found of a node where there is none. */
export const NO_NODE: Finding = notApplicable('the adapter has no node (CLOCK_NONE)');

/** A mode in which the target can be given a session. */
export function declaredMode(target: Target): 'raw' | 'established' | undefined {
  if (target.hello.capabilities.includes('established')) return 'established';
  return target.hello.capabilities.includes('raw') ? 'raw' : undefined;
}

/** An answer in words. */
export function describe(result: ResponseResult): string {
  if (result.case === 'refused') return `refused (${result.value.reason})`;
  return result.case === 'unsupported' ? `unsupported (${result.value.what})` : result.case;
}

/** The step in an answer. Throws `TargetError` for any other answer. */
export function step(result: ResponseResult, what: string): StepResponse {
  if (result.case === 'step') return result.value;
  throw new TargetError('E_ADAPTER', `${what} was answered ${describe(result)}`);
}

/** Makes a node, works with it and removes it. */
export async function withNode<Value>({ target }: DoctorContext, work: (node: number) => Promise<Value>): Promise<Value> {
  const node = target.nextNode();
  step(await target.request(createOp(node)), 'Create');
  try {
    return await work(node);
  } finally {
    await remove(target, node);
  }
}

/** Removes a node whatever state it is in, so that one check's fault does not become the next one's. */
export async function remove(target: Target, node: number): Promise<void> {
  if (target.connection.fault === undefined) await target.request(destroyOp(node)).catch(() => undefined);
}

/** Sends each request and fails on the first that is answered otherwise. */
export async function expectAll(
  target: Target,
  expected: readonly ('refused' | 'unsupported')[],
  requests: readonly (readonly [name: string, op: RequestOp])[],
): Promise<Finding> {
  for (const [name, op] of requests) {
    const result = await target.request(op);
    if (!expected.some((wanted) => wanted === result.case)) return fail(`${name} was answered ${describe(result)}`);
  }
  return pass(`${requests.map(([name]) => name).join(', ')}: ${expected.join(' or ')}`);
}
