/** Answers: every Ping that passes gets its Pong, no other does, and links that did nothing wrong are served. */
import { hex } from '../model/bytes.ts';
import { lastBytes, readFields, type WireField } from '../model/protobuf.ts';
import type { Finding } from '../runner/check.ts';
import { closedWithoutCause } from './session-cause.ts';
import { finding, type SessionRule } from './session-judge.ts';
import type { Input, LinkView, Output, SessionView } from './session-view.ts';

/** What became of a Ping of the kit: `unknown` when the session ended for a reason, or the trace does. */
export type Answer = 'answered' | 'late' | 'misaddressed' | 'missing' | 'unknown';

/** What became of the Ping `input` on `link`. */
export function answerTo(view: SessionView, link: LinkView, input: Input): Answer {
  if (input.outcome.type !== 'answer') return 'unknown';
  const { nonce } = input.outcome;
  const dueMs = input.atMs + view.number('session.pong_answer_ms_max') + view.slackMs;
  const withNonce = link.outputs.filter((output) => output.event > input.event && pongNonce(output) === nonce);
  const pong = withNonce.find(({ frame }) => frame.requestId === input.frame?.requestId);
  if (pong !== undefined) return pong.atMs <= dueMs ? 'answered' : 'late';
  const { closed } = link;
  if (closed !== undefined && closed.atMs <= dueMs) return closed.by === 'node' && closedWithoutCause(view, link) ? 'missing' : 'unknown';
  if (link.inputs.some((other) => other.order > input.order && mayHaveEnded(other) && other.atMs <= dueMs)) return 'unknown';
  if (link.inputs.some((other) => other.order < input.order && other.outcome.type === 'either') && closed !== undefined) return 'unknown';
  // Equal nonces are told apart by their ids: a Pong under an id that nobody asked with is the answer gone astray.
  const isStray = withNonce.some(
    ({ frame }) => !link.inputs.some((other) => other.frame?.kind === 2 && other.frame.requestId === frame.requestId),
  );
  if (isStray) return 'misaddressed';
  return view.trace.endMs >= dueMs ? 'missing' : 'unknown';
}

function mayHaveEnded({ outcome }: Input): boolean {
  return outcome.type === 'close' || outcome.type === 'end';
}

function pongNonce({ frame }: Output): string | undefined {
  return frame.body?.type === 'Pong' ? frame.body.nonce : undefined;
}

/** Which clause to name for each way of failing to answer a Ping. */
export interface PongClauses {
  readonly missing: string;
  readonly misaddressed: string;
  readonly late: string;
}

const PONG_CLAUSES: PongClauses = { missing: 'SES-050', misaddressed: 'WIR-033', late: 'SES-051' };

/** Every Ping that the buckets let pass is answered: with its nonce (SES-050), its request id (WIR-033), in time (SES-051). */
export function answersPings(names: PongClauses = PONG_CLAUSES): SessionRule {
  return {
    clauses: [...new Set([names.missing, names.misaddressed, names.late])],
    judge: (view) => {
      const findings: Finding[] = [];
      let exercised = false;
      for (const link of view.links) {
        for (const input of link.inputs) {
          if (input.outcome.type !== 'answer') continue;
          const answer = answerTo(view, link, input);
          exercised ||= answer !== 'unknown';
          const about = pongFault(names, answer);
          if (about === undefined) continue;
          findings.push(
            finding(
              about.clause,
              `a Pong with nonce ${input.outcome.nonce} and request id ${input.frame?.requestId}`,
              about.observed,
              input.event,
            ),
          );
        }
      }
      return { findings, exercised };
    },
  };
}

function pongFault(names: PongClauses, answer: Answer): { readonly clause: string; readonly observed: string } | undefined {
  if (answer === 'missing') return { clause: names.missing, observed: 'no such Pong in time' };
  if (answer === 'misaddressed') return { clause: names.misaddressed, observed: 'a Pong with the nonce under another request id' };
  if (answer === 'late') return { clause: names.late, observed: 'a Pong that came too late' };
  return undefined;
}

/** A Ping that is an overrun gets no Pong. Spec: SES-061. */
export function leavesOverruns(clause: string = 'SES-061'): SessionRule {
  return {
    clauses: [clause],
    judge: (view) => {
      const findings: Finding[] = [];
      let exercised = false;
      for (const link of view.links) {
        for (const input of link.inputs) {
          if (input.outcome.type !== 'ignore' || input.outcome.clause !== 'SES-061') continue;
          exercised = true;
          if (input.frame?.kind !== 2) continue;
          const { requestId } = input.frame;
          // Pings of the same id that pass account for as many Pongs.
          const passing = link.inputs.filter(
            ({ outcome, frame }) => outcome.type !== 'ignore' && frame?.kind === 2 && frame.requestId === requestId,
          ).length;
          const pong = link.outputs.filter(({ frame }) => frame.kind === 4 && frame.requestId === requestId)[passing];
          if (pong !== undefined)
            findings.push(finding(clause, 'a Ping that the buckets do not let pass is ignored', 'a Pong for it', pong.event));
        }
      }
      return { findings, exercised };
    },
  };
}

/**
 * Links whose peer's label begins with `prefix` did nothing wrong: their handshakes succeed, their
 * sessions are not closed, and their Pings are answered. Exercised when each of them was seen served.
 */
export function serves(prefix: string, clause: string): SessionRule {
  return {
    clauses: [clause],
    judge: (view) => {
      const findings: Finding[] = [];
      const links = view.links.filter((link) => link.label.startsWith(prefix));
      let served = 0;
      for (const link of links) {
        const fault = unserved(view, link);
        if (fault !== undefined)
          findings.push(finding(clause, `the session with ${link.label}, which did nothing wrong, is served`, fault.observed, fault.at));
        else if (link.inputs.some((input) => answerTo(view, link, input) === 'answered')) served += 1;
      }
      return { findings, exercised: links.length > 0 && served === links.length };
    },
  };
}

function unserved(view: SessionView, link: LinkView): { readonly observed: string; readonly at: number } | undefined {
  const { closed, session } = link;
  if (session === undefined) {
    if (closed?.by !== 'node') return undefined;
    return { observed: `its connection was closed${closed.code === undefined ? '' : ` (${closed.code})`}`, at: closed.event };
  }
  if (closed !== undefined && closedWithoutCause(view, link)) {
    return { observed: `it was closed${closed.code === undefined ? '' : ` (${closed.code})`}`, at: closed.event };
  }
  const missing = link.inputs.find((input) => ['missing', 'late', 'misaddressed'].includes(answerTo(view, link, input)));
  return missing === undefined ? undefined : { observed: 'a Ping was not answered', at: missing.event };
}

/** A chosen input does no harm: the session is not closed for it and a Ping behind it is answered. `clause` names the findings. */
export function goesOnAfter(clause: string, chosen: (input: Input, link: LinkView) => boolean): SessionRule {
  return {
    clauses: [clause],
    judge: (view) => {
      const findings: Finding[] = [];
      let exercised = false;
      for (const link of view.links) {
        const input = link.inputs.find((one) => chosen(one, link));
        if (input === undefined) continue;
        const { closed } = link;
        if (closed !== undefined && closed.event > input.event && closedWithoutCause(view, link)) {
          exercised = true;
          findings.push(
            finding(clause, 'the session goes on', `the node closed${closed.code === undefined ? '' : ` (${closed.code})`}`, closed.event),
          );
          continue;
        }
        for (const later of link.inputs) {
          if (later.order < input.order || later.outcome.type !== 'answer') continue;
          const answer = answerTo(view, link, later);
          exercised ||= answer === 'answered' || answer === 'missing';
          if (answer === 'missing')
            findings.push(finding(clause, 'the session goes on and the Ping behind is answered', 'no Pong', later.event));
        }
      }
      return { findings, exercised };
    },
  };
}

/** Where a Ping's nonce also stands in another wire type, a Pong carries the right one or does not come. Spec: WIR-050. */
export const takesNoMistypedValue: SessionRule = takesOnlyTheNonce('WIR-050', ({ number, wireType }) => number === 1 && wireType !== 2);

/** Where a nonce stands inside a group, it is none of the Ping's. Spec: WIR-049. */
export const takesNothingFromGroups: SessionRule = takesOnlyTheNonce('WIR-049', ({ wireType }) => wireType === 3);

/** Pings with a field of a kind: a Pong to one carries the nonce that counts, or does not come. */
function takesOnlyTheNonce(clause: string, concerns: (field: WireField) => boolean): SessionRule {
  return {
    clauses: [clause],
    judge: (view) => {
      const findings: Finding[] = [];
      let exercised = false;
      for (const link of view.links) {
        for (const { outcome, frame } of link.inputs) {
          if (frame?.kind !== 2 || (outcome.type !== 'either' && outcome.type !== 'close')) continue;
          const fields = readFields(frame.body).fields;
          if (fields === undefined || !fields.some(concerns)) continue;
          exercised = true;
          const right = hex(lastBytes(fields, 1));
          const pong = link.outputs.find((output) => output.frame.requestId === frame.requestId && pongNonce(output) !== undefined);
          if (pong === undefined || pongNonce(pong) === right) continue;
          const expected = right === '' ? 'no Pong' : `a Pong with nonce ${right}, or none`;
          findings.push(finding(clause, expected, `a Pong with nonce ${pongNonce(pong)}`, pong.event));
        }
      }
      return { findings, exercised };
    },
  };
}

/** Chooses the inputs that a clause says to ignore. */
export function ignoredBy(clause: string): (input: Input) => boolean {
  return ({ outcome }) => outcome.type === 'ignore' && outcome.clause === clause;
}
