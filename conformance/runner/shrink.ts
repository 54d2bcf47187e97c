/**
 * Makes a failing plan smaller: leaves out chunks of steps, then single steps, then frames and elements
 * of their lists, then parts of the setup, and at last shortens advances, over and over until nothing
 * helps or the budget is spent. The caller's predicate decides what still fails in the same way.
 */
import type { BodySpec, FrameSpec, Plan, Setup, Step } from '../driver/plan.ts';

export interface ShrinkBudget {
  readonly triesMax: number;
  /** Wall-clock milliseconds. */
  readonly elapsedMsMax: number;
}

export interface ShrinkResult {
  readonly plan: Plan;
  readonly tries: number;
  /** Whether the budget ended the search before a fixed point was reached. */
  readonly cut: boolean;
}

type Fails = (candidate: Plan) => Promise<boolean>;

/** The smallest plan found for which `fails` holds; the given plan if no smaller one fails. `fails` must hold for the given plan. */
export async function shrinkPlan(
  plan: Plan,
  fails: Fails,
  budget: ShrinkBudget,
  nowMs: () => number = () => performance.now(),
): Promise<ShrinkResult> {
  const search = new Search(plan, fails, budget, nowMs);
  let before: Plan;
  do {
    before = search.best;
    await search.dropFrom(stepsOf);
    await search.dropFromFrames();
    await search.simplifySetup();
    await search.shortenAdvances();
  } while (search.best !== before && !search.spent());
  return { plan: search.best, tries: search.tries, cut: search.spent() };
}

/** A list inside a plan: how to read it and how to put another in its place. */
interface ListPath {
  /** Fewest elements that leave the plan well-formed. */
  readonly min: number;
  get(plan: Plan): readonly unknown[];
  set(plan: Plan, list: readonly unknown[]): Plan;
}

const stepsOf: ListPath = {
  min: 0,
  get: (plan) => plan.steps,
  set: (plan, list) => ({ ...plan, steps: list as readonly Step[] }),
};

class Search {
  best: Plan;
  tries = 0;
  readonly #fails: Fails;
  readonly #budget: ShrinkBudget;
  readonly #nowMs: () => number;
  readonly #startMs: number;

  constructor(plan: Plan, fails: Fails, budget: ShrinkBudget, nowMs: () => number) {
    this.best = plan;
    this.#fails = fails;
    this.#budget = budget;
    this.#nowMs = nowMs;
    this.#startMs = nowMs();
  }

  spent(): boolean {
    return this.tries >= this.#budget.triesMax || this.#nowMs() - this.#startMs >= this.#budget.elapsedMsMax;
  }

  async take(candidate: Plan): Promise<boolean> {
    if (this.spent()) return false;
    this.tries++;
    if (!(await this.#fails(candidate))) return false;
    this.best = candidate;
    return true;
  }

  // Chunks of half the list, then a quarter, down to single elements; back to the same place after a success.
  async dropFrom(path: ListPath): Promise<void> {
    let size = Math.ceil(path.get(this.best).length / 2);
    while (size >= 1 && !this.spent()) {
      // From the end: what comes after the failure goes first, and cheaply.
      let end = path.get(this.best).length;
      while (end > 0) {
        const list = path.get(this.best);
        const start = Math.max(0, end - size);
        const rest = [...list.slice(0, start), ...list.slice(end)];
        if (rest.length >= path.min) await this.take(path.set(this.best, rest));
        end = start;
      }
      if (size === 1) return;
      size = Math.ceil(size / 2);
    }
  }

  async dropFromFrames(): Promise<void> {
    for (let stepIndex = 0; stepIndex < this.best.steps.length; stepIndex++) {
      const frames = framesOf(stepIndex);
      await this.dropFrom(frames);
      for (let frameIndex = 0; frameIndex < frames.get(this.best).length; frameIndex++) {
        for (const path of listsIn(frames.get(this.best)[frameIndex])) await this.dropFrom(elementsOf(frames, frameIndex, path));
      }
    }
  }

  async simplifySetup(): Promise<void> {
    const { overrides, stakes, applicationValidation } = this.best.setup;
    for (const part of SETUP_PARTS) {
      const { [part]: given, ...others } = this.best.setup;
      if (given !== undefined) await this.take({ ...this.best, setup: others });
    }
    if (stakes === true) await this.take(withSetup(this.best, { stakes: false }));
    if (applicationValidation === true) await this.take(withSetup(this.best, { applicationValidation: false }));
    for (const key of Object.keys(overrides ?? {})) {
      const { [key]: _, ...others } = this.best.setup.overrides ?? {};
      await this.take(withSetup(this.best, { overrides: others }));
    }
  }

  // The shortest advance that still fails, by bisection; exact when failing is monotonic in time.
  async shortenAdvances(): Promise<void> {
    for (let index = 0; index < this.best.steps.length; index++) {
      const step = this.best.steps[index];
      if (step?.op !== 'advance') continue;
      let failing = step.ms;
      let passing = 0;
      while (failing - passing > 1 && !this.spent()) {
        const ms = Math.floor((failing + passing) / 2);
        if (await this.take({ ...this.best, steps: this.best.steps.with(index, { ...step, ms }) })) failing = ms;
        else passing = ms;
      }
    }
  }
}

/** Parts of a setup that can be left out as a whole. */
const SETUP_PARTS = ['bootstrap', 'protectedPeers', 'roles', 'listenAddresses', 'ledger'] as const;

/** Where a list stands in a frame's body: names of fields and indices. */
type BodyPath = readonly (string | number)[];

/** The lists of a frame's body, outer ones first. Lists inside of lists are left alone: their places move when elements go. */
function listsIn(frame: unknown): readonly BodyPath[] {
  const found: BodyPath[] = [];
  const visit = (value: unknown, path: BodyPath): void => {
    if (Array.isArray(value)) found.push(path);
    else if (typeof value === 'object' && value !== null) for (const [key, inner] of Object.entries(value)) visit(inner, [...path, key]);
  };
  const { body } = frame as FrameSpec;
  visit(body, []);
  return found;
}

function valueAt(value: unknown, path: BodyPath): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Readonly<Record<string | number, unknown>> | undefined)?.[key], value);
}

function withValueAt(value: unknown, [key, ...rest]: BodyPath, list: readonly unknown[]): unknown {
  if (key === undefined) return list;
  const inner = (value as Readonly<Record<string | number, unknown>>)[key];
  return { ...(value as object), [key]: withValueAt(inner, rest, list) };
}

function withSetup(plan: Plan, change: Setup): Plan {
  return { ...plan, setup: { ...plan.setup, ...change } };
}

function framesOf(stepIndex: number): ListPath {
  return {
    min: 1,
    get: (plan) => {
      const step = plan.steps[stepIndex];
      if (step?.op === 'datagram') return [step.frame];
      return step?.op === 'frames' ? step.frames : [];
    },
    set: (plan, list) => {
      const step = plan.steps[stepIndex];
      const [frame] = list as readonly FrameSpec[];
      if (step?.op === 'datagram' && frame !== undefined) return { ...plan, steps: plan.steps.with(stepIndex, { ...step, frame }) };
      return step?.op === 'frames'
        ? { ...plan, steps: plan.steps.with(stepIndex, { ...step, frames: list as readonly FrameSpec[] }) }
        : plan;
    },
  };
}

function elementsOf(frames: ListPath, frameIndex: number, path: BodyPath): ListPath {
  const frameOf = (plan: Plan): FrameSpec | undefined => frames.get(plan)[frameIndex] as FrameSpec | undefined;
  return {
    min: 0,
    get: (plan) => {
      const list = valueAt(frameOf(plan)?.body, path);
      return Array.isArray(list) ? list : [];
    },
    set: (plan, list) => {
      const frame = frameOf(plan);
      if (frame === undefined) return plan;
      const body = withValueAt(frame.body, path, list) as BodySpec;
      return frames.set(plan, frames.get(plan).with(frameIndex, { ...frame, body }));
    },
  };
}
