import { describe, expect, test } from 'vitest';
import type { FrameSpec, Plan, Step } from '../driver/plan.ts';
import { waits } from './fake-executor.ts';
import { shrinkPlan } from './shrink.ts';

const BUDGET = { triesMax: 2000, elapsedMsMax: 10_000 };
const prune = (...labels: string[]): FrameSpec => ({
  body: { type: 'Prune', origins: labels.map((label) => ({ label })), backoffMs: 60_000 },
});
const send = (...frames: FrameSpec[]): Step => ({ op: 'frames', link: 1, frames });
const labelsIn = (plan: Plan): string[] =>
  plan.steps.flatMap((step) =>
    step.op === 'frames'
      ? step.frames.flatMap(({ body }) => (body.type === 'Prune' ? body.origins.map((origin) => JSON.stringify(origin)) : []))
      : [],
  );

describe('shrinking', () => {
  test('leaves the two steps out of fifty that matter', async () => {
    const plan = waits(...Array.from({ length: 50 }, (_, index) => index + 1));
    const has = (candidate: Plan, ms: number): boolean => candidate.steps.some((step) => step.op === 'advance' && step.ms === ms);
    const { plan: smallest, cut } = await shrinkPlan(plan, async (candidate) => has(candidate, 13) && has(candidate, 41), BUDGET);
    expect(smallest.steps).toEqual([
      { op: 'advance', ms: 13 },
      { op: 'advance', ms: 41 },
    ]);
    expect(cut).toBe(false);
  });

  test('leaves out frames, then elements of their lists', async () => {
    const plan: Plan = { setup: {}, steps: [send(prune('a', 'b'), prune('c', 'd', 'e', 'f'), prune('g')), send(prune('h'))] };
    const { plan: smallest } = await shrinkPlan(plan, async (candidate) => labelsIn(candidate).includes('{"label":"e"}'), BUDGET);
    expect(smallest.steps).toEqual([send(prune('e'))]);
  });

  test('keeps frames that are both needed and still shrinks their lists', async () => {
    const plan: Plan = { setup: {}, steps: [send(prune('a', 'b', 'c'), prune('d', 'e'))] };
    const needed = ['{"label":"b"}', '{"label":"e"}'];
    const { plan: smallest } = await shrinkPlan(
      plan,
      async (candidate) => needed.every((label) => labelsIn(candidate).includes(label)),
      BUDGET,
    );
    expect(labelsIn(smallest)).toEqual(needed);
  });

  test('finds the shortest advance', async () => {
    const total = (plan: Plan): number => plan.steps.reduce((sum, step) => sum + (step.op === 'advance' ? step.ms : 0), 0);
    const { plan: smallest } = await shrinkPlan(waits(60_000), async (candidate) => total(candidate) >= 1234, BUDGET);
    expect(smallest.steps).toEqual([{ op: 'advance', ms: 1234 }]);
  });

  test('drops the parts of the setup that do not matter', async () => {
    const plan: Plan = { setup: { stakes: true, overrides: { 'gossip.prune_after': '5', 'gossip.mode': 'off' } }, steps: [] };
    const { plan: smallest } = await shrinkPlan(plan, async (candidate) => candidate.setup.overrides?.['gossip.mode'] === 'off', BUDGET);
    expect(smallest.setup).toEqual({ stakes: false, overrides: { 'gossip.mode': 'off' } });
  });

  test('stays inside its budget of tries and of time', async () => {
    const plan = waits(...Array.from({ length: 64 }, (_, index) => index + 1));
    const tries = await shrinkPlan(plan, async () => false, { triesMax: 10, elapsedMsMax: 10_000 });
    expect(tries).toMatchObject({ tries: 10, cut: true, plan });
    let nowMs = 0;
    const timed = await shrinkPlan(
      plan,
      async () => false,
      { triesMax: 1000, elapsedMsMax: 50 },
      () => nowMs++,
    );
    expect(timed.cut).toBe(true);
    expect(timed.tries).toBeLessThanOrEqual(50);
  });

  test('lists in messages, datagrams and parts of the setup go', async () => {
    const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => `${index}`.padStart(64, '0'));
    const message = { body: { type: 'message', message: 'Iwant', fields: { ids: ids(5) } } } as const;
    const plan: Plan = {
      setup: { bootstrap: ['ws://1.2.3.4:5'], roles: 3, ledger: { genesisMs: 0, accounts: [], leaders: [] } },
      steps: [
        { op: 'frames', link: 1, frames: [message, message] },
        { op: 'datagram', from: '1.2.3.4:5', frame: message },
      ],
    };
    const holds = ({ setup, steps }: Plan): boolean =>
      setup.roles === 3 && steps.some((step) => step.op === 'datagram' && JSON.stringify(step.frame).includes('4"'));
    const { plan: small } = await shrinkPlan(plan, async (candidate) => holds(candidate), { triesMax: 200, elapsedMsMax: 10_000 });
    expect(small).toEqual({
      setup: { roles: 3 },
      steps: [{ op: 'datagram', from: '1.2.3.4:5', frame: { body: { ...message.body, fields: { ids: [ids(5)[4]] } } } }],
    });
  });
});
