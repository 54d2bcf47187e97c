import { afterEach, describe, expect, test } from 'vitest';
import { Clock } from '../../proto/gen/carillon/adapter/v1/adapter_pb.ts';
import { type DoctorReport, formatDoctor, runDoctor } from './doctor.ts';
import { openTarget } from './target.ts';
import { encodeResponse, listenToy, type ToyQuirks } from './testing/toy-adapter.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function examine(quirks: ToyQuirks = {}): Promise<DoctorReport> {
  const server = await listenToy(quirks);
  closers.push(() => server.close());
  const target = await openTarget({ type: 'listening', address: server.address });
  closers.push(() => target.close());
  return runDoctor(target);
}

const failed = (report: DoctorReport): readonly string[] => report.items.filter(({ outcome }) => outcome === 'fail').map(({ id }) => id);

describe('the doctor', () => {
  test('finds an adapter in order healthy', async () => {
    const report = await examine();
    expect(failed(report)).toEqual([]);
    expect(report.isHealthy).toBe(true);
    expect(report.items.find(({ id }) => id === 'clock.honest')?.observed).toMatch(/^240 Pings/);
    expect(report.items.every(({ clause }) => clause.startsWith('CNF-') || clause.startsWith('chapter'))).toBe(true);
    expect(formatDoctor(report)).toContain('can be judged');
  });

  test('skips what a target without a node cannot show', async () => {
    const report = await examine({ clock: Clock.NONE });
    expect(report.isHealthy).toBe(true);
    expect(report.items.filter(({ outcome }) => outcome === 'notApplicable').length).toBeGreaterThan(8);
  });

  test('sees nodes that outlive Destroy', async () => {
    const report = await examine({ isSticky: true });
    expect(failed(report)).toContain('reset.clean');
    const item = report.items.find(({ id }) => id === 'reset.clean');
    expect(item?.advice).not.toBe('');
    expect(formatDoctor(report)).toMatch(/FAIL {2}reset\.clean {2}CNF-006/);
  });

  test('sees a clock that stands still, and goes on after each crash', async () => {
    let calls = 0;
    const report = await examine({
      answer: ({ id, op }) => {
        if (op.case === 'advance')
          return encodeResponse(id, { case: 'step', value: { $typeName: 'carillon.adapter.v1.StepResponse', nowMs: 0n, effects: [] } });
        if (op.case === 'evaluate' && calls++ === 0) return 'close';
        return undefined;
      },
    });
    expect(failed(report)).toEqual(expect.arrayContaining(['evaluate.unknown', 'clock.honest', 'clock.stops']));
    expect(failed(report)).not.toContain('evaluate.arguments');
    expect(report.items.find(({ id }) => id === 'evaluate.unknown')?.observed).toContain('E_CRASHED');
  });

  test('sees effects that change from one process or connection to the next', async () => {
    let made = 0;
    const report = await examine({
      answer: ({ op }) => {
        // Every Create gets another seed, as from a counter that outlives the node.
        if (op.case === 'create') op.value.seed = Uint8Array.from({ length: 32 }, () => made);
        if (op.case === 'create') made++;
        return undefined;
      },
    });
    expect(failed(report)).toEqual(['reset.equal', 'seed.equal']);
    expect(report.items.find(({ id }) => id === 'reset.equal')?.observed).toMatch(/event \d+ differs/);
  });
});
