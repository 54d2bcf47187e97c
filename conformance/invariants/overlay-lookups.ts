/** What a node does about targets of which it knows the id alone. Spec: OVL-061 */
import { saidBy, textIn } from '../driver/seen.ts';
import type { Finding } from '../runner/check.ts';
import { claimsOf } from './overlay-route.ts';
import type { OverlayView } from './overlay-view.ts';
import type { Rule } from './rule.ts';
import { answeredAt, canAskSince } from './topology-lookups.ts';
import { hostOf } from './topology-view.ts';

/** A target of which nothing is known is asked for in the table, and dialled where the table finds it. */
export const targetsAreLookedUp: Rule<OverlayView> = {
  clauses: ['OVL-061'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const { trace } = view;
    const withinMs = view.number('session.reaction_ms_max') + view.slackMs;
    trace.events.forEach((event, at) => {
      if (event.type !== 'sentCommand' || event.command !== 'overlay.send' || event.atMs + 2 * withinMs > trace.endMs) return;
      const [to = ''] = event.args;
      if (claimsOf(view, to, at).addresses > 0 || canAskSince(trace) > event.atMs) return;
      exercised = true;
      const short = to.slice(0, 8);
      const answer = answeredAt(trace, to);
      const isAsked = trace.events.some((other, index) => {
        const asked = index > at && other.atMs <= event.atMs + withinMs ? saidBy('node', other, 'FindNode') : undefined;
        return asked !== undefined && textIn(asked, 'target') === to;
      });
      // A target that has answered before is in the table already.
      if (!isAsked && (answer === undefined || answer.atMs > event.atMs)) {
        findings.push({ clause: 'OVL-061', expected: `a FindNode for ${short} within ${withinMs} ms`, observed: 'none', at });
      }
      if (answer === undefined) return;
      const dueMs = Math.max(answer.atMs, event.atMs) + 2 * withinMs;
      const isDialled = view.dials.some((dial) => hostOf(dial.address) === answer.host && dial.event > at && dial.atMs <= dueMs);
      if (dueMs > trace.endMs || isDialled) return;
      findings.push({ clause: 'OVL-061', expected: `a dial to ${answer.host}, where ${short} was found`, observed: 'none', at });
    });
    return { findings, exercised };
  },
};
