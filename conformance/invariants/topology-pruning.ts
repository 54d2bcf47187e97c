/** Whom a node gives up when it has too many sessions. */
import type { Finding } from '../runner/check.ts';
import { hasOtherCause, type TopologyRule } from './topology-judge.ts';
import type { TopologySession, TopologyView } from './topology-view.ts';

/** Sessions that the node gave up after it had let them in. */
function prunes(view: TopologyView): readonly (TopologySession & { readonly end: NonNullable<TopologySession['end']> })[] {
  return view.sessions
    .flatMap((session) => (session.end?.by === 'node' ? [{ ...session, end: session.end }] : []))
    .filter((session) => session.end.atMs > session.up.atMs + view.reactionMs && !hasOtherCause(view, session))
    .sort((a, b) => a.end.event - b.end.event);
}

/** The longest-standing outbound sessions before an event. */
function anchors(view: TopologyView, event: number): readonly number[] {
  return view
    .standing(event)
    .filter(({ direction }) => direction === 'out')
    .sort((a, b) => a.up.atMs - b.up.atMs || (a.peerId < b.peerId ? -1 : 1))
    .slice(0, view.number('outbound_min'))
    .map(({ link }) => link);
}

/** Sessions that may go at an event. */
function mayGo(view: TopologyView, event: number, atMs: number): readonly TopologySession[] {
  const kept = anchors(view, event);
  return view
    .standing(event)
    .filter(
      ({ link, peerId, up }) => !kept.includes(link) && !view.isProtected(peerId, event) && atMs - up.atMs >= view.number('newcomer_ms'),
    );
}

/** No prune below the mark, of protected peers, of anchors, of newcomers, or of too many at a time. Spec: TOP-061 to TOP-065. */
export const prunesNobodyWrong: TopologyRule = {
  clauses: ['TOP-061', 'TOP-062', 'TOP-063', 'TOP-064', 'TOP-065'],
  judge: (view) => {
    const findings: Finding[] = [];
    const all = prunes(view);
    for (const { label, link, peerId, up, end } of all) {
      const say = (clause: string, expected: string): void => {
        findings.push({ clause, expected, observed: `the session with ${label} was ended`, at: end.event });
      };
      const count = view.standing(end.event).length;
      if (count <= view.number('connections_high')) say('TOP-061', `nobody goes with ${count} sessions`);
      if (view.isProtected(peerId, end.event)) say('TOP-063', 'a protected peer stays');
      if (anchors(view, end.event).includes(link)) say('TOP-064', 'an anchor stays');
      if (end.atMs - up.atMs < view.number('newcomer_ms')) say('TOP-065', `nobody goes before ${view.number('newcomer_ms')} ms`);
      const recent = all.filter(
        (other) => other.end.event <= end.event && other.end.atMs > end.atMs - view.number('prune_interval_ms') + view.slackMs,
      );
      if (recent.length > view.number('prune_per_round_max')) {
        say('TOP-062', `at most ${view.number('prune_per_round_max')} prunes in ${view.number('prune_interval_ms')} ms`);
      }
    }
    const high = view.number('connections_high');
    const wasAbove = view.sessions.some(({ up }) => view.standing(up.event + 1).length > high);
    return { findings, exercised: wasAbove };
  },
};

/** Too many sessions for an interval: some of them go. Spec: TOP-060. */
export const prunesTooMany: TopologyRule = {
  clauses: ['TOP-060'],
  judge: (view) => {
    const findings: Finding[] = [];
    let exercised = false;
    const waitMs = view.number('prune_interval_ms') + view.reactionMs;
    const marks = [...view.sessions.map(({ up }) => up), ...prunes(view).map(({ end }) => end)];
    for (const mark of marks) {
      const fromMs = Math.max(mark.atMs, ...view.standing(mark.event + 1).map(({ up }) => up.atMs + view.number('newcomer_ms')));
      if (fromMs + waitMs > view.trace.endMs || view.standing(mark.event + 1).length <= view.number('connections_high')) continue;
      const changes = view.sessions.some(
        ({ up, end }) =>
          (up.event > mark.event && up.atMs <= fromMs + waitMs) ||
          (end?.by === 'kit' && end.event > mark.event && end.atMs <= fromMs + waitMs),
      );
      if (changes || mayGo(view, mark.event + 1, fromMs).length === 0) continue;
      exercised = true;
      if (prunes(view).some(({ end }) => end.event > mark.event && end.atMs <= fromMs + waitMs)) continue;
      findings.push({
        clause: 'TOP-060',
        expected: `one of ${view.standing(mark.event + 1).length} sessions goes within ${waitMs} ms`,
        observed: 'nobody went',
        at: mark.event,
      });
    }
    return { findings, exercised };
  },
};

/** With strategy `lru` the one goes that was used longest ago, whatever its hello says. Spec: TOP-066. */
export const prunesLeastUsed: TopologyRule = {
  clauses: ['TOP-066'],
  judge: (view) => {
    const findings: Finding[] = [];
    const all = prunes(view);
    for (const session of all) {
      const { end, label } = session;
      const usedMs = session.usedMs(end.atMs);
      const older = mayGo(view, end.event, end.atMs).find(
        (other) => other.link !== session.link && other.usedMs(end.atMs) < usedMs && other.end?.atMs !== end.atMs,
      );
      if (older === undefined) continue;
      findings.push({
        clause: 'TOP-066',
        expected: `${older.label}, last used at ${older.usedMs(end.atMs)} ms, goes before ${label}, last used at ${usedMs} ms`,
        observed: `${label} went first`,
        at: end.event,
      });
    }
    return { findings, exercised: all.length > 0 };
  },
};

/** A session that neither the operator nor the chapter wanted ends after its time, once enough others stand. Spec: TOP-070. */
export const endsTransients: TopologyRule = {
  clauses: ['TOP-070'],
  judge: (view) => {
    const findings: Finding[] = [];
    let exercised = false;
    const named = new Set(view.commands.flatMap(({ addresses }) => addresses));
    for (const dial of view.dials) {
      const up = dial.end?.isOpen === true ? view.trace.events[dial.end.event] : undefined;
      const session = up?.type === 'linkUp' ? view.sessions.find(({ link }) => link === up.link) : undefined;
      if (session === undefined || dial.isWish || named.has(dial.address)) continue;
      const dueMs = session.up.atMs + view.number('transient_ms') + view.reactionMs;
      const others = view.standing(session.up.event).filter(({ end }) => end === undefined || end.atMs > dueMs);
      const isWanted = others.length < Math.max(view.number('connections_target'), view.number('outbound_min'));
      if (isWanted || dueMs > view.trace.endMs || session.end?.by === 'kit') continue;
      exercised = true;
      if (session.end !== undefined && session.end.atMs <= dueMs) continue;
      findings.push({
        clause: 'TOP-070',
        expected: `the session with ${session.label}, dialled for a question, ends within ${view.number('transient_ms')} ms`,
        observed: session.end === undefined ? 'it went on' : `it ended after ${session.end.atMs - session.up.atMs} ms`,
        at: session.up.event,
      });
    }
    return { findings, exercised };
  },
};
