/** GoAway from the kit: the node falls silent, ends the connection, and waits before it dials again. */
import { frameRule } from '../model/frame.ts';
import { lastNumber, readFields } from '../model/protobuf.ts';
import type { Finding } from '../runner/check.ts';
import { finding, type SessionRule } from './session-judge.ts';
import type { Input, LinkView, Output, SessionView } from './session-view.ts';
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
        const later = link.outputs.find(
          (output) => output.event > input.event && output.atMs >= input.atMs + view.slackMs && !answersBefore(link, input, output),
        );
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

/** Whether a frame is the Pong for a Ping that stood before the GoAway. */
function answersBefore(link: LinkView, goAway: Input, { frame }: Output): boolean {
  return (
    frame.kind === 4 &&
    link.inputs.some(
      ({ order, outcome, frame: asked }) => order < goAway.order && outcome.type === 'answer' && asked?.requestId === frame.requestId,
    )
  );
}

/** A pause that a GoAway asked for, and the addresses at which its peer is dialled. */
interface Pause {
  readonly fromEvent: number;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly askedMs: bigint;
  readonly addresses: ReadonlySet<string>;
}

function pausesIn(view: SessionView): readonly Pause[] {
  return view.links.flatMap((link): readonly Pause[] => {
    const goAway = goAwayOf(view, link);
    if (goAway === undefined) return [];
    const addresses = new Set(connectsIn(view).flatMap(({ address, expected }) => (expected === link.label ? [address] : [])));
    const dialled = link.direction === 'outbound' ? addressDialled(view, link) : undefined;
    if (dialled !== undefined) addresses.add(dialled);
    const { input, untilMs, asked } = goAway;
    return addresses.size === 0 ? [] : [{ fromEvent: input.event, fromMs: input.atMs, untilMs, askedMs: asked, addresses }];
  });
}

/** The address of the newest dial before an outbound link. */
export function addressDialled(view: SessionView, link: LinkView): string | undefined {
  const dial = view.trace.events.findLast((event, index) => event.type === 'dial' && index < link.opened.event);
  return dial?.type === 'dial' ? dial.address : undefined;
}

interface Connect {
  readonly atMs: number;
  readonly address: string;
  readonly expected: string | undefined;
}

function connectsIn(view: SessionView): readonly Connect[] {
  return view.trace.events.flatMap((event) =>
    event.type === 'step' && event.value.op === 'connect'
      ? [{ atMs: event.atMs, address: event.value.address, expected: event.value.expected }]
      : [],
  );
}

/** No dial to the address of a peer before the pause that its GoAway asked for is over. Spec: SES-071. */
export const waitsToDial: SessionRule = {
  clauses: ['SES-071'],
  judge: (view) => {
    const findings: Finding[] = [];
    let exercised = false;
    for (const { fromEvent, fromMs, untilMs, addresses } of pausesIn(view)) {
      exercised ||= connectsIn(view).some(({ atMs, address }) => addresses.has(address) && atMs > fromMs && atMs < untilMs);
      view.trace.events.forEach((event, index) => {
        if (event.type !== 'dial' || !addresses.has(event.address) || index < fromEvent || event.atMs >= untilMs - view.slackMs) return;
        findings.push(finding('SES-071', `no dial for ${untilMs - fromMs} ms`, `a dial after ${event.atMs - fromMs} ms`, index));
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
      const most = BigInt(view.number('session.goaway_retry_ms_max'));
      for (const { askedMs, fromMs, untilMs, addresses } of pausesIn(view)) {
        if (!chosen(askedMs, most)) continue;
        const connect = connectsIn(view).find(({ atMs, address }) => addresses.has(address) && atMs >= untilMs);
        if (connect === undefined || view.trace.endMs < connect.atMs + view.reactionMs) continue;
        exercised = true;
        const dials = view.trace.events.some(
          (event) =>
            event.type === 'dial' && addresses.has(event.address) && event.atMs >= untilMs && event.atMs <= connect.atMs + view.reactionMs,
        );
        if (!dials) findings.push(finding(clause, `a dial once ${untilMs - fromMs} ms have passed`, 'none', view.trace.events.length - 1));
      }
      return { findings, exercised };
    },
  };
}
