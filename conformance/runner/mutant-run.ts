/**
 * One mutant: the reference with its patch, judged by the checks that cite the clause it breaks. It is
 * killed when a finding names that clause and the reference without the patch, on the same plan, gives
 * none: a check that is red on the reference proves nothing.
 */
import { join } from 'node:path';
import { openAdapterExecutor } from './adapter-executor.ts';
import { attemptPlan } from './attempt.ts';
import type { Finding, PlanCheck, VectorCheck } from './check.ts';
import { type Executor, faultOf } from './executor.ts';
import { type Job, jobName, LEVELS, type Level } from './job.ts';
import { type Mutant, patchedStart, type SourcePatch } from './patch-catalogue.ts';
import { runPlanJob, samplePlans } from './plan-job.ts';
import { replayTrace, reproduces } from './replay.ts';
import type { RunSettings } from './run.ts';
import { deriveSeed } from './seed.ts';
import { readTraceFile } from './trace-file.ts';
import { openReferenceNode } from './wire-executor.ts';

/** What became of a mutant. */
export interface MutantResult {
  readonly mutant: Mutant;
  /** `byClause`: a finding names the mutant's clause. `otherwise`: another clause, or the target died. `notStarted`: the patched reference does not start, which judges no check. */
  readonly verdict: 'byClause' | 'otherwise' | 'survived' | 'notStarted';
  /** The first job that killed it, else undefined. */
  readonly killer: Job | undefined;
  /** What the finding says, or why there was none. */
  readonly observed: string;
  /** Checks that cite the clause. */
  readonly jobs: number;
  readonly shrunk: ShrunkKill | undefined;
}

/** The killing plan after shrinking, and what replaying its trace file gives. */
export interface ShrunkKill {
  readonly steps: number;
  readonly stepsBefore: number;
  /** The trace breaks the clause on the mutant, and does not on the reference. */
  readonly reproduces: boolean;
  readonly holdsOnReference: boolean;
}

/** The reference without a patch, opened when it is first needed. */
export interface Originals {
  at(level: Level): Promise<Executor>;
  close(): Promise<void>;
}

/** Opens originals on demand, one of each kind. */
export function lazyOriginals(): Originals {
  const opened = new Map<'adapter' | 'wire', Promise<Executor>>();
  return {
    at: (level) => {
      const kind = level === 'wire' ? 'wire' : 'adapter';
      const executor = opened.get(kind) ?? (kind === 'wire' ? openReferenceNode() : openAdapterExecutor({ type: 'reference' }));
      opened.set(kind, executor);
      return executor;
    },
    close: async () => {
      await Promise.allSettled([...opened.values()].map(async (executor) => (await executor).close()));
    },
  };
}

/** Opens the reference with a patch: as an adapter, or as a node behind a socket. Rejects when it does not start, which a patch that does not apply causes. */
export function openPatched(patch: SourcePatch, level: Level): Promise<Executor> {
  const start = patchedStart(patch);
  return level === 'wire' ? openReferenceNode(start) : openAdapterExecutor({ type: 'reference', ...start });
}

/** The executor of a patched reference, or why it does not start. */
async function startPatched(patch: SourcePatch, level: Level): Promise<Executor | string> {
  try {
    return await openPatched(patch, level);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Judges a mutant, cheapest level first, until a check kills it by its clause. With `shrink` the killing plan is shrunk and replayed. */
export async function runMutant(
  mutant: Mutant,
  jobs: readonly Job[],
  originals: Originals,
  settings: RunSettings,
  shrink: boolean,
): Promise<MutantResult> {
  const citing = LEVELS.flatMap((level) => jobs.filter((job) => job.level === level && job.check.clauses.includes(mutant.clause)));
  // The runtime is not part of the adapter: what it does is seen at sockets only.
  const useful = mutant.source.startsWith('reference/runtime/') ? citing.filter((job) => job.level === 'wire') : citing;
  let otherwise: { readonly killer: Job; readonly observed: string } | undefined;
  const result = (
    parts: Pick<MutantResult, 'verdict' | 'killer' | 'observed'> & { readonly shrunk?: ShrunkKill | undefined },
  ): MutantResult => ({
    mutant,
    jobs: useful.length,
    shrunk: undefined,
    ...parts,
  });
  for (const levels of [['vectors', 'adapter'], ['wire']] as const) {
    const here = useful.filter((job) => levels.some((level) => level === job.level));
    const [first] = here;
    if (first === undefined) continue;
    const executor = await startPatched(mutant, first.level);
    if (typeof executor === 'string') return result({ verdict: 'notStarted', killer: undefined, observed: executor });
    try {
      for (const job of here) {
        const strike = await strikeOf(mutant, job, executor, originals, settings);
        if (strike === undefined) continue;
        if (strike.kind === 'byClause') {
          const shrunk =
            shrink && job.level === 'adapter' && job.check.kind === 'plan'
              ? await shrinkKill(job, job.check, executor, originals, settings, mutant)
              : undefined;
          return result({ verdict: 'byClause', killer: job, observed: strike.observed, shrunk });
        }
        otherwise ??= { killer: job, observed: strike.observed };
        if (strike.down) await executor.restart();
      }
    } finally {
      await executor.close();
    }
  }
  if (otherwise !== undefined) return result({ verdict: 'otherwise', ...otherwise });
  return result({
    verdict: 'survived',
    killer: undefined,
    observed: useful.length === 0 ? `no check cites ${mutant.clause}` : 'no check objects',
  });
}

interface Strike {
  readonly kind: 'byClause' | 'otherwise';
  readonly observed: string;
  readonly down: boolean;
}

async function strikeOf(
  mutant: Mutant,
  job: Job,
  executor: Executor,
  originals: Originals,
  settings: RunSettings,
): Promise<Strike | undefined> {
  const { check } = job;
  if ((check.needs ?? []).some((capability) => !executor.capabilities.has(capability))) return undefined;
  return check.kind === 'vector'
    ? vectorStrike(mutant, check, executor, originals)
    : planStrike(mutant, job, check, executor, originals, settings);
}

async function vectorStrike(mutant: Mutant, check: VectorCheck, executor: Executor, originals: Originals): Promise<Strike | undefined> {
  try {
    const { failures } = await executor.evaluate(check);
    if (failures.length === 0) return undefined;
    const known = new Set((await (await originals.at('vectors')).evaluate(check)).failures.map(({ caseId }) => caseId));
    const fresh = failures.filter(({ caseId }) => !known.has(caseId));
    const named = fresh.find(({ clauses }) => clauses.includes(mutant.clause));
    const first = named ?? fresh[0];
    if (first === undefined) return undefined;
    return { kind: named === undefined ? 'otherwise' : 'byClause', observed: `case ${first.caseId}: ${first.observed}`, down: false };
  } catch (error) {
    return faultStrike(faultOf(error));
  }
}

async function planStrike(
  mutant: Mutant,
  job: Job,
  check: PlanCheck,
  executor: Executor,
  originals: Originals,
  settings: RunSettings,
): Promise<Strike | undefined> {
  const { hex: seed } = deriveSeed(settings.seed, check.id);
  let otherwise: Strike | undefined;
  for (const [index, plan] of samplePlans(check, job, settings).entries()) {
    const base = `${mutant.id}/${check.id}/${index}`;
    // Through an adapter each execution is alone; behind a socket it needs identities of its own.
    const runId = (count: number): string => (job.level === 'wire' ? `${base}/${count}` : base);
    const attempt = await attemptPlan(check, plan, executor, { seed, runId: runId(0) });
    if (attempt.kind === 'clean') continue;
    if (attempt.kind !== 'finding') {
      const strike = faultStrike({ kind: attempt.kind, message: attempt.reason });
      if (strike !== undefined) return otherwise ?? strike;
      continue;
    }
    const finding = attempt.findings.find(({ clause }) => clause === mutant.clause) ?? attempt.findings[0];
    const names = (findings: readonly Finding[]): boolean => findings.some(({ clause }) => clause === finding.clause);
    if (executor.wallClock) {
      // A busy machine may have caused it once.
      const again = await attemptPlan(check, plan, executor, { seed, runId: runId(1) });
      if (again.kind !== 'finding' || !names(again.findings)) continue;
    }
    const original = await attemptPlan(check, plan, await originals.at(job.level), { seed, runId: runId(0) });
    if (original.kind === 'finding' && names(original.findings)) continue;
    const observed = `${finding.clause}: ${finding.observed}`;
    if (finding.clause === mutant.clause) return { kind: 'byClause', observed, down: false };
    otherwise ??= { kind: 'otherwise', observed, down: false };
  }
  return otherwise;
}

function faultStrike({ kind, message }: { readonly kind: string; readonly message: string }): Strike | undefined {
  if (kind === 'harness') throw new Error(message);
  return kind === 'crashed' || kind === 'protocol' ? { kind: 'otherwise', observed: message, down: true } : undefined;
}

async function shrinkKill(
  job: Job,
  check: PlanCheck,
  executor: Executor,
  originals: Originals,
  settings: RunSettings,
  mutant: Mutant,
): Promise<ShrunkKill | undefined> {
  const own = { ...settings, ...(settings.traceDir === undefined ? {} : { traceDir: join(settings.traceDir, mutant.id) }) };
  const { report } = await runPlanJob(job, check, executor, own);
  const { failure } = report.result;
  if (failure?.traceFile === undefined) return undefined;
  const file = readTraceFile(failure.traceFile);
  const onMutant = await replayTrace(file, check, executor);
  const onReference = await replayTrace(file, check, await originals.at(job.level));
  return {
    steps: failure.steps,
    stepsBefore: failure.stepsBeforeShrinking,
    reproduces: reproduces(file, onMutant),
    holdsOnReference: !reproduces(file, onReference),
  };
}

/** What killed it, for tables. */
export function killerName(result: MutantResult): string {
  return result.killer === undefined ? '–' : jobName(result.killer);
}
