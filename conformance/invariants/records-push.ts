/** Which records the node passes on, to whom and when. Spec: REC-010 to REC-029, REC-053, REC-060 to REC-066 */
import type { Finding } from '../runner/check.ts';
import type { RecordArrival, RecordDeparture, RecordsSpan, RecordsView } from './records-view.ts';
import type { Rule } from './rule.ts';

/** The clauses by which a record is refused. */
export const REFUSALS: readonly string[] = Array.from({ length: 18 }, (_, index) => `REC-0${10 + index}`);

function short(id: string | undefined): string {
  return (id ?? '?').slice(0, 8);
}

/** Links that a record that came at `arrival` has to go to, or may: open until `untilMs`, without the record, not the origin's. */
function eligible(view: RecordsView, arrival: RecordArrival, untilMs: number): readonly RecordsSpan[] {
  const { id, origin } = arrival.envelope;
  return view.spans.filter(
    (span) =>
      span.records &&
      span.fromEvent < arrival.event &&
      span.toMs > untilMs &&
      span.peerId !== origin &&
      !view.arrivals.some((other) => other.envelope.id === id && other.link === span.link && other.atMs <= untilMs) &&
      !view.departures.some((other) => other.envelope.id === id && other.link === span.link && other.event < arrival.event),
  );
}

/** The clause that a missing acceptance breaks: a special one when an earlier copy was refused. */
function clauseOfAcceptance(view: RecordsView, arrival: RecordArrival): string {
  const before = view.arrivals.some(
    (other) =>
      other.event < arrival.event &&
      other.verdict !== 'accept' &&
      other.clause !== 'REC-020' &&
      other.envelope.origin === arrival.envelope.origin,
  );
  return before ? 'REC-029' : 'REC-028';
}

/** Whether the push window still holds the record at that time. */
function isInWindow(view: RecordsView, wallclockMs: bigint, atMs: number): boolean {
  return view.table.wallMs(atMs) - wallclockMs <= BigInt(view.number('records.push_window_ms'));
}

/** Every pushed record that had to be accepted reaches as many other links as it should, in time. */
export const acceptedIsPushed: Rule<RecordsView> = {
  clauses: ['REC-028', 'REC-029', 'REC-060'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const withinMs = view.number('records.forward_ms_max') + view.slackMs;
    for (const arrival of view.arrivals) {
      const { record } = arrival;
      if (arrival.verdict !== 'accept' || !arrival.isPushed || record === undefined) continue;
      const untilMs = arrival.atMs + withinMs;
      if (untilMs >= view.trace.endMs || !isInWindow(view, record.wallclockMs, untilMs)) continue;
      if (view.table.isOver(record, arrival.envelope.origin ?? '', untilMs) || isReplaced(view, arrival, untilMs)) continue;
      const links = eligible(view, arrival, untilMs);
      const asked = Math.min(links.length, view.number('records.push_fanout'));
      if (asked === 0) continue;
      exercised = true;
      const pushed = view.departures.filter(
        (departure) => departure.via === 'push' && departure.envelope.id === arrival.envelope.id && departure.event > arrival.event,
      );
      const inTime = new Set(pushed.filter(({ atMs }) => atMs <= untilMs).map(({ link }) => link));
      if (inTime.size >= asked) continue;
      findings.push({
        clause: pushed.length === 0 ? clauseOfAcceptance(view, arrival) : 'REC-060',
        expected: `the record ${short(arrival.envelope.id)} is accepted and pushed on ${asked} links within ${withinMs} ms`,
        observed: `it was pushed on ${inTime.size} of them`,
        at: arrival.event,
      });
    }
    return { findings, exercised };
  },
};

function isReplaced(view: RecordsView, arrival: RecordArrival, untilMs: number): boolean {
  return view.arrivals.some(
    (other) =>
      other.verdict === 'accept' &&
      other.event > arrival.event &&
      other.atMs <= untilMs &&
      other.envelope.origin === arrival.envelope.origin &&
      other.record?.kind === arrival.record?.kind &&
      other.record?.index === arrival.record?.index,
  );
}

/** Nothing of others is sent that was not accepted, as it was accepted, and is not over. */
export const refusedIsSilent: Rule<RecordsView> = {
  clauses: [...REFUSALS, 'REC-063', 'REC-066', 'REC-073', 'REC-085', 'REC-086'],
  judge(view) {
    const findings: Finding[] = [];
    for (const departure of view.departures) {
      const { envelope } = departure;
      const came = view.arrivals.filter((arrival) => arrival.event < departure.event && arrival.envelope.id === envelope.id);
      if (envelope.origin === view.node && came.length === 0) continue;
      const accepted = came.filter(({ verdict }) => verdict === 'accept');
      if (accepted.length === 0) {
        const sameBytes = view.arrivals.filter((arrival) => arrival.event < departure.event && arrival.envelope.hash === envelope.hash);
        findings.push({
          clause: (came.at(-1) ?? sameBytes.at(-1))?.clause ?? 'REC-063',
          expected: 'a record that the node has not accepted goes no further',
          observed: `it sent the record ${short(envelope.id)} on link ${departure.link}`,
          at: departure.event,
        });
      } else if (!accepted.some((arrival) => arrival.envelope.bytes === envelope.bytes)) {
        findings.push({
          clause: 'REC-066',
          expected: 'a record is sent in the bytes in which it came',
          observed: `the record ${short(envelope.id)} was sent in others`,
          at: departure.event,
        });
      } else if (
        view.slackMs === 0 &&
        departure.record !== undefined &&
        view.table.isOver(departure.record, envelope.origin ?? '', departure.atMs)
      ) {
        findings.push({
          clause: 'REC-063',
          expected: 'a record that is over is not sent',
          observed: `the record ${short(envelope.id)} was sent`,
          at: departure.event,
        });
      }
    }
    const exercised = view.arrivals.some((arrival) => arrival.verdict !== 'accept' && hasWitness(view, arrival));
    return { findings, exercised };
  },
};

/** Whether somebody stood by who would have been pushed the record. */
function hasWitness(view: RecordsView, arrival: RecordArrival): boolean {
  const untilMs = arrival.atMs + view.number('records.forward_ms_max');
  return (
    untilMs < view.trace.endMs &&
    view.spans.some((span) => span.records && span.link !== arrival.link && span.fromEvent < arrival.event && span.toMs > untilMs)
  );
}

/** No link gets a record that it has, nor more links than the fanout, nor what is too old, nor frames too full. */
export const pushedWithinBounds: Rule<RecordsView> = {
  clauses: ['REC-061', 'REC-062', 'REC-064', 'REC-065'],
  judge(view) {
    const findings: Finding[] = [];
    const find = (clause: string, departure: { readonly event: number }, expected: string, observed: string): void => {
      findings.push({ clause, expected, observed, at: departure.event });
    };
    const links = new Map<string, Set<number>>();
    for (const departure of view.departures.filter(({ via, isBack }) => via === 'push' && !isBack)) {
      const { envelope, link, event, atMs, record } = departure;
      const id = envelope.id ?? '';
      const isTaken = view.arrivals.some(
        (other) => other.link === link && other.event < event && other.envelope.id === id && !isOldSession(view, other, departure),
      );
      const isSent = view.departures.some(
        (other) =>
          other.via === 'push' &&
          other.link === link &&
          other.event < event &&
          other.envelope.id === id &&
          !isOldSession(view, other, departure),
      );
      if (isTaken || isSent)
        find('REC-061', departure, 'a link that has a record is not pushed it', `link ${link} was pushed ${short(id)}`);
      if (envelope.origin === view.node) continue;
      const reached = links.get(id) ?? new Set();
      links.set(id, reached.add(link));
      if (reached.size > view.number('records.push_fanout')) {
        find(
          'REC-062',
          departure,
          `a record is pushed on at most ${view.number('records.push_fanout')} links`,
          `${short(id)} was pushed on ${reached.size}`,
        );
      }
      if (view.slackMs === 0 && record !== undefined && !isInWindow(view, record.wallclockMs, atMs)) {
        find('REC-065', departure, 'a record older than the push window is not pushed', `${short(id)} was pushed`);
      }
    }
    for (const { event, size } of view.pushSizes) {
      if (size < 1 || size > 32) find('REC-064', { event }, 'a RecordPush holds 1 to 32 records', `it held ${size}`);
    }
    return { findings, exercised: view.arrivals.some(({ verdict }) => verdict === 'accept') };
  },
};

/** Whether the first of the two belongs to an earlier session of the link. */
function isOldSession(
  view: RecordsView,
  one: { readonly link: number; readonly event: number },
  other: { readonly event: number },
): boolean {
  return view.spans.some((span) => span.link === one.link && one.event <= span.toEvent && span.toEvent < other.event);
}

/** The origin that brings an old record is pushed the newer one, once in a while. */
export const staleIsAnswered: Rule<RecordsView> = {
  clauses: ['REC-053', 'REC-054', 'REC-061'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const withinMs = view.number('session.reaction_ms_max') + view.slackMs;
    const windowMs = view.number('records.push_window_ms');
    const lastOf = new Map<string, number>();
    const copies = olderCopies(view);
    for (const arrival of view.arrivals) {
      const { newer, link, atMs } = arrival;
      const span = view.spans.find((one) => one.link === link && one.fromEvent <= arrival.event && arrival.event <= one.toEvent);
      if (newer === undefined || span === undefined || span.peerId !== newer.origin || newer.id === arrival.envelope.id) continue;
      const key = `${link} ${newer.record.kind}/${newer.record.index}`;
      const last = lastOf.get(key);
      if (last !== undefined && atMs - last < windowMs) continue;
      const wasTold = copies.some(
        (copy) =>
          copy.span.link === link &&
          copy.arrival.event < arrival.event &&
          atMs - copy.arrival.atMs < windowMs &&
          copy.arrival.record?.kind === newer.record.kind &&
          copy.arrival.record.index === newer.record.index,
      );
      if (wasTold) continue;
      lastOf.set(key, atMs);
      if (span.toMs <= atMs + withinMs || view.trace.endMs <= atMs + withinMs) continue;
      exercised = true;
      const back = backs(view, link, newer.id).filter((departure) => departure.event > arrival.event && departure.atMs <= atMs + withinMs);
      if (back.length === 0) {
        findings.push({
          clause: 'REC-053',
          expected: `the newer record ${short(newer.id)} is pushed back within ${withinMs} ms`,
          observed: 'it was not',
          at: arrival.event,
        });
      }
    }
    for (const { arrival, span } of copies) {
      const { atMs, envelope } = arrival;
      if (span.toMs <= atMs + withinMs || view.trace.endMs <= atMs + withinMs) continue;
      exercised = true;
      const told = backs(view, span.link, envelope.id ?? '').some(
        (departure) => departure.event > arrival.event && departure.atMs <= atMs + withinMs,
      );
      if (told) continue;
      findings.push({
        clause: 'REC-054',
        expected: `the older copy of the origin on link ${span.link} is pushed the record within ${withinMs} ms`,
        observed: 'it was not',
        at: arrival.event,
      });
    }
    for (const departure of view.departures.filter(({ isBack, via }) => isBack && via === 'push')) {
      const isTold = copies.some(({ arrival, span }) => span.link === departure.link && arrival.envelope.id === departure.envelope.id);
      const before = view.departures.find(
        (other) =>
          other.isBack &&
          other.via === 'push' &&
          other.link === departure.link &&
          other.event < departure.event &&
          other.record?.kind === departure.record?.kind &&
          departure.atMs - other.atMs < windowMs - view.slackMs,
      );
      if (before !== undefined && !isTold) {
        findings.push({
          clause: 'REC-061',
          expected: `a label is pushed back once in ${windowMs} ms`,
          observed: `${short(departure.envelope.id)} followed ${departure.atMs - before.atMs} ms later`,
          at: departure.event,
        });
      }
      const isOwed = [...lastOf.keys()].some((key) => key.startsWith(`${departure.link} ${departure.record?.kind}/`)) || isTold;
      if (!isOwed) {
        findings.push({
          clause: 'REC-061',
          expected: 'a record goes to its origin only when the origin brought an older one',
          observed: `link ${departure.link} was pushed ${short(departure.envelope.id)}`,
          at: departure.event,
        });
      }
    }
    return { findings, exercised };
  },
};

/** Accepted records with the sessions of their origins on which an earlier instance has spoken. */
function olderCopies(view: RecordsView): readonly { readonly arrival: RecordArrival; readonly span: RecordsSpan }[] {
  return view.arrivals
    .filter(({ verdict }) => verdict === 'accept')
    .flatMap((arrival) =>
      view.spans
        .filter(
          (span) =>
            span.records &&
            span.link !== arrival.link &&
            span.peerId === arrival.envelope.origin &&
            span.fromEvent < arrival.event &&
            span.toEvent > arrival.event &&
            spokenInstance(view, span, arrival) !== undefined,
        )
        .map((span) => ({ arrival, span })),
    );
}

/** The largest instance that the peer of a session brought of itself before, if it is below that of the record. */
function spokenInstance(view: RecordsView, span: RecordsSpan, arrival: RecordArrival): bigint | undefined {
  const spoken = view.arrivals
    .filter(({ link, event, envelope, verdict, clause }) => {
      const isOwn = link === span.link && event >= span.fromEvent && event < arrival.event && envelope.origin === span.peerId;
      return isOwn && (verdict === 'accept' || clause === 'REC-020' || clause === 'REC-027');
    })
    .map(({ record }) => record?.instance ?? 0n);
  const isBelow = spoken.length > 0 && spoken.every((instance) => instance < (arrival.record?.instance ?? 0n));
  return isBelow ? spoken[0] : undefined;
}

function backs(view: RecordsView, link: number, id: string): readonly RecordDeparture[] {
  return view.departures.filter(
    (departure) => departure.isBack && departure.via === 'push' && departure.link === link && departure.envelope.id === id,
  );
}
