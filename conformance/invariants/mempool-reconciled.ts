/** What a node with a mempool owes to reconciliation: it offers its pool, and asks for nothing that it had. Spec: MEM-035 to MEM-037 */
import { hex, unhex } from '../model/bytes.ts';
import { shortId } from '../model/riblt.ts';
import type { Finding } from '../runner/check.ts';
import type { MempoolView } from './mempool-view.ts';
import type { Rule } from './rule.ts';

/** Whoever pulls the set gets the pool, all of it and nothing else. */
export const offersItsPool: Rule<MempoolView> = {
  clauses: ['MEM-035'],
  judge(view) {
    const findings = view.offers.flatMap(({ event, found, expected }): Finding[] => {
      const missing = expected.find((id) => !found.includes(id));
      const foreign = found.find((id) => !expected.includes(id));
      if (missing === undefined && foreign === undefined) return [];
      return [
        {
          clause: 'MEM-035',
          expected: `the ${expected.length} transactions of the pool`,
          observed: missing === undefined ? `${foreign?.slice(0, 8)}…, which is not in it` : `${missing.slice(0, 8)}… is not among them`,
          at: event,
        },
      ];
    });
    return { findings, exercised: view.offers.some(({ expected }) => expected.length > 0) };
  },
};

/** On some session that lasts for a round the node asks for a sketch of its transactions. */
export const comparesItsPool: Rule<MempoolView> = {
  clauses: ['MEM-035'],
  judge(view) {
    const roundMs = view.number('reconcile.round_ms_max') + view.slackMs;
    const lasting = view.spans.filter(({ reconciles, fromMs, toMs }) => reconciles && Math.min(toMs, view.trace.endMs) - fromMs > roundMs);
    const isCompared = lasting.some(({ comparedMs }) => comparedMs !== undefined);
    const finding: Finding = {
      clause: 'MEM-035',
      expected: `an exchange over the transactions within ${roundMs} ms`,
      observed: 'none',
      at: view.trace.events.length - 1,
    };
    return { findings: lasting.length > 0 && !isCompared ? [finding] : [], exercised: lasting.length > 0 };
  },
};

/** Nothing is asked for that the node holds, or accepted a short while ago. */
export const asksForNews: Rule<MempoolView> = {
  clauses: ['MEM-037'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    for (const { event, named, salt, accepted } of view.fetches) {
      exercised ||= accepted.length > 0;
      const names = new Map(accepted.map((id) => [id, id]));
      if (salt !== '') for (const id of accepted) names.set(hex(shortId(unhex(salt), unhex(id))), id);
      const known = named.flatMap((name) => names.get(name) ?? []);
      if (known[0] === undefined) continue;
      findings.push({
        clause: 'MEM-037',
        expected: 'only transactions that the node did not accept before',
        observed: `${known[0].slice(0, 8)}… is asked for`,
        at: event,
      });
    }
    return { findings, exercised };
  },
};

/** Each transaction that a peer gave in full and the model takes is in the pool at the end, and no other. */
export const takesWhatItFetched: Rule<MempoolView> = {
  clauses: ['MEM-036'],
  judge(view) {
    const fetched = view.arrivals.filter(({ via }) => via === 'FetchReply');
    const findings: Finding[] = [];
    for (const { event, found, expected } of view.lists) {
      const before = fetched.filter((arrival) => arrival.event < event);
      for (const { id, envelope, verdict, code } of before) {
        if (found.includes(id) === expected.includes(id)) continue;
        findings.push({
          clause: 'MEM-036',
          expected: `${envelope.name ?? id.slice(0, 8)} is judged ${verdict}${code === '' ? '' : ` ${code}`}`,
          observed: found.includes(id) ? 'it is in the pool' : 'it is not in the pool',
          at: event,
        });
      }
    }
    return { findings, exercised: fetched.length > 0 && view.lists.length > 0 };
  },
};
