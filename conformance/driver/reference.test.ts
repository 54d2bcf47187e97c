/** The default target end to end: a child process behind a real socket. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DoctorReport, runDoctor } from './doctor.ts';
import { executePlan } from './execute.ts';
import type { Plan, Step } from './plan.ts';
import { openTarget, type Target } from './target.ts';
import type { Trace, TraceEvent } from './trace.ts';

let target: Target;
beforeAll(async () => {
  target = await openTarget({ type: 'reference' });
});
afterAll(() => target.close());

const run = (steps: readonly Step[], setup: Plan['setup'] = {}): Promise<Trace> =>
  executePlan(target, { setup, steps }, { seed: 'reference', runId: 'test' });

function eventsOf<Type extends TraceEvent['type']>(trace: Trace, type: Type): readonly Extract<TraceEvent, { type: Type }>[] {
  return trace.events.filter((event): event is Extract<TraceEvent, { type: Type }> => event.type === type);
}

describe('the reference adapter', () => {
  test('opens a session, answers a Ping and has its own answered', async () => {
    for (const mode of ['session', 'raw'] as const) {
      const steps: Step[] = [
        { op: 'open', link: 1, peer: 'alice', mode },
        ...(mode === 'raw' ? [{ op: 'handshake', link: 1 } as const] : []),
        { op: 'frames', link: 1, frames: [{ body: { type: 'Ping', nonce: '0102030405060708' } }] },
        { op: 'advance', ms: 60_000 },
      ];
      const trace = await run(steps);
      expect(eventsOf(trace, 'sessionUp')).toMatchObject([{ nodePeerId: trace.nodePeerId, capabilities: ['gossip/1'] }]);
      const bodies = eventsOf(trace, 'frame').map(({ frame }) => frame.body?.type);
      expect(bodies[0]).toBe('Pong');
      expect(bodies.filter((type) => type === 'Ping').length).toBeGreaterThanOrEqual(4);
      expect(eventsOf(trace, 'closed')).toEqual([]);
    }
  });

  test('passes a message on and delivers it', async () => {
    const envelope = { origin: 'alice', topic: 'app/t', ageMs: 0, sequence: 1, data: '61', name: 'm' };
    const trace = await run([
      { op: 'open', link: 1, peer: 'alice', mode: 'session' },
      { op: 'open', link: 2, peer: 'bob', mode: 'session' },
      { op: 'frames', link: 1, frames: [{ body: { type: 'Push', topic: 'app/t', items: [{ hops: 0, envelope }] } }] },
      { op: 'advance', ms: 1_000 },
    ]);
    expect(eventsOf(trace, 'deliver').length).toBe(1);
    const pushed = eventsOf(trace, 'frame').filter(({ frame, link }) => frame.body?.type === 'Push' && link === 2);
    expect(pushed).toMatchObject([{ frame: { body: { items: [{ hops: 1, envelope: { name: 'm' } }] } } }]);
  });

  test('is healthy', async () => {
    const report: DoctorReport = await runDoctor(target);
    expect(report.items.filter(({ outcome }) => outcome === 'fail')).toEqual([]);
  });
});
