/**
 * The one place where a running node's core is called: inputs go in one after another, effects are
 * carried out in order, and one timer waits for the core's deadline.
 */
import type { NodeEffect, NodeInput, NodeMachine } from '../core/machine.ts';
import type { Clock } from './clock.ts';
import { INPUTS_PER_TURN_MAX, QUEUED_INPUTS_MAX, TIMER_MS_MAX } from './limits.ts';

/** What a loop needs. */
export interface LoopOptions {
  readonly machine: NodeMachine;
  readonly clock: Clock;
  /** Carries out one effect. It may submit inputs; they wait their turn. */
  readonly perform: (effect: NodeEffect) => void;
  /** Told of each input that was handled and how long the core took, in milliseconds. */
  readonly observe?: (input: NodeInput, elapsedMs: number) => void;
  /** A bug of the core or of an effect: the loop has stopped. */
  readonly fail: (error: unknown) => void;
  readonly queuedInputsMax?: number;
}

/** Called once for an input that was taken. */
export type OnHandled = (effects: readonly NodeEffect[] | undefined) => void;

/** A running loop. */
export interface Loop {
  /**
   * Takes an input. False when it was refused: the queue is full or the loop has ended. `onHandled`
   * is told of the input's effects once they have been carried out, or of undefined when the loop
   * ended before.
   */
  submit(input: NodeInput, onHandled?: OnHandled): boolean;
  /** Inputs that wait. */
  queued(): number;
  /** Takes nothing more and disarms the timer. */
  end(): void;
}

interface Entry {
  readonly input: NodeInput;
  readonly onHandled: OnHandled | undefined;
}

const TICK: Entry = { input: { type: 'tick' }, onHandled: undefined };

/** Starts a loop over a machine; nothing runs before the first input, except that a deadline is waited for. */
export function startLoop(options: LoopOptions): Loop {
  const { machine, clock } = options;
  const queuedMax = options.queuedInputsMax ?? QUEUED_INPUTS_MAX;
  let queue: Entry[] = [];
  let head = 0;
  let isRunning = false;
  let hasEnded = false;
  let continuation: NodeJS.Immediate | undefined;
  let timer: NodeJS.Timeout | undefined;

  function end(): void {
    if (hasEnded) return;
    hasEnded = true;
    clearTimeout(timer);
    clearImmediate(continuation);
    const dropped = queue.slice(head);
    queue = [];
    head = 0;
    for (const { onHandled } of dropped) onHandled?.(undefined);
  }

  function handle({ input, onHandled }: Entry): void {
    const startMs = performance.now();
    const effects = machine.handle(input, clock.now());
    options.observe?.(input, performance.now() - startMs);
    for (const effect of effects) options.perform(effect);
    onHandled?.(effects);
  }

  function takeNext(): Entry | undefined {
    const entry = queue[head];
    if (entry === undefined) return undefined;
    head += 1;
    if (head === queue.length) {
      queue = [];
      head = 0;
    }
    return entry;
  }

  /** Handles what waits, up to the bound of a turn, so that a flood keeps neither timers nor sockets waiting. */
  function run(): void {
    if (isRunning || hasEnded) return;
    isRunning = true;
    clearImmediate(continuation);
    continuation = undefined;
    try {
      for (let count = 0; count < INPUTS_PER_TURN_MAX; count++) {
        const entry = takeNext();
        if (entry === undefined) break;
        handle(entry);
      }
      const due = machine.deadline();
      // A tick that is due does not wait behind a queue that never empties.
      if (queue.length > 0 && due !== undefined && due <= clock.now().monoMs) handle(TICK);
    } catch (error) {
      end();
      options.fail(error);
      return;
    } finally {
      isRunning = false;
    }
    if (hasEnded) return;
    if (queue.length > 0) continuation = setImmediate(run);
    arm();
  }

  function arm(): void {
    clearTimeout(timer);
    const due = machine.deadline();
    if (due === undefined || hasEnded) return;
    timer = setTimeout(wake, Math.min(Math.max(0, due - clock.now().monoMs), TIMER_MS_MAX));
  }

  /** The system's timers may come a little early, and `arm` may have waited for less than the whole time. */
  function wake(): void {
    const due = machine.deadline();
    if (due !== undefined && due <= clock.now().monoMs) submit({ type: 'tick' });
    else arm();
  }

  function submit(input: NodeInput, onHandled?: OnHandled): boolean {
    if (hasEnded || queue.length - head >= queuedMax) return false;
    queue.push({ input, onHandled });
    run();
    return true;
  }

  arm();
  return { submit, queued: () => queue.length - head, end };
}
