import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { NodeEffect, NodeInput, NodeMachine } from '../core/machine.ts';
import type { MonoMs, Now } from '../core/types.ts';
import type { Clock } from './clock.ts';
import { INPUTS_PER_TURN_MAX } from './limits.ts';
import { type Loop, startLoop } from './loop.ts';

const clock: Clock = { now: () => ({ monoMs: Math.floor(performance.now()), wallMs: Date.now() }) };

/** A machine that answers each publish with deliveries named after its topic, and wakes when it is told to. */
class Scripted implements NodeMachine {
  readonly inputs: string[] = [];
  readonly ticks: MonoMs[] = [];
  wakeMs: MonoMs | undefined;
  effectsOf: (topic: string) => readonly string[] = () => [];

  handle(input: NodeInput, now: Now): readonly NodeEffect[] {
    if (input.type === 'tick') {
      this.ticks.push(now.monoMs);
      this.wakeMs = undefined;
      return [];
    }
    const topic = input.type === 'publish' ? input.topic : input.type;
    this.inputs.push(topic);
    return this.effectsOf(topic).map((address, dial): NodeEffect => ({ type: 'dial', dial, address }));
  }

  deadline(): MonoMs | undefined {
    return this.wakeMs;
  }
}

function publish(topic: string): NodeInput {
  return { type: 'publish', topic, data: new Uint8Array() };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the loop', () => {
  test('carries out effects in their order and lets inputs that they bring wait their turn', () => {
    const machine = new Scripted();
    machine.effectsOf = (topic) => (topic === 'a' ? ['a1', 'a2'] : []);
    const log: string[] = [];
    let loop: Loop | undefined;
    loop = startLoop({
      machine,
      clock,
      perform: (effect) => {
        if (effect.type !== 'dial') return;
        log.push(effect.address);
        if (effect.address === 'a1') loop?.submit(publish('b'), () => log.push('b handled'));
      },
      fail: (error) => {
        throw error;
      },
    });
    loop.submit(publish('a'), () => log.push('a handled'));
    expect(log).toEqual(['a1', 'a2', 'a handled', 'b handled']);
    loop.end();
  });

  test('wakes the machine once, at its deadline, and not before', () => {
    const machine = new Scripted();
    const loop = startLoop({ machine, clock, perform: () => undefined, fail: () => undefined });
    const startMs = clock.now().monoMs;
    machine.wakeMs = startMs + 500;
    loop.submit(publish('a'));
    vi.advanceTimersByTime(499);
    expect(machine.ticks).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(machine.ticks).toEqual([startMs + 500]);
    vi.advanceTimersByTime(60_000);
    expect(machine.ticks).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('follows a deadline that moves, with one timer', () => {
    const machine = new Scripted();
    const loop = startLoop({ machine, clock, perform: () => undefined, fail: () => undefined });
    const startMs = clock.now().monoMs;
    for (const waitMs of [900, 200, 700]) {
      machine.wakeMs = startMs + waitMs;
      loop.submit(publish('a'));
      expect(vi.getTimerCount()).toBe(1);
    }
    vi.advanceTimersByTime(699);
    expect(machine.ticks).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(machine.ticks).toEqual([startMs + 700]);
  });

  test('gives timers and sockets their turn in a flood', () => {
    const machine = new Scripted();
    let left = 3 * INPUTS_PER_TURN_MAX;
    machine.effectsOf = () => ['again'];
    const loop: Loop = startLoop({
      machine,
      clock,
      perform: () => {
        if (--left > 0) loop.submit(publish('flood'));
      },
      fail: () => undefined,
    });
    loop.submit(publish('flood'));
    expect(machine.inputs.length).toBe(INPUTS_PER_TURN_MAX);
    vi.runAllTimers();
    expect(machine.inputs.length).toBe(3 * INPUTS_PER_TURN_MAX);
  });

  test('does not let a queue that never empties hold back a deadline', () => {
    const machine = new Scripted();
    machine.effectsOf = () => ['again'];
    const loop: Loop = startLoop({ machine, clock, perform: () => void loop.submit(publish('flood')), fail: () => undefined });
    machine.wakeMs = clock.now().monoMs;
    loop.submit(publish('flood'));
    expect(machine.ticks).toHaveLength(1);
    loop.end();
  });

  test('refuses what exceeds the bound of its queue', () => {
    const machine = new Scripted();
    machine.effectsOf = (topic) => (topic === 'a' ? ['1', '2', '3'] : []);
    const taken: boolean[] = [];
    const loop: Loop = startLoop({
      machine,
      clock,
      queuedInputsMax: 2,
      perform: () => void taken.push(loop.submit(publish('b'))),
      fail: () => undefined,
    });
    loop.submit(publish('a'));
    expect(taken).toEqual([true, true, false]);
    expect(machine.inputs).toEqual(['a', 'b', 'b']);
    expect(loop.queued()).toBe(0);
  });

  test('ends on a bug, says so once, and tells whoever waits', () => {
    const machine = new Scripted();
    machine.effectsOf = (topic) => (topic === 'a' ? ['first', 'second'] : []);
    const failures: unknown[] = [];
    const told: (readonly NodeEffect[] | undefined)[] = [];
    const loop: Loop = startLoop({
      machine,
      clock,
      perform: (effect) => {
        if (effect.type === 'dial' && effect.address === 'first') loop.submit(publish('b'), (effects) => told.push(effects));
        else throw new Error('bug');
      },
      fail: (error) => failures.push(error),
    });
    loop.submit(publish('a'));
    expect(failures).toEqual([new Error('bug')]);
    expect(told).toEqual([undefined]);
    expect(loop.submit(publish('c'))).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });
});
