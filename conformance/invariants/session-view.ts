/**
 * Reads a trace the way chapters 03 and 04 do: the links, what reached the node on each, what the node
 * had to make of every frame, and what it did. The judges of these chapters are predicates over the
 * result; none of them looks at the plan.
 */
import type { Step } from '../driver/plan.ts';
import { hasWallClock, type SeenFrame, type Trace, type TraceEvent } from '../driver/trace.ts';
import { concat, hex, unhex } from '../model/bytes.ts';
import { frameRule, type SplitFrame, splitPlaintext } from '../model/frame.ts';
import { lastBytes, readFields } from '../model/protobuf.ts';
import { SessionBuckets } from './session-buckets.ts';
import { judgeBody, judgeHeader } from './session-outcome.ts';

/** What a node has to make of a frame. */
export type Outcome =
  /** A Ping that the buckets let pass: a Pong with this nonce is due. */
  | { readonly type: 'answer'; readonly nonce: string }
  /** Taken; what follows is another chapter's. */
  | { readonly type: 'pass' }
  /** No effect that a peer can see. */
  | { readonly type: 'ignore'; readonly clause: string }
  | { readonly type: 'close'; readonly clause: string; readonly code: string }
  /** The node may close or go on. */
  | { readonly type: 'either'; readonly clause: string }
  /** At the edge of a bucket on the wall clock: taken or ignored. */
  | { readonly type: 'unsure' }
  /** A GoAway: the node ends the connection. */
  | { readonly type: 'end' }
  /** Stands behind a frame that ends the session; `together` when in the same plaintext. */
  | { readonly type: 'behind'; readonly together: boolean };

/** One frame that reached the node, or what stands in a plaintext in place of one. */
export interface Input {
  /** Place among the inputs of the link; the frames of one plaintext share their event. */
  readonly order: number;
  /** Index of the event that shows it. */
  readonly event: number;
  readonly atMs: number;
  /** Undefined for bytes that are no frame. */
  readonly frame: SplitFrame | undefined;
  readonly outcome: Outcome;
  /** Sent by the driver of its own accord: a Pong. */
  readonly auto: boolean;
  /** How the sender put it: typed frames, a plaintext as it is, or a WebSocket message as it is. */
  readonly by: 'frames' | 'plaintext' | 'raw';
}

/** A frame of the node. */
export interface Output {
  readonly event: number;
  readonly atMs: number;
  readonly frame: SeenFrame;
}

/** One link, from its `open` step to its end. */
export interface LinkView {
  readonly link: number;
  readonly label: string;
  readonly mode: 'session' | 'raw';
  readonly direction: 'inbound' | 'outbound';
  readonly opened: { readonly event: number; readonly atMs: number };
  /** PeerId and address, once the connection stands. */
  readonly peerId: string | undefined;
  readonly address: string | undefined;
  readonly session: { readonly event: number; readonly atMs: number; readonly capabilities: ReadonlySet<string> } | undefined;
  readonly inputs: readonly Input[];
  readonly outputs: readonly Output[];
  readonly messages: readonly Extract<TraceEvent, { type: 'message' }>[];
  readonly closed:
    | { readonly event: number; readonly atMs: number; readonly by: 'node' | 'kit'; readonly code: string | undefined }
    | undefined;
}

export interface SessionView {
  readonly trace: Trace;
  /** In the order in which they were opened. */
  readonly links: readonly LinkView[];
  /** How much later than in virtual time something may be seen: 0 in virtual time. */
  readonly slackMs: number;
  /** `session.reaction_ms_max` with the slack. */
  readonly reactionMs: number;
  /** Value of a numeric parameter. */
  number(name: string): number;
}

type Opened = { readonly event: number; readonly atMs: number; readonly step: Extract<Step, { op: 'open' }> };

/** Reads `trace`; one pass for each link. */
export function viewSessions(trace: Trace): SessionView {
  const number = (name: string): number => Number(trace.parameters[name] ?? 0);
  const slackMs = hasWallClock(trace) ? 1_000 : 0;
  const opened = new Map<number, Opened>();
  trace.events.forEach((event, index) => {
    if (event.type !== 'step' || event.value.op !== 'open' || opened.has(event.value.link)) return;
    opened.set(event.value.link, { event: index, atMs: event.atMs, step: event.value });
  });
  const links = [...opened].map(([link, open]) => readLink(trace, link, open, number, slackMs));
  return { trace, links, slackMs, reactionMs: number('session.reaction_ms_max') + slackMs, number };
}

function readLink(trace: Trace, link: number, open: Opened, number: (name: string) => number, slackMs: number): LinkView {
  const { step } = open;
  let peerId: string | undefined;
  let address: string | undefined;
  let session: LinkView['session'];
  let closed: LinkView['closed'];
  const outputs: Output[] = [];
  const messages: Extract<TraceEvent, { type: 'message' }>[] = [];
  trace.events.forEach((event, index) => {
    if (!('link' in event) || event.link !== link || closed !== undefined) return;
    if (event.type === 'linkUp') ({ peerId, address } = event);
    else if (event.type === 'sessionUp') session ??= { event: index, atMs: event.atMs, capabilities: new Set(event.capabilities) };
    else if (event.type === 'frame') outputs.push({ event: index, atMs: event.atMs, frame: event.frame });
    else if (event.type === 'message') messages.push(event);
    else if (event.type === 'closed') closed = { event: index, atMs: event.atMs, by: event.by, code: event.code };
  });
  const inputs =
    session === undefined ? [] : judgeInputs(readPlaintexts(trace, link, session.event), session.capabilities, outputs, number, slackMs);
  return {
    link,
    label: step.peer,
    mode: step.mode,
    direction: step.direction ?? 'inbound',
    opened: { event: open.event, atMs: open.atMs },
    peerId,
    address,
    session,
    inputs,
    outputs,
    messages,
    closed,
  };
}

interface Plaintext {
  readonly event: number;
  readonly atMs: number;
  readonly bytes: Uint8Array;
  readonly auto: boolean;
  readonly by: 'frames' | 'plaintext' | 'raw';
  /** A WebSocket message that no Noise transport opens: the clause on which it closes. */
  readonly fault?: { readonly clause: string; readonly code: string };
  /** Sealed and kept back until the next message has gone, which then comes out of order. */
  readonly isHeld?: boolean;
}

const NOT_OPENED = { clause: 'SES-030', code: 'E_DECRYPT' } as const;

/** What was sent on a link once it had a session, one entry for each transport message. */
function readPlaintexts(trace: Trace, link: number, from: number): readonly Plaintext[] {
  const unsent = new Set<number>();
  const framesOfStep = new Map<number, { event: number; atMs: number; raws: Uint8Array[] }>();
  const plaintexts: Plaintext[] = [];
  trace.events.forEach((event, index) => {
    if (!('link' in event) || event.link !== link) return;
    if (event.type === 'notSent') unsent.add(event.step);
    if (event.type !== 'sentFrame' || index < from) return;
    const raw = unhex(event.frame.raw);
    if (event.auto) {
      plaintexts.push({ event: index, atMs: event.atMs, bytes: raw, auto: true, by: 'frames' });
      return;
    }
    const known = framesOfStep.get(event.step);
    if (known === undefined) framesOfStep.set(event.step, { event: index, atMs: event.atMs, raws: [raw] });
    else known.raws.push(raw);
  });
  trace.events.forEach((event, index) => {
    if (event.type !== 'step' || index < from || unsent.has(event.step)) return;
    const { value } = event;
    if (!('link' in value) || value.link !== link) return;
    const at = { event: index, atMs: event.atMs, auto: false };
    if (value.op === 'plaintext' && value.spoil === undefined) plaintexts.push({ ...at, bytes: unhex(value.bytes), by: 'plaintext' });
    else if (value.op === 'plaintext') {
      plaintexts.push({ ...at, bytes: new Uint8Array(), by: 'raw', fault: NOT_OPENED, isHeld: value.spoil?.kind === 'hold' });
    } else if (value.op === 'raw') plaintexts.push({ ...at, bytes: new Uint8Array(), by: 'raw', fault: rawFault(value) });
    else if (value.op === 'frames') {
      const sent = framesOfStep.get(event.step);
      const tail = unhex(value.tail ?? '');
      if (sent === undefined && tail.length === 0) return;
      const bytes = concat(...(sent?.raws ?? []), tail);
      plaintexts.push({ ...at, ...(sent === undefined ? {} : { event: sent.event, atMs: sent.atMs }), bytes, by: 'frames' });
    }
  });
  return inArrivalOrder(plaintexts.sort((a, b) => a.event - b.event));
}

/** Leaves out what is kept back; the message behind it is the first that cannot be opened. */
function inArrivalOrder(plaintexts: readonly Plaintext[]): readonly Plaintext[] {
  const first = plaintexts.findIndex(({ isHeld }) => isHeld === true);
  if (first === -1) return plaintexts;
  return plaintexts
    .filter(({ isHeld }, index) => index < first || isHeld !== true)
    .map((entry, index) => (index < first ? entry : { ...entry, bytes: new Uint8Array(), fault: NOT_OPENED }));
}

/** Longest WebSocket message, the same in every preset. */
const NOISE_MESSAGE_BYTES_MAX = 65_535;

function rawFault({ bytes, text }: Extract<Step, { op: 'raw' }>): { clause: string; code: string } {
  const size = typeof bytes === 'string' ? bytes.length / 2 : 'size' in bytes ? bytes.size : 1;
  if (text === true) return { clause: 'WIR-007', code: 'E_TRANSPORT' };
  if (size === 0) return { clause: 'WIR-010', code: 'E_TRANSPORT' };
  if (size > NOISE_MESSAGE_BYTES_MAX) return { clause: 'WIR-008', code: 'E_TRANSPORT' };
  return NOT_OPENED;
}

/** Gives each frame of the plaintexts its outcome, in the order in which a node takes them. */
function judgeInputs(
  plaintexts: readonly Plaintext[],
  capabilities: ReadonlySet<string>,
  outputs: readonly Output[],
  number: (name: string) => number,
  slackMs: number,
): readonly Input[] {
  const buckets = new SessionBuckets(number, slackMs);
  const answered = new Set<number>();
  const inputs: Input[] = [];
  let ended = false;
  for (const plaintext of plaintexts) {
    const { event, atMs, bytes, auto, by, fault } = plaintext;
    const input = (frame: SplitFrame | undefined, outcome: Outcome): void => {
      inputs.push({ order: inputs.length, event, atMs, frame, outcome, auto, by });
    };
    if (fault !== undefined) {
      input(undefined, ended ? { type: 'behind', together: false } : { type: 'close', ...fault });
      ended = true;
      continue;
    }
    let endedHere = false;
    const { frames, error, clause } = splitPlaintext(bytes);
    for (const frame of frames) {
      if (ended) {
        input(frame, { type: 'behind', together: endedHere });
        continue;
      }
      const waits = outputs.find((output) => waitsFor(output, frame, event, answered));
      const outcome = judgeFrame(frame, capabilities, buckets, atMs, waits);
      if (outcome.type === 'pass' && waits !== undefined) answered.add(waits.event);
      ended = outcome.type === 'close' || outcome.type === 'end';
      endedHere = ended;
      input(frame, outcome);
    }
    if (error === undefined || clause === undefined) continue;
    if (ended) input(undefined, { type: 'behind', together: endedHere });
    else input(undefined, { type: 'close', clause, code: error });
    ended = true;
  }
  return inputs;
}

/** Whether a frame of the node is a request that waits for the reply `frame`. */
function waitsFor(output: Output, frame: SplitFrame, event: number, answered: ReadonlySet<number>): boolean {
  return (
    frame.requestId !== 0 &&
    output.event < event &&
    output.frame.requestId === frame.requestId &&
    !answered.has(output.event) &&
    frameRule(output.frame.kind)?.answeredBy === frame.kind
  );
}

function judgeFrame(
  frame: SplitFrame,
  capabilities: ReadonlySet<string>,
  buckets: SessionBuckets,
  atMs: number,
  waits: Output | undefined,
): Outcome {
  const header = judgeHeader(frame, capabilities);
  if (header.type === 'close') return header;
  if (header.type === 'known' && header.rule.name === 'GoAway') return { type: 'end' };
  const frameClass = header.type === 'known' ? header.rule.class : 'data';
  const admission = buckets.admit(frameClass, frame.raw.length, atMs);
  if (admission !== 'pass') {
    const count = buckets.overrun(frameClass, admission, atMs);
    if (count === 'exceeded') return { type: 'close', clause: 'SES-063', code: 'E_RATE' };
    if (count === 'unsure') return { type: 'either', clause: 'SES-063' };
    return admission === 'unsure' ? { type: 'unsure' } : { type: 'ignore', clause: 'SES-061' };
  }
  if (header.type === 'leftAside') return { type: 'ignore', clause: 'WIR-026' };
  if (header.rule.requestId === 'reply' && waits === undefined) return { type: 'ignore', clause: 'WIR-032' };
  const body = judgeBody(header.rule, frame.body);
  if (body.type === 'close' || body.type === 'either') return body;
  if (header.rule.name !== 'Ping' && header.rule.name !== 'Pong') return { type: 'pass' };
  const nonce = hex(lastBytes(readFields(frame.body).fields ?? [], 1));
  if (header.rule.name === 'Ping') return { type: 'answer', nonce };
  const asked = waits?.frame.body;
  return asked?.type === 'Ping' && asked.nonce !== nonce ? { type: 'ignore', clause: 'SES-055' } : { type: 'pass' };
}
