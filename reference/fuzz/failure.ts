/** Failures on disk: what a node was given until it failed, enough to make the same node fail again. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { toHex } from '../core/bytes.ts';
import type { NodeInput } from '../core/machine.ts';
import { PRESETS, type PresetName } from '../core/params.ts';
import { messageOf, Problem } from '../runtime/problem.ts';
import { type Fault, type MakeNode, type Step, Subject, SubjectFailure, type SubjectOptions } from './subject.ts';

/** A node that failed: where it came from, how it was set up, and its inputs up to the one at which it failed. */
export interface Failure {
  readonly generator: string;
  /** The campaign's seed, hexadecimal. */
  readonly seed: string;
  /** Which of the generator's nodes it was, from 0. */
  readonly node: number;
  /** Hostile inputs that the node had been given. */
  readonly input: number;
  readonly fault: Fault;
  readonly options: SubjectOptions;
  readonly steps: readonly Step[];
}

const FORMAT = 'carillon-fuzz-failure/1';

/** Bytes are written as `{"hex": …}`. */
function toJson(failure: Failure): string {
  const replacer = (_: string, value: unknown): unknown => (value instanceof Uint8Array ? { hex: toHex(value) } : value);
  return `${JSON.stringify({ format: FORMAT, ...failure }, replacer, 1)}\n`;
}

const bytes = z.object({ hex: z.string().regex(/^([0-9a-f]{2})*$/) });
const moment = z.number().finite();

const failureForm = z.object({
  format: z.literal(FORMAT),
  generator: z.string(),
  seed: z.string(),
  node: z.number(),
  input: z.number(),
  fault: z.object({ kind: z.enum(['throw', 'starved']), message: z.string() }),
  options: z.object({
    preset: z.enum(Object.keys(PRESETS) as [PresetName, ...PresetName[]]),
    applicationValidation: z.boolean(),
    stakes: z.record(z.string(), z.string().regex(/^[0-9]+$/)),
    seed: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  steps: z.array(z.object({ monoMs: moment, wallMs: moment, input: z.looseObject({ type: z.string() }) })),
});

/** An input as it was before it was written. */
function readInput(form: Readonly<Record<string, unknown>>): NodeInput {
  const entries = Object.entries(form).map(([name, value]) => {
    const read = bytes.safeParse(value);
    return [name, read.success ? Uint8Array.from(Buffer.from(read.data.hex, 'hex')) : value];
  });
  return Object.fromEntries(entries) as NodeInput;
}

/** Writes `failure-<number>.json` into the directory and returns its path. */
export function writeFailure(directory: string, number: number, failure: Failure): string {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `failure-${number}.json`);
  writeFileSync(path, toJson(failure));
  return path;
}

/** Reads a failure. Throws a Problem for a file that cannot be read or is none. */
export function readFailure(path: string): Failure {
  const refuse = (found: string): never => {
    throw new Problem('E_FILE', {
      where: path,
      expected: 'a failure that fuzz wrote',
      found,
      todo: 'name a reports/fuzz/failure-<n>.json',
    });
  };
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    return refuse(messageOf(error));
  }
  const form = failureForm.safeParse(value);
  if (!form.success) {
    const [issue] = form.error.issues;
    return refuse(issue === undefined ? 'another form' : `at ${issue.path.join('.') || 'the top'}: ${issue.message}`);
  }
  const { format: _, steps, ...rest } = form.data;
  return { ...rest, steps: steps.map((step) => ({ ...step, input: readInput(step.input) })) };
}

/** Gives a failure's inputs to a new node; the fault that it shows, or undefined when it shows none. */
export function replayFailure(failure: Failure, makeNode?: MakeNode): Fault | undefined {
  try {
    const subject = new Subject(failure.options, makeNode);
    // The first step is the bystander's, which every subject takes by itself.
    for (const step of failure.steps.slice(1)) subject.giveAt(step);
    if (failure.fault.kind === 'starved') subject.checkService();
    return undefined;
  } catch (error) {
    if (error instanceof SubjectFailure) return error.fault;
    throw error;
  }
}
