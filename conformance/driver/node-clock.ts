/** Requests to one node whose answer is a step, and its clock, which only such answers move. Spec: CNF-004 */
import { Clock, type Effect, type StepResponse } from '../../proto/gen/carillon/adapter/v1/adapter_pb.ts';
import type { RequestOp } from './connection.ts';
import { PlanError, TargetError } from './errors.ts';
import type { Target } from './target.ts';

/** A node's clock, as its answers tell it. */
export class NodeClock {
  readonly #target: Target;
  #nowMs = 0;

  constructor(target: Target) {
    this.#target = target;
  }

  /** Monotonic milliseconds. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** One request whose answer is a step. Moves the clock and returns the effects, checked against it. Rejects with `PlanError` or `TargetError`. */
  async ask(op: RequestOp, limitMs?: number): Promise<readonly Effect[]> {
    const result = await this.#target.request(op, limitMs);
    if (result.case === 'unsupported') throw new PlanError('unsupported', `the adapter does not support ${op.case}: ${result.value.what}`);
    if (result.case === 'refused') throw new PlanError('refused', `the adapter refused ${op.case}: ${result.value.reason}`);
    if (result.case !== 'step') throw new TargetError('E_ADAPTER', `the adapter answered ${op.case} with ${result.case}`);
    this.#moveClock(result.value, op.case);
    return result.value.effects;
  }

  #moveClock({ nowMs, effects }: StepResponse, op: string): void {
    const now = this.#milliseconds(nowMs);
    if (now < this.#nowMs) throw new TargetError('E_ADAPTER', `${op} set the node's clock back from ${this.#nowMs} to ${now} ms (CNF-004)`);
    const mayMove = op === 'advance' || this.#target.hello.clock === Clock.WALL;
    if (!mayMove && now !== this.#nowMs) {
      throw new TargetError('E_ADAPTER', `${op} moved the virtual clock from ${this.#nowMs} to ${now} ms (CNF-004)`);
    }
    let last = this.#nowMs;
    for (const { atMs, effect } of effects) {
      const at = this.#milliseconds(atMs);
      if (at < last || at > now) {
        throw new TargetError(
          'E_ADAPTER',
          `${op} reports an effect (${effect.case ?? 'unknown'}) at ${at} ms, outside of ${last} to ${now} ms`,
        );
      }
      last = at;
    }
    this.#nowMs = now;
  }

  #milliseconds(value: bigint): number {
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new TargetError('E_ADAPTER', `the adapter names a time of ${value} ms`);
    return Number(value);
  }
}
