/** The node's own role: what it says, when it may move and when it has to. Spec: OVL-010 to OVL-019, OVL-060. */
import type { Finding } from '../runner/check.ts';
import { attachmentTurns, leavesAt, turnAt } from './overlay-attachments.ts';
import { type OverlayView, ROLES, roleOf } from './overlay-view.ts';
import type { Rule } from './rule.ts';

const startOf = (view: OverlayView): number => view.spans[0]?.fromMs ?? Number.POSITIVE_INFINITY;

/** Sessions of the node at a time. */
function sessionsAt(view: OverlayView, atMs: number): number {
  return view.spans.filter((span) => span.fromMs <= atMs && span.toMs > atMs).length;
}

/** Times at which the number of sessions changes. */
function changesOf(view: OverlayView, fromMs: number, toMs: number): readonly number[] {
  const times = view.spans.flatMap((span) => [span.fromMs, span.toMs]);
  return [fromMs, ...times.filter((atMs) => atMs > fromMs && atMs <= toMs)];
}

/** Bytes of Pushes, both ways, by their times; the header counts, so this is never too little. */
function carried(view: OverlayView, fromMs: number, toMs: number): number {
  let bytes = 0;
  for (const event of view.trace.events) {
    if ((event.type !== 'frame' && event.type !== 'sentFrame') || event.frame.kind !== 32) continue;
    if (event.atMs >= fromMs && event.atMs <= toMs) bytes += event.frame.raw.length / 2;
  }
  return bytes;
}

/** Whether the node can have been fit before a moment, taking all it measured as high as can be (OVL-013). */
function mayBeFit(view: OverlayView, untilMs: number): boolean {
  const beatMs = view.number('overlay.beat_ms');
  if (untilMs - startOf(view) + view.slackMs < view.number('overlay.uptime_ms_min')) return false;
  if (!changesOf(view, 0, untilMs).some((atMs) => sessionsAt(view, atMs) >= view.number('overlay.connections_min'))) return false;
  // A first beat is shorter than others, so its bytes count more by the second.
  const pushes = view.trace.events.filter((event) => (event.type === 'frame' || event.type === 'sentFrame') && event.frame.kind === 32);
  return pushes.some(({ atMs }) => {
    const inFirst = atMs - startOf(view) <= beatMs;
    return inFirst || (1000 * carried(view, atMs, atMs + beatMs)) / beatMs >= view.number('overlay.bytes_per_s_min');
  });
}

/** Says its role on each overlay session, and each change on all of them (OVL-010, OVL-011, OVL-060). */
export const rolesAreSaid: Rule<OverlayView> = {
  clauses: ['OVL-010', 'OVL-011'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    if (view.word('overlay.strategy') !== 'supernode') return { findings, exercised };
    const withinMs = view.number('session.reaction_ms_max') + view.slackMs;
    const roles = view.by('node', 'Role');
    for (const span of view.spans.filter(({ overlay }) => overlay)) {
      if (span.fromMs + withinMs > view.trace.endMs || span.toMs <= span.fromMs + withinMs) continue;
      exercised = true;
      if (roles.some((role) => role.link === span.link && role.event > span.fromEvent && role.atMs <= span.fromMs + withinMs)) continue;
      findings.push({
        clause: 'OVL-010',
        expected: `a Role on link ${span.link} by ${span.fromMs + withinMs} ms`,
        observed: 'none was sent',
        at: span.fromEvent,
      });
    }
    for (const role of roles) {
      const others = view.spans.filter((span) => span.overlay && span.fromEvent < role.event && span.toMs > role.atMs + withinMs);
      if (role.atMs + withinMs > view.trace.endMs) continue;
      for (const span of others) {
        const newest = roles.findLast((one) => one.link === span.link && one.atMs <= role.atMs + withinMs);
        const isLast = !roles.some((one) => one.event > role.event && one.atMs <= role.atMs + withinMs && roleOf(one) !== roleOf(role));
        if (!isLast || newest === undefined || roleOf(newest) === roleOf(role)) continue;
        findings.push({
          clause: 'OVL-011',
          expected: `role ${roleOf(role)} on link ${span.link} by ${role.atMs + withinMs} ms, as on link ${role.link}`,
          observed: `role ${roleOf(newest)}`,
          at: role.event,
        });
      }
    }
    return { findings, exercised };
  },
};

/** No overlay frames on sessions without the capability (OVL-060). */
export const overlayFramesNeedOverlay: Rule<OverlayView> = {
  clauses: ['OVL-060'],
  judge(view) {
    const findings: Finding[] = [];
    for (const one of view.said.filter(({ by }) => by === 'node')) {
      if (view.spanAt(one.link, one.event)?.overlay !== false) continue;
      findings.push({ clause: 'OVL-060', expected: `no ${one.name} on link ${one.link}`, observed: 'one was sent', at: one.event });
    }
    return { findings, exercised: view.spans.some(({ overlay }) => !overlay) && view.spans.some(({ overlay }) => overlay) };
  },
};

/** Nobody moves up without being fit (OVL-013), or too soon (OVL-016). */
export const promotionsAreEarned: Rule<OverlayView> = {
  clauses: ['OVL-013', 'OVL-016'],
  judge(view) {
    const findings: Finding[] = [];
    const roles = view.by('node', 'Role');
    for (const role of roles.filter((one) => roleOf(one) >= ROLES.candidate)) {
      if (mayBeFit(view, role.atMs)) continue;
      findings.push({
        clause: 'OVL-013',
        expected: `no role above leaf: uptime, rate or connections were below the least until ${role.atMs} ms`,
        observed: `role ${roleOf(role)}`,
        at: role.event,
      });
    }
    const first = roles.find((one) => roleOf(one) === ROLES.supernode);
    const candidate = first === undefined ? undefined : roles.findLast((one) => one.event < first.event && roleOf(one) < ROLES.candidate);
    const since =
      candidate === undefined || first === undefined
        ? undefined
        : roles.find((one) => one.event > candidate.event && one.event < first.event && roleOf(one) === ROLES.candidate);
    if (first !== undefined && first.atMs - (since?.atMs ?? first.atMs) + view.slackMs < view.number('overlay.candidate_ms')) {
      findings.push({
        clause: 'OVL-016',
        expected: `a candidate for ${view.number('overlay.candidate_ms')} ms before a supernode`,
        observed: since === undefined ? 'it was none' : `for ${first.atMs - since.atMs} ms`,
        at: first.event,
      });
    }
    const lateMs = startOf(view) + view.number('overlay.uptime_ms_min');
    return { findings: findings.slice(0, 1), exercised: roles.length > 0 && view.trace.endMs > lateMs / 2 };
  },
};

/** A fit leaf becomes a candidate, and one that is needed a supernode, in time (OVL-014, OVL-015). */
export const promotionsComeInTime: Rule<OverlayView> = {
  clauses: ['OVL-014', 'OVL-015'],
  judge(view) {
    const findings: Finding[] = [];
    const beatMs = view.number('overlay.beat_ms');
    const roles = view.by('node', 'Role');
    // One moment's bytes lie in one beat, which is never longer than a beat.
    const burst = view.trace.events.find(
      (event) =>
        event.type === 'sentFrame' &&
        event.frame.kind === 32 &&
        1000 * (carried(view, event.atMs, event.atMs) - 32 * 64) >= view.number('overlay.bytes_per_s_min') * beatMs,
    );
    if (burst === undefined) return { findings, exercised: false };
    const enough = changesOf(view, 0, view.trace.endMs).find((atMs) => sessionsAt(view, atMs) >= view.number('overlay.connections_min'));
    if (enough === undefined) return { findings, exercised: false };
    const fitMs = Math.max(burst.atMs, enough, startOf(view) + view.number('overlay.uptime_ms_min'));
    const isFitUntil = (untilMs: number): boolean =>
      untilMs <= view.trace.endMs &&
      untilMs - burst.atMs < view.number('overlay.window_ms') &&
      changesOf(view, fitMs, untilMs).every((atMs) => sessionsAt(view, atMs) >= view.number('overlay.connections_min'));
    const candidateBy = fitMs + 2 * beatMs + view.slackMs;
    if (!isFitUntil(candidateBy)) return { findings, exercised: false };
    if (!roles.some((role) => role.atMs <= candidateBy && roleOf(role) >= ROLES.candidate)) {
      findings.push({
        clause: 'OVL-014',
        expected: `role candidate by ${candidateBy} ms: the node is fit since ${fitMs} ms`,
        observed: 'none was said',
      });
    }
    const needed = attachmentTurns(view).every(
      ({ attachments }) =>
        [...attachments.values()].filter((state) => state === 'attached').length < view.number('overlay.supernodes_per_leaf'),
    );
    const supernodeBy = candidateBy + 2 * view.number('overlay.candidate_ms') + 2 * beatMs;
    if (needed && isFitUntil(supernodeBy) && !roles.some((role) => role.atMs <= supernodeBy && roleOf(role) === ROLES.supernode)) {
      findings.push({
        clause: 'OVL-015',
        expected: `role supernode by ${supernodeBy} ms: fit, and without supernodes of its own`,
        observed: 'none was said',
      });
    }
    return { findings, exercised: true };
  },
};

/** A supernode stays one while it is not unfit, and ceases when it is (OVL-017 to OVL-019). */
export const demotionsAreDue: Rule<OverlayView> = {
  clauses: ['OVL-017', 'OVL-018', 'OVL-019'],
  judge(view) {
    const findings: Finding[] = [];
    const roles = view.by('node', 'Role');
    const up = roles.find((role) => roleOf(role) === ROLES.supernode);
    if (up === undefined) return { findings, exercised: false };
    const connectionsMin = view.number('overlay.connections_min');
    const isBelow = (atMs: number): boolean => 2 * sessionsAt(view, atMs) < connectionsMin;
    const unfitMs = changesOf(view, up.atMs, view.trace.endMs).find(isBelow);
    const down = roles.find((role) => role.event > up.event && roleOf(role) !== ROLES.supernode);
    const dueMs =
      (unfitMs ?? Number.POSITIVE_INFINITY) + view.number('overlay.candidate_ms') + 2 * view.number('overlay.beat_ms') + view.slackMs;
    const staysBelow = unfitMs !== undefined && changesOf(view, unfitMs, dueMs).every(isBelow);
    const heard = view.spans.some((span) => span.overlay && span.fromMs < dueMs && span.toMs > dueMs);
    if (staysBelow && heard && dueMs <= view.trace.endMs && (down === undefined || down.atMs > dueMs)) {
      findings.push({
        clause: 'OVL-017',
        expected: `another role by ${dueMs} ms: fewer than half of ${connectionsMin} sessions since ${unfitMs} ms`,
        observed: 'the node is still a supernode',
        at: up.event,
      });
    }
    const wellMs = view.number('overlay.window_ms') + startOf(view);
    if (down !== undefined && down.atMs < wellMs) {
      const leastMs =
        unfitMs === undefined ? Number.POSITIVE_INFINITY : unfitMs + view.number('overlay.candidate_ms') - view.number('overlay.beat_ms');
      if (down.atMs + view.slackMs < leastMs) {
        findings.push({
          clause: 'OVL-018',
          expected: 'the role supernode while the node has sessions, uptime, rate and no failures',
          observed: `role ${roleOf(down)} at ${down.atMs} ms`,
          at: down.event,
        });
      }
      const moment = view.trace.events.findIndex(({ atMs }) => atMs >= down.atMs - view.slackMs);
      for (const link of leavesAt(view, moment)) {
        const span = view.spanAt(link, down.event);
        const untilMs = down.atMs + view.number('session.reaction_ms_max') + view.slackMs;
        const told = view
          .by('node', 'Detach')
          .some((one) => one.link === link && one.atMs >= down.atMs - view.slackMs && one.atMs <= untilMs);
        if (told || span === undefined || span.toMs <= untilMs || untilMs > view.trace.endMs) continue;
        findings.push({
          clause: 'OVL-019',
          expected: `a Detach on link ${link}, a leaf, when the node is no supernode any more`,
          observed: 'none was sent',
          at: down.event,
        });
      }
    }
    const turn = turnAt(attachmentTurns(view), up.event);
    return { findings, exercised: turn !== undefined && view.trace.endMs > up.atMs + view.number('overlay.candidate_ms') };
  },
};
