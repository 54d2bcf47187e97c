/** Closing: on what has to be closed, in time, and nothing behind it acted upon. */
import { ErrorCode } from '../../proto/gen/carillon/v1/common_pb.ts';
import { decodeBody } from '../model/bodies.ts';
import { utf8 } from '../model/bytes.ts';
import type { Finding } from '../runner/check.ts';
import { finding, type SessionRule } from './session-judge.ts';
import type { Input, LinkView, Output, SessionView } from './session-view.ts';
import { answerTo } from './wire-pong.ts';

/**
 * Each input that has to close by one of `clauses` ends the connection within the reaction time. Another
 * code than the clause's is a variant (CNV-011 has its own rule). `named` names all findings instead.
 */
export function closesOn(clauses: readonly string[], named?: string): SessionRule {
  return {
    clauses: named === undefined ? clauses : [named],
    judge: (view) => {
      const findings: Finding[] = [];
      let exercised = false;
      let variant: string | undefined;
      for (const link of view.links) {
        const input = link.inputs.find(({ outcome }) => outcome.type === 'close' && clauses.includes(outcome.clause));
        if (input === undefined || input.outcome.type !== 'close' || closedBefore(link, input)) continue;
        exercised = true;
        const { clause, code } = input.outcome;
        const missing = notClosedInTime(view, link, input);
        if (missing !== undefined) {
          findings.push(finding(named ?? clause, `the node closes within ${view.reactionMs} ms (${code})`, missing, input.event));
        } else {
          const told = toldCode(link);
          if (told !== undefined && told !== code) variant ??= `${clause}: closed with ${told} where the clause names ${code}`;
        }
      }
      return { findings, exercised, ...(variant === undefined ? {} : { variant }) };
    },
  };
}

/** Whether the link had come to its end before the input. */
export function closedBefore(link: LinkView, input: Input): boolean {
  return link.closed !== undefined && link.closed.event < input.event;
}

/** What is wrong when the node does not end the link in time after `input`; undefined when it does, or the trace ends too early to say. */
export function notClosedInTime(view: SessionView, link: LinkView, input: { readonly atMs: number }): string | undefined {
  const { closed } = link;
  const dueMs = input.atMs + view.reactionMs;
  if (closed?.by === 'node') return closed.atMs <= dueMs ? undefined : `it closed after ${closed.atMs - input.atMs} ms`;
  if (closed?.by === 'kit' && closed.atMs <= dueMs) return undefined;
  return view.trace.endMs >= dueMs ? 'the session went on' : undefined;
}

/** The code that the node gave: in a GoAway, or as the reason of its closing. */
export function toldCode(link: LinkView): string | undefined {
  const goAway = link.outputs.map(({ frame }) => frame.body).find((body) => body?.type === 'GoAway');
  if (goAway?.type === 'GoAway') return codeName(goAway.code);
  return link.closed?.by === 'node' ? link.closed.code : undefined;
}

/** The registry's name of a number; the number itself in text when it has none. */
export function codeName(code: number): string {
  return Object.entries(ErrorCode).find(([, value]) => value === code)?.[0] ?? `${code}`;
}

/** Where the spec lets the node either close or go on, it does one of the two: a Ping behind is answered, or the link ends. */
export function closesOrGoesOn(clause: string): SessionRule {
  return {
    clauses: [clause],
    judge: (view) => {
      const findings: Finding[] = [];
      let exercised = false;
      let variant: string | undefined;
      for (const link of view.links) {
        const input = link.inputs.find(({ outcome }) => outcome.type === 'either' && outcome.clause === clause);
        if (input === undefined || closedBefore(link, input)) continue;
        const closes = notClosedInTime(view, link, input) === undefined && link.closed?.by === 'node';
        const later = link.inputs.find(({ order, outcome }) => order > input.order && outcome.type === 'answer');
        const goesOn = later !== undefined && answerTo(view, link, later) === 'answered';
        exercised ||= closes || later !== undefined;
        if (closes) variant ??= `${clause}: closes`;
        else if (goesOn) variant ??= `${clause}: skips`;
        else if (later !== undefined && answerTo(view, link, later) === 'missing') {
          findings.push(finding(clause, 'the node closes, or goes on and answers the Ping behind', 'it did neither', input.event));
        }
      }
      return { findings, exercised, ...(variant === undefined ? {} : { variant }) };
    },
  };
}

/** No Ping that stands behind a closing frame in the same plaintext is answered; behind bytes that are no frame nothing is. Spec: WIR-036. */
export const actsOnNothingBehind: SessionRule = {
  clauses: ['WIR-036'],
  judge: (view) => {
    const findings: Finding[] = [];
    let exercised = false;
    for (const link of view.links) {
      for (const input of link.inputs) {
        if (closedBefore(link, input)) continue;
        const isBehind = input.outcome.type === 'behind' && input.outcome.together && (input.frame?.kind === 2 || input.frame?.kind === 32);
        const hidesMore = input.outcome.type === 'close' && input.frame === undefined && input.by !== 'raw';
        if (!isBehind && !hidesMore) continue;
        exercised = true;
        const taken = isBehind ? messageTaken(view, input) : undefined;
        if (taken !== undefined) {
          findings.push(
            finding('WIR-036', 'no frame behind the one that closes is acted upon', 'a message of a Push behind it was taken', taken),
          );
        }
        const pong = link.outputs.find((output) => output.event > input.event && output.frame.kind === 4 && answersNothing(link, output));
        if (pong === undefined) continue;
        findings.push(finding('WIR-036', 'no frame behind the one that closes is acted upon', 'a Pong for a Ping behind it', pong.event));
        break;
      }
    }
    return { findings, exercised };
  },
};

/** The event that shows that the node has taken a message of a Push: it delivers it, or passes it on. */
function messageTaken(view: SessionView, { frame }: Input): number | undefined {
  if (frame?.kind !== 32) return undefined;
  const body = decodeBody(frame.kind, frame.body, utf8(view.trace.networkId));
  const ids = body?.type === 'Push' ? body.items.map(({ envelope }) => envelope.id) : [];
  const event = view.trace.events.findIndex((one) => {
    if (one.type === 'deliver') return ids.includes(one.id);
    return (
      one.type === 'frame' && one.frame.body?.type === 'Push' && one.frame.body.items.some(({ envelope }) => ids.includes(envelope.id))
    );
  });
  return event === -1 ? undefined : event;
}

/** Whether a Pong belongs to no Ping that was there to be answered. */
function answersNothing(link: LinkView, { frame }: Output): boolean {
  return !link.inputs.some(
    ({ outcome, frame: asked }) => asked?.kind === 2 && asked.requestId === frame.requestId && outcome.type !== 'behind',
  );
}

/** After the GoAway of the node there is no other frame of it. Spec: CNV-012. */
export const nothingBehindGoAway: SessionRule = {
  clauses: ['CNV-012'],
  judge: (view) => {
    const findings: Finding[] = [];
    let exercised = false;
    for (const link of view.links) {
      exercised ||= link.closed?.by === 'node';
      const goAway = link.outputs.findIndex(({ frame }) => frame.kind === 6);
      if (goAway === -1) continue;
      const next = link.outputs[goAway + 1];
      if (next !== undefined) {
        findings.push(finding('CNV-012', 'no frame behind the GoAway', `a frame of kind ${next.frame.kind} behind it`, next.event));
      }
    }
    return { findings, exercised };
  },
};

/** The node ends the connection in time after its GoAway. Spec: CNV-013. */
export const endsAfterGoAway: SessionRule = {
  clauses: ['CNV-013'],
  judge: (view) => {
    const findings: Finding[] = [];
    let exercised = false;
    for (const link of view.links) {
      exercised ||= link.closed?.by === 'node';
      const goAway = link.outputs.find(({ frame }) => frame.kind === 6);
      if (goAway === undefined) continue;
      exercised = true;
      const missing = notClosedInTime(view, link, goAway);
      if (missing !== undefined)
        findings.push(finding('CNV-013', `the connection ends within ${view.reactionMs} ms`, missing, goAway.event));
    }
    return { findings, exercised };
  },
};

/** A GoAway of the node has a code that travels: 1 to 31. Spec: ERR-001, ERR-002. */
export const codesTravel: SessionRule = {
  clauses: ['ERR-001', 'ERR-002'],
  judge: (view) => {
    const findings: Finding[] = [];
    let exercised = false;
    for (const link of view.links) {
      // A node need not send a GoAway (CNV-011).
      exercised ||= link.closed?.by === 'node';
      for (const { event, frame } of link.outputs) {
        if (frame.body?.type !== 'GoAway') continue;
        const { code } = frame.body;
        if (code >= 32) findings.push(finding('ERR-001', 'a code below 32', `code ${code}`, event));
        if (code === 0) findings.push(finding('ERR-002', 'a code other than 0', 'code 0', event));
      }
    }
    return { findings, exercised };
  },
};

/** Where a session is closed with a code that travels, a GoAway says so. Spec: CNV-011 (SHOULD). */
export const tellsCode: SessionRule = {
  clauses: ['CNV-011'],
  judge: (view) => {
    const findings: Finding[] = [];
    let exercised = false;
    for (const link of view.links) {
      const input = link.inputs.find(({ outcome }) => outcome.type === 'close' && codeNumber(outcome.code) < 32);
      if (input === undefined || input.outcome.type !== 'close' || link.closed?.by !== 'node' || closedBefore(link, input)) continue;
      exercised = true;
      const { code } = input.outcome;
      const goAway = link.outputs.find(({ event, frame }) => event > input.event && frame.kind === 6);
      const told = goAway?.frame.body?.type === 'GoAway' ? codeName(goAway.frame.body.code) : undefined;
      if (told !== code)
        findings.push(finding('CNV-011', `a GoAway with ${code}`, told === undefined ? 'no GoAway' : `a GoAway with ${told}`, input.event));
    }
    return { findings, exercised };
  },
};

function codeNumber(name: string): number {
  return Object.entries(ErrorCode).find(([known]) => known === name)?.[1] ?? Number.POSITIVE_INFINITY;
}
