/**
 * Trace files: one failing run as JSON lines, readable by eye and replayable by a small script in any
 * language. A header, one line a step with what was meant and the bytes that were sent, and a result.
 * `trace-file.md` describes them for readers, `trace.schema.json` for tools.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { adapterNetworkId, WALL_START_MS } from '../driver/execute.ts';
import { createIdentities, derive, labelsOf } from '../driver/identities.ts';
import type { Hex, Label, Plan, Setup, Step } from '../driver/plan.ts';
import type { Trace, TraceEvent } from '../driver/trace.ts';
import type { Finding } from './check.ts';
import { readInput } from './input-file.ts';
import { setupSchema, stepSchema } from './plan-schema.ts';
import { ToolError } from './problem.ts';

/** Version of the file's form. */
export const TRACE_SCHEMA_VERSION = 1;
/** Larger files are not ours. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;

/** First line. */
export interface TraceHeader {
  readonly type: 'header';
  readonly schema: typeof TRACE_SCHEMA_VERSION;
  readonly spec: string;
  readonly check: string;
  readonly clause: string;
  readonly level: 'adapter' | 'wire';
  readonly seed: string;
  readonly runId: string;
  readonly setup: Setup;
  readonly networkId: string;
  /** What the kit gives as `Create.seed` at level adapter. */
  readonly createSeed: Hex;
  readonly wallStartMs: number;
  /** Stake by PeerId in hexadecimal. */
  readonly stakes: Readonly<Record<Hex, number>>;
  /** The keys of every label of the plan: Ed25519 secret seed and public key, PeerId. They exist for this run only. */
  readonly identities: Readonly<Record<Label, { readonly seed: Hex; readonly publicKey: Hex; readonly peerId: Hex }>>;
}

/** Bytes that the kit sent: a frame inside a session, or a message as it was given to the transport (a plaintext before sealing if `role` says so). `auto`: the driver's own answer, not asked for by the step. */
export type TraceSent =
  | { readonly atMs: number; readonly link: number; readonly frame: Hex; readonly auto: boolean }
  | { readonly atMs: number; readonly link: number; readonly message: Hex; readonly text: boolean; readonly role: string }
  | { readonly atMs: number; readonly from: string; readonly datagram: Hex; readonly auto: boolean }
  | { readonly atMs: number; readonly command: string; readonly args: readonly Hex[] };

/** One line a step. */
export interface TraceStepLine {
  readonly type: 'step';
  readonly index: number;
  readonly atMs: number;
  /** What was meant: labels, names, references. */
  readonly step: Step;
  /** What was sent: bytes, in order. */
  readonly sent: readonly TraceSent[];
  /** Every other event during the step, as in `driver/trace.ts` without its step, 64-bit integers as text. */
  readonly observed: readonly ObservedEvent[];
}

export interface ObservedEvent {
  readonly type: string;
  readonly atMs: number;
  readonly [field: string]: unknown;
}

/** Last line. */
export interface TraceResultLine {
  readonly type: 'result';
  readonly clause: string;
  readonly expected: string;
  readonly observed: string;
}

export type TraceLine = TraceHeader | TraceStepLine | TraceResultLine;

const hex = z.string().regex(/^(?:[0-9a-f]{2})*$/);

/** The form of one line. */
export const traceLineSchema: z.ZodType<TraceLine> = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('header'),
    schema: z.literal(TRACE_SCHEMA_VERSION),
    spec: z.string(),
    check: z.string(),
    clause: z.string(),
    level: z.enum(['adapter', 'wire']),
    seed: z.string(),
    runId: z.string(),
    setup: setupSchema,
    networkId: z.string(),
    createSeed: hex,
    wallStartMs: z.number().int().nonnegative(),
    stakes: z.record(hex, z.number()),
    identities: z.record(z.string(), z.strictObject({ seed: hex, publicKey: hex, peerId: hex })),
  }),
  z.strictObject({
    type: z.literal('step'),
    index: z.number().int().nonnegative(),
    atMs: z.number(),
    step: stepSchema,
    sent: z.array(
      z.union([
        z.strictObject({ atMs: z.number(), link: z.number(), frame: hex, auto: z.boolean() }),
        z.strictObject({ atMs: z.number(), link: z.number(), message: hex, text: z.boolean(), role: z.string() }),
        z.strictObject({ atMs: z.number(), from: z.string(), datagram: hex, auto: z.boolean() }),
        z.strictObject({ atMs: z.number(), command: z.string(), args: z.array(hex) }),
      ]),
    ),
    observed: z.array(z.looseObject({ type: z.string(), atMs: z.number() })),
  }),
  z.strictObject({ type: z.literal('result'), clause: z.string(), expected: z.string(), observed: z.string() }),
]);

export interface TraceFile {
  readonly header: TraceHeader;
  readonly steps: readonly TraceStepLine[];
  readonly result: TraceResultLine;
}

/** What identifies a run, for the header. */
export interface TraceOrigin {
  readonly check: string;
  readonly spec: string;
  readonly level: 'adapter' | 'wire';
  readonly seed: string;
  readonly runId: string;
}

/** The file of one execution. Without a trace (the target died) the steps say what was meant, and nothing was seen. */
export function makeTraceFile(origin: TraceOrigin, plan: Plan, finding: Finding, trace: Trace | undefined): TraceFile {
  const networkId = trace?.networkId ?? adapterNetworkId(origin.seed);
  const identities = createIdentities({ seed: origin.seed, runId: origin.runId, networkId });
  const header: TraceHeader = {
    type: 'header',
    schema: TRACE_SCHEMA_VERSION,
    spec: origin.spec,
    check: origin.check,
    clause: finding.clause,
    level: origin.level,
    seed: origin.seed,
    runId: origin.runId,
    setup: plan.setup,
    networkId,
    createSeed: Buffer.from(derive('node', origin.seed)).toString('hex'),
    wallStartMs: trace?.wallStartMs ?? WALL_START_MS,
    stakes: { ...trace?.stakes },
    identities: Object.fromEntries(
      labelsOf(plan, plan.setup.stakes === true).map((label) => {
        const { seed, publicKey, peerIdHex } = identities.of(label);
        return [label, { seed: Buffer.from(seed).toString('hex'), publicKey: Buffer.from(publicKey).toString('hex'), peerId: peerIdHex }];
      }),
    ),
  };
  const steps = plan.steps.map((step, index) => stepLine(step, index, trace?.events.filter((event) => event.step === index) ?? []));
  return { header, steps, result: { type: 'result', clause: finding.clause, expected: finding.expected, observed: finding.observed } };
}

function stepLine(step: Step, index: number, events: readonly TraceEvent[]): TraceStepLine {
  const sent: TraceSent[] = [];
  const observed: ObservedEvent[] = [];
  for (const event of events) {
    const { atMs } = event;
    if (event.type === 'sentFrame') sent.push({ atMs, link: event.link, frame: event.frame.raw, auto: event.auto });
    else if (event.type === 'sentRaw')
      sent.push({ atMs, link: event.link, message: event.bytes, text: event.text, role: event.role ?? 'message' });
    else if (event.type === 'sentDatagram') sent.push({ atMs, from: event.from, datagram: event.datagram.bytes, auto: event.auto });
    else if (event.type === 'sentCommand') sent.push({ atMs, command: event.command, args: event.args });
    else if (event.type !== 'step') observed.push(observedEvent(event));
  }
  return { type: 'step', index, atMs: events[0]?.atMs ?? 0, step, sent, observed };
}

// The event in a form that JSON can hold.
function observedEvent(event: TraceEvent): ObservedEvent {
  const { step: _, ...fields } = event;
  return JSON.parse(
    JSON.stringify(fields, (__, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)),
  ) as ObservedEvent;
}

/** The file's text. */
export function traceText(file: TraceFile): string {
  return [file.header, ...file.steps, file.result].map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** Writes a trace file, with its directory. */
export function writeTraceFile(path: string, file: TraceFile): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, traceText(file));
}

/** Reads a trace file. Throws E_FILE when there is none, E_TRACE with the line's number when it is not one or is of another version. */
export function readTraceFile(path: string): TraceFile {
  const text = readInput(path);
  if (text.length > FILE_BYTES_MAX) throw badTrace(path, `at most ${FILE_BYTES_MAX} bytes`, `${text.length} characters`);
  return parseTrace(path, text);
}

/** Reads a trace file's text; `path` is for messages only. Throws E_TRACE. */
export function parseTrace(path: string, text: string): TraceFile {
  const texts = text.split('\n');
  if (texts.at(-1) === '') texts.pop();
  if (texts.length === 0) throw badTrace(path, 'a header line', 'an empty file');
  const lines = texts.map((line, index) => parseLine(path, line, index + 1));
  const [header, ...rest] = lines;
  const result = rest.pop();
  if (header?.type !== 'header') throw badTrace(path, 'a header in line 1', `${header?.type ?? 'nothing'}`);
  if (result?.type !== 'result') throw badTrace(path, 'a result in the last line', `${result?.type ?? 'nothing'}; the file may be cut off`);
  const steps = rest.map((line, index) => {
    if (line.type === 'step' && line.index === index) return line;
    throw badTrace(path, `step ${index} in line ${index + 2}`, line.type === 'step' ? `step ${line.index}` : line.type);
  });
  return { header, steps, result };
}

/** The plan that a trace file holds. */
export function planOf(file: TraceFile): Plan {
  return { setup: file.header.setup, steps: file.steps.map((line) => line.step) };
}

/** JSON Schema of one line, as `trace.schema.json` holds it. */
export function traceSchemaText(): string {
  const schema = z.toJSONSchema(traceLineSchema, { target: 'draft-2020-12' });
  return `${JSON.stringify({ ...schema, title: 'One line of a Carillon trace file' }, null, 2)}\n`;
}

function parseLine(path: string, text: string, number: number): TraceLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badTrace(path, `JSON in line ${number}`, JSON.stringify(text.slice(0, 60)));
  }
  const version = typeof value === 'object' && value !== null && 'schema' in value ? value.schema : undefined;
  if (number === 1 && version !== undefined && version !== TRACE_SCHEMA_VERSION) {
    throw badTrace(path, `a trace of version ${TRACE_SCHEMA_VERSION}`, `version ${String(version)}`);
  }
  const parsed = traceLineSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw badTrace(
    path,
    `the form of trace.schema.json in line ${number}`,
    `${issue?.message ?? 'something else'} at ${issue?.path.join('.') || 'the top'}`,
  );
}

function badTrace(path: string, expected: string, found: string): ToolError {
  return new ToolError('E_TRACE', {
    what: `${path} is not a trace file that this kit can read`,
    expected,
    found,
    action: 'record the trace again with carillon conform',
  });
}
