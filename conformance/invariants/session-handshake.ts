/** Handshakes: what has to be refused is refused in silence and in time, what is slow is cut off, and every ephemeral key is new. */
import type { HandshakeDefect, Step } from '../driver/plan.ts';
import type { Finding } from '../runner/check.ts';
import { closedWithoutCause } from './session-cause.ts';
import { finding, type SessionRule } from './session-judge.ts';
import type { LinkView, SessionView } from './session-view.ts';
import { notClosedInTime } from './wire-close.ts';

/** A handshake of the kit on a raw link. */
export interface HandshakeView {
  readonly event: number;
  readonly atMs: number;
  readonly defect: HandshakeDefect | undefined;
  /** The last message of the kit in it; undefined when it sent none. */
  readonly last: { readonly event: number; readonly atMs: number } | undefined;
}

/** The kit's handshake on a link; undefined when it made none. */
export function handshakeOn(view: SessionView, link: LinkView): HandshakeView | undefined {
  let found: { event: number; atMs: number; defect: HandshakeDefect | undefined } | undefined;
  let last: HandshakeView['last'];
  view.trace.events.forEach((event, index) => {
    if (event.type === 'step' && event.value.op === 'handshake' && event.value.link === link.link) {
      found ??= { event: index, atMs: event.atMs, defect: event.value.defect };
    }
    const isOwn = event.type === 'sentRaw' && event.link === link.link && event.role !== undefined && event.role !== 'plaintext';
    if (isOwn) last = { event: index, atMs: event.atMs };
  });
  return found === undefined ? undefined : { ...found, last };
}

/** Which clause a handshake breaks, by its defect and its link; undefined when a node has to take it or the kit is not done. */
export type DefectClause = (defect: HandshakeDefect | undefined, link: LinkView) => string | undefined;

/** Number of the handshake message that carries a defect; that of the hello when there is none. */
export function messageOf(defect: HandshakeDefect | undefined, link: LinkView): 1 | 2 | 3 {
  if (defect === undefined) return link.direction === 'inbound' ? 3 : 2;
  if (defect.kind === 'message1Length' || defect.kind === 'message1Payload') return 1;
  if (defect.kind === 'flipByte' || defect.kind === 'oversize') return defect.message;
  if (defect.kind === 'zeroEphemeral') return link.direction === 'inbound' ? 1 : 2;
  return link.direction === 'inbound' ? 3 : 2;
}

/**
 * A handshake with a defect ends: the node closes within the reaction time of the message that carries
 * it, says nothing more, and in particular does not go on with the handshake.
 */
export function refusesHandshakes(clauses: readonly string[], clauseOf: DefectClause): SessionRule {
  return {
    clauses,
    judge: (view) => {
      const findings: Finding[] = [];
      let exercised = false;
      for (const link of view.links) {
        const handshake = handshakeOn(view, link);
        const { defect, last } = handshake ?? {};
        const clause = handshake === undefined ? undefined : clauseOf(defect, link);
        if (last === undefined || clause === undefined || !reached(view, link, messageOf(defect, link))) continue;
        exercised = true;
        const missing = notClosedInTime(view, link, last);
        if (missing !== undefined) {
          findings.push(finding(clause, `the node closes within ${view.reactionMs} ms`, missing, last.event));
        }
        const words = wordsAfter(view, link, last.event);
        if (words !== undefined)
          findings.push(finding(clause, 'the node ends the handshake without another message', words.what, words.event));
      }
      return { findings, exercised };
    },
  };
}

/** Whether the kit's handshake message of that number was sent. */
function reached(view: SessionView, link: LinkView, number: 1 | 2 | 3): boolean {
  return view.trace.events.some((event) => event.type === 'sentRaw' && event.link === link.link && event.role === `handshake${number}`);
}

function wordsAfter(view: SessionView, link: LinkView, from: number): { readonly what: string; readonly event: number } | undefined {
  const event = view.trace.events.findIndex(
    (one, index) => index > from && 'link' in one && one.link === link.link && (one.type === 'message' || one.type === 'frame'),
  );
  const found = view.trace.events[event];
  if (found?.type === 'message') return { what: `a message of ${found.bytes.length / 2} bytes (${found.role})`, event };
  return found?.type === 'frame' ? { what: `a frame of kind ${found.frame.kind}`, event } : undefined;
}

/** A link that was opened raw, and the moment its handshake was complete for the kit. */
function incompleteUntil(link: LinkView): number {
  return link.session?.event ?? Number.POSITIVE_INFINITY;
}

/** A connection whose handshake is not complete in time ends at `session.handshake_timeout_ms`, not before. Spec: SES-008 inbound, SES-009 outbound. */
export function endsSlowHandshakes(direction: 'inbound' | 'outbound'): SessionRule {
  const clause = direction === 'inbound' ? 'SES-008' : 'SES-009';
  return {
    clauses: [clause],
    judge: (view) => {
      const findings: Finding[] = [];
      let exercised = false;
      const timeoutMs = view.number('session.handshake_timeout_ms');
      for (const link of view.links) {
        if (link.mode !== 'raw' || link.direction !== direction || link.address === undefined) continue;
        const { closed, session, opened } = link;
        const dueMs = opened.atMs + timeoutMs;
        if (session !== undefined && session.atMs <= dueMs) continue;
        if (isSpoiled(view, link)) continue;
        if (closed?.by === 'kit') continue;
        exercised ||= view.trace.endMs >= dueMs + view.reactionMs;
        if (closed !== undefined && closed.atMs < dueMs - view.slackMs) {
          const observed = `it closed after ${closed.atMs - opened.atMs} ms`;
          exercised = true;
          findings.push(finding(clause, `a handshake has ${timeoutMs} ms`, observed, closed.event));
        } else if ((closed?.atMs ?? view.trace.endMs) > dueMs + view.reactionMs) {
          const observed = closed === undefined ? 'the connection stays' : `it closed after ${closed.atMs - opened.atMs} ms`;
          findings.push(finding(clause, `the node closes ${timeoutMs} ms after the connection was opened`, observed, opened.event));
        }
      }
      return { findings, exercised };
    },
  };
}

/** Whether the kit did something on the link that ends a handshake by itself. */
function isSpoiled(view: SessionView, link: LinkView): boolean {
  const defect = handshakeOn(view, link)?.defect;
  if (defect !== undefined && defect.kind !== 'stopAfter') return true;
  return view.trace.events.some((event) => event.type === 'step' && event.value.op === 'raw' && event.value.link === link.link);
}

/** Where the limit of half-open connections is reached, a new inbound one is refused or closed; below it none is. Spec: SES-010, SES-011. */
export function limitsHalfOpen(clause: 'SES-010' | 'SES-011'): SessionRule {
  return {
    clauses: [clause],
    judge: (view) => {
      const findings: Finding[] = [];
      let exercised = false;
      const perAddress = view.number('session.half_open_per_address_max');
      const total = view.number('session.half_open_max');
      const refused = new Set<LinkView>();
      for (const link of view.links) {
        if (link.direction !== 'inbound') continue;
        const open = view.links.filter((other) => other !== link && !refused.has(other) && isHalfOpenAt(other, link.opened.event));
        const address = addressOf(view, link);
        const fromAddress = open.filter((other) => addressOf(view, other) === address);
        const isFull = fromAddress.length >= perAddress || open.length >= total;
        if (isFull) {
          refused.add(link);
          const decides = clause === 'SES-010' ? fromAddress.length >= perAddress : open.length >= total && fromAddress.length < perAddress;
          if (!decides) continue;
          exercised = true;
          const missing = notClosedInTime(view, link, link.opened);
          const most = clause === 'SES-010' ? `${perAddress} half-open connections of its address` : `${total} half-open connections`;
          if (missing !== undefined)
            findings.push(finding(clause, `beside ${most} a new one is refused or closed`, missing, link.opened.event));
        } else if (link.closed?.by === 'node' && diesYoung(view, link)) {
          findings.push(finding(clause, 'there is room for this connection', 'the node refused or closed it', link.closed.event));
        }
      }
      return { findings, exercised };
    },
  };
}

function addressOf(view: SessionView, link: LinkView): string | undefined {
  const step = view.trace.events[link.opened.event];
  return link.address ?? (step?.type === 'step' && step.value.op === 'open' ? step.value.address : undefined);
}

function isHalfOpenAt(link: LinkView, event: number): boolean {
  return (
    link.mode === 'raw' &&
    link.direction === 'inbound' &&
    link.opened.event < event &&
    incompleteUntil(link) > event &&
    (link.closed?.event ?? Number.POSITIVE_INFINITY) > event
  );
}

/** Whether the node closed a link that gave no reason: no slow handshake, no defect, no session. */
function diesYoung(view: SessionView, link: LinkView): boolean {
  const { closed, session, opened } = link;
  if (closed === undefined || session !== undefined || isSpoiled(view, link)) return false;
  return closed.atMs < opened.atMs + view.number('session.handshake_timeout_ms') - view.slackMs && closedWithoutCause(view, link);
}

/** Every handshake of the node has its own ephemeral key. Spec: SES-004. */
export const freshEphemerals: SessionRule = {
  clauses: ['SES-004'],
  judge: (view) => {
    const seen = new Map<string, number>();
    const findings: Finding[] = [];
    let count = 0;
    for (const link of view.links) {
      const first = link.messages.find(({ role }) => role === 'handshake1' || role === 'handshake2');
      if (first === undefined || first.bytes.length < 64) continue;
      count += 1;
      const key = first.bytes.slice(0, 64);
      const before = seen.get(key);
      if (before !== undefined) {
        const observed = `the key of link ${before} again`;
        findings.push(finding('SES-004', 'a fresh ephemeral key in every handshake', observed, link.opened.event));
      }
      seen.set(key, link.link);
    }
    return { findings, exercised: count >= 2 };
  },
};

/** Before a handshake is complete the node sends handshake messages only, each in its turn. Spec: SES-012. */
export const onlyHandshakeMessages: SessionRule = {
  clauses: ['SES-012'],
  judge: (view) => {
    const findings: Finding[] = [];
    let exercised = false;
    for (const link of view.links) {
      if (link.mode !== 'raw' || sentRawBytes(view, link)) continue;
      exercised ||= link.messages.length > 0 || handshakeOn(view, link) === undefined;
      const from = incompleteUntil(link);
      view.trace.events.forEach((event, index) => {
        if (index >= from || !('link' in event) || event.link !== link.link) return;
        const isForeign = event.type === 'frame' || (event.type === 'message' && event.role === 'unreadable');
        if (isForeign)
          findings.push(finding('SES-012', 'handshake messages only', 'another message before the handshake was complete', index));
      });
    }
    return { findings, exercised };
  },
};

function sentRawBytes(view: SessionView, link: LinkView): boolean {
  return view.trace.events.some((event) => event.type === 'step' && event.value.op === 'raw' && event.value.link === link.link);
}

/** Every WebSocket message of the node is one Noise message that opens. Spec: WIR-009. */
export const oneNoiseMessageEach: SessionRule = {
  clauses: ['WIR-009'],
  judge: (view) => {
    const findings: Finding[] = [];
    let exercised = false;
    for (const link of view.links) {
      if (link.mode !== 'raw' || link.session === undefined) continue;
      const from = link.session.event;
      exercised ||= link.outputs.length > 0;
      view.trace.events.forEach((event, index) => {
        if (index < from || event.type !== 'message' || event.link !== link.link || event.role !== 'unreadable') return;
        findings.push(finding('WIR-009', 'one Noise message in each WebSocket message', 'a message that does not open', index));
      });
    }
    return { findings, exercised };
  },
};

/** The first message of a node that dialled has 32 bytes. Spec: SES-002. */
export const shortFirstMessage: SessionRule = {
  clauses: ['SES-002'],
  judge: (view) => {
    const findings: Finding[] = [];
    let exercised = false;
    for (const link of view.links) {
      const first = link.direction === 'outbound' ? link.messages[0] : undefined;
      if (first === undefined) continue;
      exercised = true;
      const size = first.bytes.length / 2;
      if (size !== 32) findings.push(finding('SES-002', 'message 1 of 32 bytes', `${size} bytes`, link.opened.event));
    }
    return { findings, exercised };
  },
};

/** Which clause the bytes break that a plan sends in place of message 1; undefined when a node can take them. */
export type FirstMessageClause = (step: Extract<Step, { op: 'raw' }>) => string | undefined;

/** What cannot be a message 1 ends the connection in time, and the node says nothing. */
export function refusesFirstMessages(clauses: readonly string[], clauseOf: FirstMessageClause): SessionRule {
  return {
    clauses,
    judge: (view) => {
      const findings: Finding[] = [];
      let exercised = false;
      for (const link of view.links) {
        if (link.mode !== 'raw' || link.direction !== 'inbound' || handshakeOn(view, link) !== undefined) continue;
        const event = view.trace.events.findIndex((one) => one.type === 'step' && one.value.op === 'raw' && one.value.link === link.link);
        const step = view.trace.events[event];
        if (step?.type !== 'step' || step.value.op !== 'raw' || !wasSent(view, link, step.step)) continue;
        const clause = clauseOf(step.value);
        if (clause === undefined) continue;
        exercised = true;
        const missing = notClosedInTime(view, link, step);
        if (missing !== undefined) findings.push(finding(clause, `the node closes within ${view.reactionMs} ms`, missing, event));
        const words = wordsAfter(view, link, event);
        if (words !== undefined) findings.push(finding(clause, 'the node closes without a message', words.what, words.event));
      }
      return { findings, exercised };
    },
  };
}

function wasSent(view: SessionView, link: LinkView, step: number): boolean {
  return !view.trace.events.some((event) => event.type === 'notSent' && event.link === link.link && event.step === step);
}
