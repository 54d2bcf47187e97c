/** The driver's adapter target as an executor of the runner: levels `vectors` and `adapter`. */
import { create } from '@bufbuild/protobuf';
import { Clock, EvaluateRequestSchema, type HelloResponse, Randomness } from '../../proto/gen/carillon/adapter/v1/adapter_pb.ts';
import { TargetError } from '../driver/errors.ts';
import { executePlan } from '../driver/execute.ts';
import { preflight } from '../driver/preflight.ts';
import { openTarget, type Target, type TargetSpec } from '../driver/target.ts';
import type { RunLine } from '../report/result.ts';
import { loadVectorFile } from '../vectors/load.ts';
import { type EvaluateFunction, runVectorFile } from '../vectors/run.ts';
import type { VectorCheck } from './check.ts';
import type { Executor, VectorOutcome } from './executor.ts';
import type { Level } from './job.ts';

export interface AdapterExecutor extends Executor {
  readonly target: Target;
}

/** Reaches or starts an adapter. Without a node (CLOCK_NONE) it serves level `vectors` only. Rejects with `TargetError`. */
export async function openAdapterExecutor(spec: TargetSpec): Promise<AdapterExecutor> {
  const target = await openTarget(spec);
  const { hello } = target;
  return {
    target,
    levels: adapterLevels(hello),
    capabilities: new Set(hello.capabilities),
    deterministic: hello.clock === Clock.VIRTUAL && hello.randomness === Randomness.SEEDED,
    wallClock: hello.clock === Clock.WALL,
    preflight: (plan) => preflight(plan, target.hello),
    execute: (plan, options) => executePlan(target, plan, options),
    evaluate: (check) => evaluateCheck(target, check),
    restart: () => target.restart(),
    close: () => target.close(),
  };
}

/** Levels that an adapter serves. */
export function adapterLevels(hello: HelloResponse): readonly Level[] {
  return hello.clock === Clock.NONE ? ['vectors'] : ['vectors', 'adapter'];
}

/** What an adapter says of itself, for reports. */
export function describeHello(hello: HelloResponse): RunLine['target'] {
  const clocks: Readonly<Record<number, string>> = { [Clock.VIRTUAL]: 'virtual', [Clock.WALL]: 'wall', [Clock.NONE]: 'none' };
  const kinds: Readonly<Record<number, string>> = { [Randomness.SEEDED]: 'seeded', [Randomness.OWN]: 'own' };
  const { name, version, language, specVersion, conformanceClass, capabilities } = hello;
  const clock = clocks[hello.clock] ?? 'unspecified';
  const randomness = kinds[hello.randomness] ?? 'unspecified';
  return { name, version, language, specVersion, conformanceClass, capabilities: [...capabilities], clock, randomness };
}

/** Evaluate at a target, as the vectors call it. Rejects with `TargetError`. Spec: chapter 23, Evaluate. */
export function evaluateAt(target: Pick<Target, 'request'>): EvaluateFunction {
  return async (name, args) => {
    const value = create(EvaluateRequestSchema, { function: name, args: [...args] });
    const result = await target.request({ case: 'evaluate', value });
    if (result.case === 'unsupported') return { unsupported: result.value.what };
    if (result.case === 'refused') return { refused: result.value.reason };
    if (result.case !== 'evaluate') throw new TargetError('E_ADAPTER', `the adapter answered Evaluate with ${result.case}`);
    const { outcome } = result.value;
    if (outcome.case === 'values') return { values: outcome.value.values };
    if (outcome.case === 'error') return { error: outcome.value };
    throw new TargetError('E_ADAPTER', `the adapter answered Evaluate ${name} with neither values nor an error`);
  };
}

async function evaluateCheck(target: Target, check: VectorCheck): Promise<VectorOutcome> {
  const file = loadVectorFile(check.file);
  if (!target.hello.functions.includes(file.function)) return { cases: 0, failures: [], missingFunctions: [file.function] };
  const results = await runVectorFile(evaluateAt(target), file, check.cases);
  const failures = results
    .filter((result) => result.verdict === 'failed')
    .map(({ caseId, clause, clauses, expected, observed }) => ({
      caseId,
      // Of the case's clauses the first that is this check's, so that the report blames what the check is about.
      clause: clauses.find((one) => check.clauses.includes(one)) ?? clause,
      clauses,
      expected,
      observed,
    }));
  const missingFunctions = results.some((result) => result.verdict === 'unsupported') ? [file.function] : [];
  return { cases: results.length, failures, missingFunctions };
}
