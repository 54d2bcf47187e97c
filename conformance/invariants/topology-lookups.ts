/** What a node does about peers that it has to reach and of which it knows the id alone. */
import type { Hex } from '../driver/plan.ts';
import { saidBy, textIn } from '../driver/seen.ts';
import type { Trace } from '../driver/trace.ts';
import type { Finding } from '../runner/check.ts';
import type { TopologyRule } from './topology-judge.ts';
import { hostOf, type TopologyCommand, type TopologyView } from './topology-view.ts';

/** Time for a lookup whose questions are answered at once. */
const LOOKUP_MS = 2_000;

/** When the node first had a session with a peer of the table that lasts to the end: somebody to ask. */
export function canAskSince(trace: Trace): number {
  const up = trace.events.find(
    (event) =>
      event.type === 'sessionUp' &&
      event.capabilities.includes('dht/1') &&
      !trace.events.some((other) => other.type === 'closed' && other.link === event.link),
  );
  return up?.atMs ?? Number.POSITIVE_INFINITY;
}

/** When a peer first answered a question by datagram from a moment on, and where: then the table knows it. */
export function answeredAt(trace: Trace, peerId: Hex): { readonly atMs: number; readonly host: string } | undefined {
  for (const event of trace.events) {
    if (event.type === 'sentDatagram' && event.datagram.proof?.peerId === peerId) return { atMs: event.atMs, host: hostOf(event.from) };
  }
  return undefined;
}

/** From when on a protected peer is one to be looked up: at once without an address, else when a dial has failed. */
function lostMs(view: TopologyView, { addresses, event, atMs }: TopologyCommand): number {
  if (addresses.length === 0) return atMs;
  const failed = view.dials.find((dial) => addresses.includes(dial.address) && dial.event > event && dial.end?.isOpen === false);
  return failed?.end?.atMs ?? Number.POSITIVE_INFINITY;
}

/** When a session with a peer stood again; the end of the trace if none did. */
function reachedMs(view: TopologyView, peerId: Hex, fromMs: number): number {
  const session = view.sessions.find((one) => one.peerId === peerId && one.up.atMs >= fromMs);
  return Math.min(session?.up.atMs ?? Number.POSITIVE_INFINITY, view.trace.endMs);
}

/** A protected peer that cannot be reached is looked up, and again in each `topology.want_ms`, as long as the table does not know it. Spec: TOP-054 */
export const looksUpTheLost: TopologyRule = {
  clauses: ['TOP-054'],
  judge: (view) => {
    const findings: Finding[] = [];
    let exercised = false;
    const mostMs = view.number('want_ms') + 2 * view.number('round_ms') + view.slackMs;
    for (const command of view.commands.filter(({ name }) => name === 'protect')) {
      const { peerId, event } = command;
      const fromMs = Math.max(lostMs(view, command), canAskSince(view.trace));
      if (fromMs >= view.trace.endMs) continue;
      exercised = true;
      const untilMs = Math.min(reachedMs(view, peerId, fromMs), answeredAt(view.trace, peerId)?.atMs ?? Number.POSITIVE_INFINITY);
      const asked = view.trace.events.flatMap((other) => {
        const question = saidBy('node', other, 'FindNode');
        return question !== undefined && textIn(question, 'target') === peerId ? [other.atMs] : [];
      });
      const moments = [fromMs, ...asked.filter((ms) => ms >= fromMs && ms < untilMs), untilMs];
      moments.forEach((ms, index) => {
        const before = moments[index - 1] ?? ms;
        if (ms - before <= mostMs) return;
        findings.push({
          clause: 'TOP-054',
          expected: `a FindNode for the protected peer within ${mostMs} ms`,
          observed: `none from ${before} to ${ms} ms`,
          at: event,
        });
      });
    }
    return { findings, exercised };
  },
};

/** Where a lookup finds a protected peer it is dialled, when the pause after the last failure is over. Spec: TOP-044 */
export const dialsWhatItFinds: TopologyRule = {
  clauses: ['TOP-044'],
  judge: (view) => {
    const findings: Finding[] = [];
    let exercised = false;
    const restMs = view.number('want_ms') + view.number('backoff_ms_max');
    const withinMs = LOOKUP_MS + restMs + 2 * view.number('round_ms') + view.slackMs;
    for (const command of view.commands.filter(({ name }) => name === 'protect')) {
      const answer = answeredAt(view.trace, command.peerId);
      if (answer === undefined) continue;
      const foundMs = Math.max(answer.atMs, lostMs(view, command), canAskSince(view.trace));
      if (foundMs + withinMs > view.trace.endMs || reachedMs(view, command.peerId, answer.atMs) < foundMs) continue;
      exercised = true;
      if (view.dials.some(({ address, atMs }) => hostOf(address) === answer.host && atMs <= foundMs + withinMs)) continue;
      findings.push({
        clause: 'TOP-044',
        expected: `a dial to ${answer.host}, where the protected peer was found, within ${withinMs} ms`,
        observed: 'none',
        at: command.event,
      });
    }
    return { findings, exercised };
  },
};
