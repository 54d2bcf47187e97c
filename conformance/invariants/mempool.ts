/** What a node with a mempool owes: verdicts, the pool's order, spreading, and forwarding to leaders. Spec: MEM-001 to MEM-034 */
import type { Finding } from '../runner/check.ts';
import type { MempoolView, TransactionArrival } from './mempool-view.ts';
import type { Rule } from './rule.ts';

const short = (id: string): string => `${id.slice(0, 8)}…`;
const named = ({ envelope, id }: TransactionArrival): string => envelope.name ?? short(id);

/** `mempool.list` gives what the model's pool holds ready, in its order. */
export const listsAsModel = (clause: string): Rule<MempoolView> => ({
  clauses: [clause],
  judge(view) {
    const names = new Map(view.arrivals.map((arrival) => [arrival.id, named(arrival)]));
    const words = (ids: readonly string[]): string =>
      ids.length === 0 ? 'nothing' : ids.map((id) => names.get(id) ?? short(id)).join(', ');
    const findings = view.lists
      .filter(({ found, expected }) => found.join() !== expected.join())
      .map(
        ({ event, found, expected }): Finding => ({
          clause,
          expected: `the block takes ${words(expected)}`,
          observed: words(found),
          at: event,
        }),
      );
    return { findings, exercised: view.lists.length > 0 && view.arrivals.length > 0 };
  },
});

/** Where verdicts can be seen, they are those of the model. */
export const verdictsAsModel = (clause: string): Rule<MempoolView> => ({
  clauses: [clause],
  judge(view) {
    if (!view.trace.observes.verdict) return { findings: [], exercised: false };
    const told = view.trace.events.flatMap((event) => (event.type === 'verdict' ? [event] : []));
    const findings: Finding[] = [];
    const concerned = view.arrivals.filter((arrival) => arrival.clause === clause && arrival.link !== undefined);
    for (const arrival of concerned) {
      const verdict = told.find(
        (one) => one.link === arrival.link && one.envelopeHash === arrival.envelope.hash && one.atMs >= arrival.atMs,
      );
      if (verdict === undefined || (verdict.verdict === arrival.verdict && verdict.code === arrival.code)) continue;
      findings.push({
        clause,
        expected: `${named(arrival)} is given ${arrival.verdict} ${arrival.code}`,
        observed: `${verdict.verdict} ${verdict.code}`,
        at: arrival.event,
      });
    }
    return { findings, exercised: concerned.length > 0 };
  },
});

/** Who says that a transaction is taken, by the way it came. */
const PASSED_ON: Readonly<Record<TransactionArrival['via'], string>> = {
  Push: 'MEM-017',
  Forward: 'MEM-033',
  FetchReply: 'MEM-036',
  submit: 'MEM-025',
};

/** What is accepted is sent on every link with `mempool/1` that has not sent it, within the forward time; nothing else is. */
export const passesOn: Rule<MempoolView> = {
  clauses: ['MEM-001', 'MEM-004', 'MEM-017', 'MEM-025', 'MEM-026', 'MEM-033', 'MEM-036'],
  judge(view) {
    const findings: Finding[] = [];
    const limitMs = view.number('gossip.forward_ms_max') + view.slackMs;
    const accepted = view.arrivals.filter(({ verdict }) => verdict === 'accept');
    let exercised = false;
    for (const arrival of accepted) {
      for (const span of view.spans) {
        const lasts = span.fromEvent < arrival.event && span.toMs > arrival.atMs + limitMs && view.trace.endMs > arrival.atMs + limitMs;
        const hasSent = view.arrivals.some(({ link, id, event }) => link === span.link && id === arrival.id && event <= arrival.event + 1);
        if (!lasts || !span.takesTransactions || hasSent) continue;
        exercised = true;
        const isSent = view.departures.some(
          ({ link, id, atMs }) => link === span.link && id === arrival.id && atMs <= arrival.atMs + limitMs,
        );
        const clause = PASSED_ON[arrival.via];
        if (!isSent)
          findings.push({
            clause,
            expected: `${named(arrival)} is sent on link ${span.link} within ${limitMs} ms`,
            observed: 'it was not',
            at: arrival.event,
          });
      }
    }
    view.trace.events.forEach((event, at) => {
      if (event.type !== 'frame' || event.frame.body?.type !== 'Ihave' || event.frame.body.topic !== 'tx') return;
      if (view.spans.find(({ link }) => link === event.link)?.takesTransactions !== false) return;
      findings.push({
        clause: 'MEM-026',
        expected: `no transaction is announced on link ${event.link}`,
        observed: 'an Ihave of topic tx',
        at,
      });
    });
    for (const departure of view.departures) {
      const cause = accepted.find(({ id, event }) => id === departure.id && event < departure.event);
      const span = view.spans.find(({ link }) => link === departure.link);
      if (span?.takesTransactions === false) {
        findings.push({
          clause: 'MEM-026',
          expected: `no transaction on link ${departure.link}, which has no mempool/1`,
          observed: short(departure.id),
          at: departure.event,
        });
      }
      if (cause?.via === 'Forward' && departure.via === 'Push' && departure.hops !== 1) {
        findings.push({
          clause: 'MEM-033',
          expected: 'one hop, as of what came with none',
          observed: `${departure.hops}`,
          at: departure.event,
        });
      }
      if (cause !== undefined) continue;
      const refused = view.arrivals.find(({ id }) => id === departure.id);
      findings.push({
        clause: refused?.clause === 'MEM-004' ? 'MEM-004' : refused?.via === 'FetchReply' ? 'MEM-036' : 'MEM-001',
        expected: 'only accepted transactions are sent',
        observed: `${refused === undefined ? short(departure.id) : `${named(refused)}, which is ${refused.code}`} was sent on link ${departure.link}`,
        at: departure.event,
      });
    }
    return { findings, exercised };
  },
};

/** Coming leaders get Forwards of what is accepted, and nobody else does. */
export const forwardsToLeaders: Rule<MempoolView> = {
  clauses: ['MEM-030', 'MEM-034'],
  judge(view) {
    const findings: Finding[] = [];
    const limitMs = view.number('gossip.forward_ms_max') + view.slackMs;
    let exercised = false;
    for (const arrival of view.arrivals.filter(({ verdict }) => verdict === 'accept')) {
      const leaders = view.leadersAt(arrival.atMs);
      for (const span of view.spans.filter(({ peerId, takesTransactions }) => takesTransactions && leaders.includes(peerId))) {
        const lasts = span.fromEvent < arrival.event && span.toMs > arrival.atMs + limitMs && view.trace.endMs > arrival.atMs + limitMs;
        if (!lasts || span.link === arrival.link) continue;
        exercised = true;
        const isSent = view.departures.some(
          ({ via, link, id, atMs }) => via === 'Forward' && link === span.link && id === arrival.id && atMs <= arrival.atMs + limitMs,
        );
        if (!isSent)
          findings.push({
            clause: 'MEM-030',
            expected: `${named(arrival)} goes to the leader on link ${span.link} in a Forward within ${limitMs} ms`,
            observed: 'it did not',
            at: arrival.event,
          });
      }
    }
    for (const { via, link, event, atMs } of view.departures) {
      const span = view.spans.find((other) => other.link === link);
      // A Forward may have been on its way when the slot changed.
      const near = [...view.leadersAt(atMs), ...view.leadersAt(Math.max(0, atMs - limitMs))];
      if (via === 'Forward' && span !== undefined && !near.includes(span.peerId)) {
        findings.push({
          clause: 'MEM-034',
          expected: `no Forward on link ${link}: its peer leads none of the slots to come`,
          observed: 'a Forward',
          at: event,
        });
      }
    }
    return { findings, exercised };
  },
};

/** A leader that has come near gets what is ready, dearest first, as far as it is not known to have it. */
export const handsOver: Rule<MempoolView> = {
  clauses: ['MEM-031'],
  judge(view) {
    const findings: Finding[] = [];
    const limitMs = view.number('gossip.heartbeat_ms') + view.slackMs;
    let exercised = false;
    for (const list of view.lists) {
      const atMs = view.trace.events[list.event]?.atMs ?? 0;
      for (const span of view.spans.filter(({ takesTransactions, fromMs, toMs }) => takesTransactions && fromMs < atMs && toMs > atMs)) {
        const since = firstMoment(view, span.peerId, atMs);
        if (since === undefined || atMs < since + limitMs || span.fromMs > since) continue;
        const ready = list.expected.filter((id) =>
          view.arrivals.some((arrival) => arrival.id === id && arrival.atMs < since && arrival.link !== span.link),
        );
        const most = view.number('mempool.forward_max');
        const isQuiet = view.arrivals.every((arrival) => arrival.atMs < since - limitMs || arrival.atMs > since + limitMs);
        const handed = view.departures.filter(
          ({ via, link, atMs: goneMs }) => via === 'Forward' && link === span.link && goneMs >= since && goneMs <= since + limitMs,
        );
        const extra = handed.length > most ? handed[most] : handed.find(({ id }) => !list.expected.includes(id));
        if (isQuiet && extra !== undefined) {
          findings.push({
            clause: 'MEM-031',
            expected: `at most ${most} transactions that are ready are handed over`,
            observed: `${handed.length}, ${short(extra.id)} among them`,
            at: extra.event,
          });
        }
        for (const id of ready.slice(0, most)) {
          exercised = true;
          if (view.departures.some((departure) => departure.link === span.link && departure.id === id && departure.atMs <= since + limitMs))
            continue;
          findings.push({
            clause: 'MEM-031',
            expected: `the leader on link ${span.link} has ${short(id)} by ${since + limitMs} ms`,
            observed: 'it was not sent',
            at: list.event,
          });
        }
      }
    }
    return { findings, exercised };
  },
};

/** When a peer became a coming leader in the slot period before `atMs`; undefined when it was one from the start, or is none. */
function firstMoment(view: MempoolView, peerId: string, atMs: number): number | undefined {
  if (!view.leadersAt(atMs).includes(peerId)) return undefined;
  const slotMs = view.number('schedule.slot_ms');
  const genesisMs = view.trace.setup?.ledger?.genesisMs ?? 0;
  let startMs = genesisMs + Number(view.slotAt(atMs)) * slotMs;
  while (startMs > 0 && view.leadersAt(startMs - 1).includes(peerId)) startMs -= slotMs;
  return startMs > 0 ? startMs : undefined;
}

/** A submission is answered with the model's code, and none when it is accepted. */
export const answersSubmissions = (clause: string): Rule<MempoolView> => ({
  clauses: [clause],
  judge(view) {
    const findings = view.submissions
      .filter(({ error, arrival }) => error !== arrival.code)
      .map(
        ({ event, error, arrival }): Finding => ({
          clause,
          expected: `${named(arrival)} is ${arrival.code === '' ? 'accepted' : `refused with ${arrival.code}`}`,
          observed: error === '' ? 'accepted' : error,
          at: event,
        }),
      );
    return { findings, exercised: view.submissions.length > 0 };
  },
});

/** Transactions are no messages of the application. */
export const deliversNone: Rule<MempoolView> = {
  clauses: ['MEM-027'],
  judge(view) {
    const ids = new Set(view.arrivals.map(({ id }) => id));
    const findings = view.trace.events.flatMap((event, index): Finding[] =>
      event.type === 'deliver' && (event.topic === 'tx' || ids.has(event.id))
        ? [
            {
              clause: 'MEM-027',
              expected: 'no transaction is delivered',
              observed: `${short(event.id)} on topic ${event.topic}`,
              at: index,
            },
          ]
        : [],
    );
    return { findings, exercised: view.trace.observes.deliver && view.arrivals.some(({ verdict }) => verdict === 'accept') };
  },
};

/** No Forward and no Push of topic tx holds more than its bytes. */
export const batchesAreSmall: Rule<MempoolView> = {
  clauses: ['MEM-032'],
  judge(view) {
    const limit = view.number('mempool.batch_bytes_max');
    const findings = view.batches
      .filter(({ bytes }) => bytes > limit)
      .map(
        ({ event, bytes }): Finding => ({
          clause: 'MEM-032',
          expected: `at most ${limit} bytes of envelopes in a frame`,
          observed: `${bytes}`,
          at: event,
        }),
      );
    return { findings, exercised: view.batches.reduce((sum, { bytes }) => sum + bytes, 0) > limit };
  },
};
