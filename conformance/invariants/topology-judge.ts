/** Puts rules over a `TopologyView` together into the judge of a check, and says what explains the end of a session. */
import type { Hex } from '../driver/plan.ts';
import type { Trace } from '../driver/trace.ts';
import type { Judgement } from '../runner/check.ts';
import type { Rule } from './rule.ts';
import { type TopologySession, type TopologyView, viewTopology } from './topology-view.ts';

export type TopologyRule = Rule<TopologyView>;

/** A judge that asks all rules; the trace counts as exercised when every rule of `decisive` is. */
export function judgeTopology(decisive: readonly TopologyRule[], others: readonly TopologyRule[] = []): (trace: Trace) => Judgement {
  return (trace) => {
    const view = viewTopology(trace);
    const results = decisive.map((rule) => rule.judge(view));
    const all = [...results, ...others.map((rule) => rule.judge(view))];
    return { findings: all.flatMap((result) => result.findings), exercised: results.every((result) => result.exercised) };
  };
}

/** The clauses that a list of rules can name, each once, in their order. */
export function clausesOf(...rules: readonly TopologyRule[]): readonly string[] {
  return [...new Set(rules.flatMap((rule) => rule.clauses))];
}

/** Milliseconds that sessions with a peer have lasted before an event. */
export function uptimeMs(view: TopologyView, peerId: Hex, event: number): number {
  const nowMs = view.trace.events[event]?.atMs ?? 0;
  return view.sessions
    .filter((session) => session.peerId === peerId && session.up.event < event)
    .reduce((sum, { up, end }) => sum + (end === undefined || end.event > event ? nowMs : end.atMs) - up.atMs, 0);
}

/** Whether chapter 04 or a ban ends a session: another one with the same peer, or the operator's word. */
export function hasOtherCause(view: TopologyView, session: TopologySession): boolean {
  const { end, peerId } = session;
  if (end === undefined) return false;
  const fromMs = end.atMs - view.reactionMs;
  const replaced = view.sessions.some(
    (other) =>
      other !== session &&
      other.peerId === peerId &&
      Math.abs(other.up.atMs - end.atMs) <= view.reactionMs &&
      other.up.event > session.up.event,
  );
  const banned = view.commands.some(
    (command) => command.name === 'ban' && command.peerId === peerId && command.event < end.event && command.atMs >= fromMs,
  );
  return replaced || banned || view.isBanned(peerId, session.up.event) !== false;
}
