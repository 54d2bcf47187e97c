/**
 * The parts of which peer scores are made: counters that decay, and the shapes in which a count
 * becomes points. The node's own formula (`score.ts`) uses some of them; `TopicScore` puts all of
 * them together as mesh networks do, which external scenarios check.
 */
import type { MonoMs } from '../types.ts';

/** Below this a counter is 0. Spec: chapter 05, "Flood control and score" */
const ZERO_BELOW = 0.01;

/** How a counter falls, and how far it can rise. */
export interface CounterShape {
  /** Factor per beat, 0 to 1. */
  readonly decay: number;
  /** Largest value; no bound if absent. */
  readonly cap?: number;
}

/** A count that is multiplied by a factor at each beat and set to 0 when little is left. */
export class DecayingCounter {
  readonly #decay: number;
  readonly #cap: number;
  #value: number;

  constructor(shape: CounterShape, value = 0) {
    this.#decay = shape.decay;
    this.#cap = shape.cap ?? Number.POSITIVE_INFINITY;
    this.#value = value;
  }

  get value(): number {
    return this.#value;
  }

  add(count: number): void {
    this.#value = Math.min(this.#value + count, this.#cap);
  }

  /** Lets a number of beats pass. Falling is monotone, so what was below the limit on the way is below it at the end. */
  decay(beats = 1): void {
    if (this.#value === 0 || beats <= 0) return;
    this.#value *= this.#decay ** beats;
    if (this.#value < ZERO_BELOW) this.#value = 0;
  }

  /** A counter of its own with the same value. */
  copy(): DecayingCounter {
    return new DecayingCounter({ decay: this.#decay, cap: this.#cap }, this.#value);
  }
}

/** Points that grow with the value until it reaches `cap`. */
export function cappedLinear(weight: number, value: number, cap: number): number {
  return weight * Math.min(value, cap);
}

/** Points by the square of what lies above `threshold`. */
export function squaredAbove(weight: number, value: number, threshold: number): number {
  const excess = Math.max(0, value - threshold);
  return weight * excess * excess;
}

/** Points by the square of what is missing to `threshold`. */
export function squaredBelow(weight: number, value: number, threshold: number): number {
  const deficit = Math.max(0, threshold - value);
  return weight * deficit * deficit;
}

/** Parameters of a mesh member's score; a weight of 0 switches a part off. */
export interface TopicScoreShape {
  readonly topicWeight: number;
  readonly timeInMesh: { readonly weight: number; readonly quantumMs: number; readonly cap: number };
  readonly firstDeliveries: CounterShape & { readonly weight: number };
  readonly meshDeliveries: CounterShape & {
    readonly weight: number;
    readonly threshold: number;
    /** Time in the mesh after which a deficit counts. */
    readonly activationMs: number;
    /** How long after the first copy another one still counts. */
    readonly windowMs: number;
  };
  readonly meshFailure: CounterShape & { readonly weight: number };
  readonly invalid: CounterShape & { readonly weight: number };
  readonly behaviour: CounterShape & { readonly weight: number; readonly threshold: number };
}

/** What became of a message that the peer sent, as far as its score cares. */
export type DeliveryVerdict = 'accept' | 'ignore' | 'reject';

/** One peer's score in one mesh. */
export class TopicScore {
  readonly #shape: TopicScoreShape;
  readonly #first: DecayingCounter;
  readonly #mesh: DecayingCounter;
  readonly #failure: DecayingCounter;
  readonly #invalid: DecayingCounter;
  readonly #behaviour: DecayingCounter;
  #inMeshSinceMs: MonoMs | undefined;
  #isActive = false;

  constructor(shape: TopicScoreShape) {
    this.#shape = shape;
    this.#first = new DecayingCounter(shape.firstDeliveries);
    this.#mesh = new DecayingCounter(shape.meshDeliveries);
    this.#failure = new DecayingCounter(shape.meshFailure);
    this.#invalid = new DecayingCounter(shape.invalid);
    this.#behaviour = new DecayingCounter(shape.behaviour);
  }

  graft(nowMs: MonoMs): void {
    this.#inMeshSinceMs = nowMs;
    this.#isActive = false;
  }

  /** The peer leaves the mesh; a deficit that counted stays as a failure. */
  prune(): void {
    if (this.#inMeshSinceMs !== undefined && this.#isActive) {
      this.#failure.add(squaredBelow(1, this.#mesh.value, this.#shape.meshDeliveries.threshold));
    }
    this.#inMeshSinceMs = undefined;
    this.#isActive = false;
  }

  /** The peer sent the first copy, or a further one `afterFirstMs` later; only a reject costs. */
  deliver(verdict: DeliveryVerdict, afterFirstMs?: number): void {
    if (verdict === 'reject') this.#invalid.add(1);
    if (verdict !== 'accept') return;
    if (afterFirstMs === undefined) this.#first.add(1);
    if (this.#inMeshSinceMs !== undefined && (afterFirstMs ?? 0) <= this.#shape.meshDeliveries.windowMs) this.#mesh.add(1);
  }

  penalise(count: number): void {
    this.#behaviour.add(count);
  }

  /** One beat: counters decay, and a deficit counts once the peer has been in the mesh long enough. */
  refresh(nowMs: MonoMs): void {
    for (const counter of [this.#first, this.#mesh, this.#failure, this.#invalid, this.#behaviour]) counter.decay();
    if (this.#inMeshSinceMs !== undefined && nowMs - this.#inMeshSinceMs > this.#shape.meshDeliveries.activationMs) this.#isActive = true;
  }

  score(nowMs: MonoMs): number {
    const { timeInMesh, firstDeliveries, meshDeliveries, meshFailure, invalid, behaviour, topicWeight } = this.#shape;
    let points = 0;
    if (this.#inMeshSinceMs !== undefined) {
      points += cappedLinear(timeInMesh.weight, (nowMs - this.#inMeshSinceMs) / timeInMesh.quantumMs, timeInMesh.cap);
      if (this.#isActive) points += squaredBelow(meshDeliveries.weight, this.#mesh.value, meshDeliveries.threshold);
    }
    points += cappedLinear(firstDeliveries.weight, this.#first.value, Number.POSITIVE_INFINITY);
    points += meshFailure.weight * this.#failure.value;
    points += squaredAbove(invalid.weight, this.#invalid.value, 0);
    return topicWeight * points + squaredAbove(behaviour.weight, this.#behaviour.value, behaviour.threshold);
  }
}
