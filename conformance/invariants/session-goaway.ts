/** GoAway from the kit: the node falls silent, ends the connection, and waits before it dials again. */
import { frameRule } from '../model/frame.ts';
import { lastNumber, readFields } from '../model/protobuf.ts';
import type { Finding } from '../runner/check.ts';
import { finding, type SessionRule } from './session-judge.ts';
import type { Input, LinkView, SessionView } from './session-view.ts';
import { closedBefore, notClosedInTime } from './wire-close.ts';

/** The GoAway that the kit sent on a link, with the pause that counts. */
function goAwayOf(
  view: SessionView,
  link: LinkView,
): { readonly input: Input; readonly code: number; readonly untilMs: number; readonly asked: bigint } | undefined {
  const input = link.inputs.find(({ outcome }) => outcome.type === 'end');
  if (input?.frame === undefined || closedBefore(link, input) || frameRule(input.frame.kind)?.name !== 'GoAway') return undefined;
  const fields = readFields(input.frame.body).fields ?? [];
  const asked = lastNumber(fields, 2);
  const most = view.number('session.goaway_retry_ms_max');
  const pauseMs = asked > BigInt(most) ? most : Number(asked);
  return { input, code: Number(lastNumber(fields, 1)), untilMs: input.atMs + pauseMs, asked };
}

/** A node that receives a GoAway sends nothing more and ends the connection. `chosen` narrows by code. Spec: SES-070, SES-073. */
export function endsOnGoAway(clause: string, chosen: (code: number) => boolean = () => true): SessionRule {
  return {
    clauses: [clause],
    judge: (view) => {
      const findings: Finding[] = [];
      let exercised = false;
      for (const link of view.links) {
        const goAway = goAwayOf(view, link);
        if (goAway === undefined || !chosen(goAway.code)) continue;
        exercised = true;
        const { input } = goAway;
        const later = link.outputs.find(({ event, atMs }) => event > input.event && atMs >= input.atMs + view.slackMs);
        if (later !== undefined) {
          findings.push(finding(clause, 'no frame after the GoAway was received', `a frame of kind ${later.frame.kind}`, later.event));
        }
        const missing = notClosedInTime(view, link, input);
        if (missing !== undefined)
          findings.push(finding(clause, `the node ends the connection within ${view.reactionMs} ms`, missing, input.event));
      }
      return { findings, exercised };
    },
  };
}

/** No dial to the address of a peer before the pause that its GoAway asked for is over. Spec: SES-071. */
export const waitsToDial: SessionRule = {
  clauses: ['SES-071'],
  judge: (view) => {
    const findings: Finding[] = [];
    let exercised = false;
    for (const link of view.links) {
      const goAway = goAwayOf(view, link);
      if (goAway === undefined || link.direction !== 'outbound' || link.address === undefined) continue;
      const { input, untilMs } = goAway;
      exercised ||= connectsTo(view, link.address).some(({ atMs }) => atMs > input.atMs && atMs < untilMs);
      view.trace.events.forEach((event, index) => {
        if (event.type !== 'dial' || event.address !== link.address || index < input.event || event.atMs >= untilMs - view.slackMs) return;
        findings.push(finding('SES-071', `no dial for ${untilMs - input.atMs} ms`, `a dial after ${event.atMs - input.atMs} ms`, index));
      });
    }
    return { findings, exercised };
  },
};

/** Once the pause is over, a node that is asked to connect dials again. `chosen` narrows by the pause asked for, in milliseconds. */
export function dialsAgain(clause: string, chosen: (askedMs: bigint, mostMs: bigint) => boolean): SessionRule {
  return {
    clauses: [clause],
    judge: (view) => {
      const findings: Finding[] = [];
      let exercised = false;
      for (const link of view.links) {
        const goAway = goAwayOf(view, link);
        if (goAway === undefined || link.direction !== 'outbound' || link.address === undefined) continue;
        const { asked, untilMs } = goAway;
        if (!chosen(asked, BigInt(view.number('session.goaway_retry_ms_max')))) continue;
        const connect = connectsTo(view, link.address).find(({ atMs }) => atMs >= untilMs);
        if (connect === undefined || view.trace.endMs < connect.atMs + view.reactionMs) continue;
        exercised = true;
        const dials = view.trace.events.some(
          (event) =>
            event.type === 'dial' &&
            event.address === link.address &&
            event.atMs >= untilMs &&
            event.atMs <= connect.atMs + view.reactionMs,
        );
        if (!dials) findings.push(finding(clause, `a dial once ${untilMs - goAway.input.atMs} ms have passed`, 'none', connect.event));
      }
      return { findings, exercised };
    },
  };
}

function connectsTo(view: SessionView, address: string): readonly { readonly atMs: number; readonly event: number }[] {
  return view.trace.events.flatMap((event, index) =>
    event.type === 'step' && event.value.op === 'connect' && event.value.address === address ? [{ atMs: event.atMs, event: index }] : [],
  );
}
