/** What becomes of a node that another copy of it supersedes, and of peers whose records are rejected. Spec: REC-031, REC-050 to REC-052 */
import type { Finding } from '../runner/check.ts';
import { madeRecords, winners } from './records-own.ts';
import type { RecordDeparture, RecordsView } from './records-view.ts';
import type { Rule } from './rule.ts';

/** When the last of the winners accepted before `atMs` is over; undefined when none came. */
function silentUntilMs(view: RecordsView, fromMs: number): number {
  let atMs = fromMs;
  const isHeld = (ms: number): boolean =>
    winners(view).some(({ record, atMs: cameMs }) => record !== undefined && cameMs <= ms && !view.table.isOver(record, view.node, ms));
  while (isHeld(atMs) && atMs <= view.trace.endMs) atMs += 1;
  return atMs;
}

/** Superseded: told, silent, and back when the winner is gone. */
export const yieldsToWinner: Rule<RecordsView> = {
  clauses: ['REC-050', 'REC-051', 'REC-052'],
  judge(view) {
    const findings: Finding[] = [];
    const [first] = winners(view);
    if (first === undefined) return { findings, exercised: false };
    const untilMs = silentUntilMs(view, first.atMs);
    const isOwn = (departure: RecordDeparture): boolean =>
      departure.via === 'push' &&
      departure.envelope.origin === view.node &&
      !view.arrivals.some((arrival) => arrival.envelope.id === departure.envelope.id);
    const said = view.departures.find(
      (departure) =>
        isOwn(departure) && departure.event > first.event && departure.atMs > first.atMs + view.slackMs && departure.atMs < untilMs,
    );
    if (said !== undefined) {
      findings.push({
        clause: 'REC-050',
        expected: 'a superseded node publishes nothing',
        observed: `it pushed a record of its own ${said.atMs - first.atMs} ms later`,
        at: said.event,
      });
    }
    if (view.trace.level === 'adapter') {
      const told = view.trace.events.some(
        (event) =>
          event.type === 'notice' && event.notice === 'records.superseded' && event.atMs >= first.atMs && event.atMs <= first.atMs + 1_000,
      );
      if (!told) findings.push({ clause: 'REC-051', expected: 'a notice records.superseded', observed: 'none came', at: first.event });
    }
    const graceMs = view.number('records.change_ms_max') + view.number('records.forward_ms_max') + view.slackMs;
    const backMs = untilMs + graceMs;
    const isWatched = view.spans.some((span) => span.records && span.fromMs <= untilMs && span.toMs > backMs);
    if (backMs < view.trace.endMs && isWatched) {
      const numbers = winners(view).map(({ record }) => record?.instance ?? 0n);
      const back = madeRecords(view).some(
        ({ record, atMs }) => record.kind === 1 && atMs >= untilMs && atMs <= backMs && numbers.every((winner) => record.instance > winner),
      );
      if (!back)
        findings.push({
          clause: 'REC-052',
          expected: `the node publishes again, as a new instance, within ${graceMs} ms of the winner's end`,
          observed: 'it did not',
          at: first.event,
        });
    }
    return { findings, exercised: true };
  },
};

/** Of its own key the node holds the newest record, however fast they came. */
export const takesOwnKey: Rule<RecordsView> = {
  clauses: ['REC-024'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const accepted = new Set(winners(view).map(({ envelope }) => envelope.id));
    for (const { link, requestId, event, expected } of view.questions) {
      const reply = view.replies.find((one) => one.link === link && one.requestId === requestId && one.event > event);
      if (reply === undefined) continue;
      for (const { id } of expected.filter((held) => held.origin === view.node && accepted.has(held.id))) {
        exercised = true;
        if (reply.envelopes.some((envelope) => envelope.id === id)) continue;
        findings.push({
          clause: 'REC-024',
          expected: `the record ${id.slice(0, 8)} of the node's own key is held`,
          observed: 'it is not',
          at: reply.event,
        });
      }
    }
    return { findings, exercised };
  },
};

/** Rejected records bring a peer's score below the limit, ignored ones do not. */
export const rejectsCost: Rule<RecordsView> = {
  clauses: ['REC-031'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    for (const span of view.spans) {
      const arrivals = view.arrivals.filter(({ link, event }) => link === span.link && span.fromEvent <= event && event <= span.toEvent);
      const rejected = arrivals.filter(({ verdict }) => verdict === 'reject');
      // 11² is above the limit of 100; more may not reach the node, which closes then.
      const isBelow = rejected.length >= 11;
      const last = rejected.at(-1);
      const untilMs = (last?.atMs ?? 0) + view.number('session.reaction_ms_max') + view.slackMs;
      if (isBelow && untilMs < view.trace.endMs) {
        exercised = true;
        if (span.closedBy !== 'node' || span.toMs > untilMs) {
          findings.push({
            clause: 'REC-031',
            expected: `the session ends after ${rejected.length} rejected records`,
            observed: 'it went on',
            at: last?.event ?? span.fromEvent,
          });
        }
      } else if (rejected.length === 0 && arrivals.length > 0 && span.closedBy === 'node') {
        findings.push({
          clause: 'REC-031',
          expected: 'records that are ignored cost no session',
          observed: 'it was closed',
          at: span.toEvent,
        });
      }
    }
    return { findings, exercised };
  },
};
