import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Judgement, PlanCheck, VectorCheck } from './check.ts';
import type { VectorOutcome } from './executor.ts';
import { type FakeBehaviour, fakeExecutor, findingOf, jobOf, PASSING, planCheck, SETTINGS, traceOf, waits } from './fake-executor.ts';
import type { Level } from './job.ts';
import { type JobResult, runJobs } from './run.ts';

const error = (code: string, message = 'it broke'): Error => Object.assign(new Error(message), { code });

async function runOne(check: PlanCheck | VectorCheck, behaviour: FakeBehaviour = {}, level?: Level): Promise<JobResult> {
  const { results } = await runJobs([jobOf(check, level)], [fakeExecutor(behaviour)], SETTINGS);
  const [result] = results;
  if (result === undefined) throw new Error('no result');
  return result;
}

const always = (judgement: Judgement): PlanCheck => planCheck({ plans: fc.constant(waits(5)), judge: () => judgement });

describe('verdicts of plan checks', () => {
  test('passed: every plan was exercised or at least one was, and nothing was found', async () => {
    expect(await runOne(always(PASSING))).toMatchObject({ verdict: 'passed', runs: 1, failure: undefined, reason: undefined });
  });

  test('failed: confirmed twice, shrunk, with the clause and a replay line', async () => {
    const check = planCheck({
      plans: fc.constant(waits(7, 100, 3)),
      judge: (trace) => (trace.endMs >= 40 ? findingOf('TST-001') : PASSING),
    });
    const result = await runOne(check);
    expect(result.verdict).toBe('failed');
    expect(result.failure).toMatchObject({
      clause: 'TST-001',
      clauseText: 'A node MUST wait.',
      steps: 1,
      stepsBeforeShrinking: 3,
      flaky: false,
    });
    expect(result.failure?.stimulus).toEqual(['0. let 40 ms pass']);
    expect(result.failure?.replay).toContain('conform --only test.wait --level adapter --seed test');
  });

  test('failed and flaky: on a virtual clock two results for one plan are a fault of the node', async () => {
    let count = 0;
    const check = planCheck({ plans: fc.constant(waits(5)), judge: () => (++count === 1 ? findingOf('TST-001') : PASSING) });
    const result = await runOne(check);
    expect(result).toMatchObject({ verdict: 'failed', failure: { flaky: true } });
    expect(result.failure?.observed).toContain('two results');
  });

  test('inconclusive: on the wall clock two results for one plan', async () => {
    let count = 0;
    const check = planCheck({ plans: fc.constant(waits(5)), judge: () => (++count === 1 ? findingOf('TST-001') : PASSING) });
    expect(await runOne(check, { wallClock: true })).toMatchObject({ verdict: 'inconclusive', failure: { flaky: true } });
  });

  test('failed: a safety clause broken once on the wall clock', async () => {
    let count = 0;
    const check = planCheck({
      clauses: ['GSP-022'],
      plans: fc.constant(waits(5)),
      judge: () => (++count === 1 ? findingOf('GSP-022') : PASSING),
    });
    expect(await runOne(check, { wallClock: true })).toMatchObject({ verdict: 'failed', failure: { clause: 'GSP-022', flaky: true } });
  });

  test('warned: a SHOULD that does not hold, by the check or by its clause', async () => {
    expect(await runOne({ ...always(findingOf('TST-001')), keyword: 'SHOULD' })).toMatchObject({ verdict: 'warned', keyword: 'SHOULD' });
    expect(await runOne({ ...always(findingOf('TST-003')), clauses: ['TST-001', 'TST-003'] })).toMatchObject({
      verdict: 'warned',
      keyword: 'MUST',
    });
  });

  test('failed: the MUST decides when a SHOULD is broken beside it', async () => {
    const findings = [...findingOf('TST-003').findings, ...findingOf('TST-001').findings];
    const check = { ...always({ findings, exercised: true }), clauses: ['TST-001', 'TST-003'] };
    expect(await runOne(check)).toMatchObject({ verdict: 'failed', failure: { clause: 'TST-001' } });
  });

  test('variant: a legal choice that the judge names, or a finding against a MAY', async () => {
    expect(await runOne(always({ ...PASSING, variant: 'skips groups' }))).toMatchObject({ verdict: 'variant', reason: 'skips groups' });
    expect(await runOne({ ...always(findingOf('TST-004')), clauses: ['TST-004'] })).toMatchObject({
      verdict: 'variant',
      reason: 'TST-004: The node does not wait.',
    });
  });

  test('notApplicable: a capability that is not declared', async () => {
    const check = { ...always(PASSING), needs: ['gossip/1', 'restart'] };
    expect(await runOne(check, { capabilities: ['gossip/1'] })).toMatchObject({
      verdict: 'notApplicable',
      reason: 'the target does not declare restart',
      runs: 0,
    });
  });

  test('untestable: no run is exercised, the plan needs more, or the target refuses it', async () => {
    expect(await runOne(always({ findings: [], exercised: false }))).toMatchObject({ verdict: 'untestable' });
    expect(await runOne(always(PASSING), { preflight: () => 'raw links' })).toMatchObject({ verdict: 'untestable', reason: 'raw links' });
    const refuse = async (): Promise<never> => {
      throw Object.assign(new Error('refused: no such link'), { name: 'PlanError' });
    };
    expect(await runOne(always(PASSING), { execute: refuse })).toMatchObject({ verdict: 'untestable', reason: 'refused: no such link' });
  });

  test('untestable on the wall clock only after further tries', async () => {
    let count = 0;
    const check = planCheck({ plans: fc.constant(waits(5)), judge: () => ({ findings: [], exercised: ++count === 3 }) });
    expect(await runOne(check, { wallClock: true })).toMatchObject({ verdict: 'passed' });
  });

  test('crashed: the target is started again, the plan that kills it is shrunk, and the run goes on', async () => {
    const deadly = planCheck({ id: 'test.deadly', plans: fc.constant(waits(1, 9, 2)), judge: () => PASSING });
    const executor = fakeExecutor({
      execute: async (plan) => {
        if (plan.steps.some((step) => step.op === 'advance' && step.ms === 9)) throw error('E_CRASHED', 'exit code 139');
        return traceOf(plan);
      },
    });
    const { results } = await runJobs([jobOf(deadly), jobOf(always(PASSING))], [executor], SETTINGS);
    expect(results[0]).toMatchObject({
      verdict: 'crashed',
      reason: 'exit code 139',
      failure: { steps: 1, stepsBeforeShrinking: 3, flaky: false },
    });
    expect(results[1]).toMatchObject({ verdict: 'passed' });
    expect(executor.restarts()).toBeGreaterThan(1);
  });

  test('crashed for all that follows when the target cannot be started again', async () => {
    const executor = {
      execute: async (): Promise<never> => {
        throw error('E_CRASHED', 'gone');
      },
      restart: async () => {
        throw error('E_UNREACHABLE', 'port taken');
      },
    };
    const { results } = await runJobs(
      [jobOf(always(PASSING)), jobOf({ ...always(PASSING), id: 'test.next' })],
      [fakeExecutor(executor)],
      SETTINGS,
    );
    expect(results.map((result) => result.verdict)).toEqual(['crashed', 'crashed']);
    expect(results[1]?.reason).toContain('port taken');
  });

  test('crashed with a broken protocol: the outcome says so', async () => {
    const broken = async (): Promise<never> => {
      throw error('E_ADAPTER', 'response 7 answers request 6');
    };
    const outcome = await runJobs([jobOf(always(PASSING))], [fakeExecutor({ execute: broken })], SETTINGS);
    expect(outcome.protocolBroken).toBe(true);
    expect(outcome.results[0]).toMatchObject({
      verdict: 'crashed',
      reason: 'the target breaks the adapter protocol: response 7 answers request 6',
    });
  });

  test('harnessError: the judge throws, names a foreign clause, the driver or the generator breaks', async () => {
    const throwing = planCheck({
      plans: fc.constant(waits(5)),
      judge: () => {
        throw new Error('undefined is not an object');
      },
    });
    expect(await runOne(throwing)).toMatchObject({ verdict: 'harnessError' });
    expect(await runOne(always(findingOf('TST-002')))).toMatchObject({ verdict: 'harnessError' });
    const broken = async (): Promise<never> => {
      throw error('E_HARNESS');
    };
    expect(await runOne(always(PASSING), { execute: broken })).toMatchObject({ verdict: 'harnessError', reason: 'it broke' });
    const empty = planCheck({ plans: fc.constant(waits(5)).filter(() => false), judge: () => PASSING, runs: 1 });
    const unmakable: PlanCheck = {
      ...empty,
      plans: fc.constant(0).map((): never => {
        throw new Error('no plan');
      }),
    };
    expect(await runOne(unmakable)).toMatchObject({ verdict: 'harnessError' });
  });
});

describe('verdicts of vector checks', () => {
  const check: VectorCheck = {
    kind: 'vector',
    id: 'test.vectors',
    title: 'Cases hold',
    clauses: ['TST-001', 'TST-002'],
    file: 'test/cases.json',
  };
  const outcome = (parts: Partial<VectorOutcome>): FakeBehaviour => ({
    evaluate: async () => ({ cases: 3, failures: [], missingFunctions: [], ...parts }),
  });

  test('passed with the number of cases', async () => {
    expect(await runOne(check, outcome({}))).toMatchObject({ verdict: 'passed', runs: 3, level: 'vectors' });
  });

  test('failed with the clause of the first case that differs', async () => {
    const failures = [{ caseId: 'case-2', clause: 'TST-002', clauses: ['TST-002'], expected: '01', observed: '02' }];
    expect(await runOne(check, outcome({ failures }))).toMatchObject({ verdict: 'failed', failure: { clause: 'TST-002', expected: '01' } });
  });

  test('untestable when the function is not declared, harnessError without cases, crashed when the target dies', async () => {
    expect(await runOne(check, outcome({ missingFunctions: ['frame.decode'] }))).toMatchObject({ verdict: 'untestable' });
    expect(await runOne(check, outcome({ cases: 0 }))).toMatchObject({ verdict: 'harnessError' });
    const dying = async (): Promise<never> => {
      throw error('E_CRASHED');
    };
    expect(await runOne(check, { evaluate: dying })).toMatchObject({ verdict: 'crashed' });
  });
});

describe('runs', () => {
  const many = (count: number): PlanCheck[] =>
    Array.from({ length: count }, (_, index) =>
      planCheck({
        id: `test.wait-${index}`,
        plans: fc.array(fc.integer({ min: 1, max: 99 })).map((ms) => waits(...ms)),
        judge: () => PASSING,
      }),
    );

  test('the event log depends on the seed only, not on how many targets share the jobs', async () => {
    const jobs = many(12).map((check) => jobOf(check));
    const alone = await runJobs(jobs, [fakeExecutor()], SETTINGS);
    const shared = await runJobs(jobs, [fakeExecutor(), fakeExecutor(), fakeExecutor()], SETTINGS);
    const other = await runJobs(jobs, [fakeExecutor()], { ...SETTINGS, seed: 'other' });
    expect(shared.eventLogHash).toBe(alone.eventLogHash);
    expect(other.eventLogHash).not.toBe(alone.eventLogHash);
    expect(shared.results.map((result) => result.id)).toEqual(jobs.map((job) => job.check.id));
  });

  test('a check draws the same plans alone and among others', async () => {
    const [first, second] = many(2);
    if (first === undefined || second === undefined) throw new Error('two checks were made');
    const together = fakeExecutor();
    const alone = fakeExecutor();
    await runJobs([jobOf(first), jobOf(second)], [together], SETTINGS);
    await runJobs([jobOf(second)], [alone], SETTINGS);
    const ofSecond = together.executed.filter(({ options }) => options.runId.startsWith('test.wait-1/'));
    expect(ofSecond).toEqual(alone.executed);
  });

  test('at level wire one plan is run, with other identities each time', async () => {
    const [check] = many(1);
    if (check === undefined) throw new Error('a check was made');
    const executor = fakeExecutor({ levels: ['wire'], wallClock: true });
    await runJobs([jobOf({ ...check, levels: ['wire'] })], [executor], SETTINGS);
    await runJobs([jobOf({ ...check, levels: ['wire'] })], [executor], SETTINGS);
    expect(executor.executed).toHaveLength(2);
    expect(executor.executed[0]?.plan).toEqual(executor.executed[1]?.plan);
    expect(executor.executed[0]?.options.runId).not.toBe(executor.executed[1]?.options.runId);
  });

  test('at level wire another plan is tried when the first does not bring the situation about', async () => {
    const idle = planCheck({
      levels: ['wire'],
      plans: fc.integer({ min: 1, max: 1e6 }).map((ms) => waits(ms)),
      judge: () => ({ findings: [], exercised: false }),
    });
    const executor = fakeExecutor({ levels: ['wire'], wallClock: true });
    await runJobs([jobOf(idle)], [executor], SETTINGS);
    expect(new Set(executor.executed.map(({ plan }) => JSON.stringify(plan))).size).toBe(3);
  });

  test('jobs after the time limit are inconclusive, jobs without a target untestable', async () => {
    const jobs = many(2).map((check) => jobOf(check));
    const late = await runJobs(jobs, [fakeExecutor()], { ...SETTINGS, timeLimitS: 0 });
    expect(late.results.map((result) => result.verdict)).toEqual(['inconclusive', 'inconclusive']);
    const homeless = await runJobs(jobs, [], SETTINGS);
    expect(homeless.results.map((result) => result.verdict)).toEqual(['untestable', 'untestable']);
  });
});
