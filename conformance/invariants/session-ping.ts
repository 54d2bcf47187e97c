/** The node's own Pings: often enough, not too often, each with its own nonce and id, and an end when nobody answers. */
import type { Finding } from '../runner/check.ts';
import { closedWithoutCause, type NodePing, nodePings } from './session-cause.ts';
import { finding, type SessionRule } from './session-judge.ts';
import type { LinkView, SessionView } from './session-view.ts';

/** When the session of a link ended for this trace: its closing, the kit's GoAway, or the end of the trace. */
function endOf(view: SessionView, link: LinkView): number {
  const goAway = link.inputs.find(({ outcome }) => outcome.type === 'end');
  return Math.min(goAway?.atMs ?? Number.POSITIVE_INFINITY, link.closed?.atMs ?? Number.POSITIVE_INFINITY, view.trace.endMs);
}

/** A rule about the node's Pings on each link that has a session. */
function pingRule(
  clause: string,
  judgeLink: (
    pings: readonly NodePing[],
    link: LinkView,
    view: SessionView,
  ) => { readonly exercised: boolean; readonly findings: readonly Finding[] },
): SessionRule {
  return {
    clauses: [clause],
    judge: (view) => {
      const results = view.links.filter((link) => link.session !== undefined).map((link) => judgeLink(nodePings(link), link, view));
      return { findings: results.flatMap((result) => result.findings), exercised: results.some((result) => result.exercised) };
    },
  };
}

/** The first Ping comes within `session.ping_interval_ms` of the handshake, each further one within that of the one before. Spec: SES-052. */
export const pingsOften: SessionRule = pingRule('SES-052', (pings, link, view) => {
  const intervalMs = view.number('session.ping_interval_ms') + view.slackMs;
  const start = link.session;
  if (start === undefined) return { exercised: false, findings: [] };
  const endMs = endOf(view, link);
  const marks = [{ atMs: start.atMs, event: start.event }, ...pings];
  const findings = marks.flatMap((mark, index) => {
    const nextMs = marks[index + 1]?.atMs ?? Number.POSITIVE_INFINITY;
    const dueMs = mark.atMs + intervalMs;
    if (nextMs <= dueMs || endMs < dueMs || (link.closed !== undefined && link.closed.atMs === dueMs)) return [];
    const since = index === 0 ? 'the handshake' : 'the Ping before';
    const observed = nextMs === Number.POSITIVE_INFINITY ? 'none' : `one after ${nextMs - mark.atMs} ms`;
    return [finding('SES-052', `a Ping within ${intervalMs} ms of ${since}`, observed, mark.event)];
  });
  return { exercised: endMs - start.atMs >= intervalMs, findings };
});

/** No more than one Ping a second, on average over any `session.ping_interval_ms`. Spec: SES-053. */
export const pingsSparsely: SessionRule = pingRule('SES-053', (pings, _link, view) => {
  const intervalMs = view.number('session.ping_interval_ms');
  const most = Math.max(1, Math.floor((intervalMs + view.slackMs) / 1_000));
  const findings = pings.flatMap((ping) => {
    const count = pings.filter(({ atMs }) => atMs >= ping.atMs && atMs < ping.atMs + intervalMs).length;
    return count <= most ? [] : [finding('SES-053', `at most ${most} Pings in ${intervalMs} ms`, `${count}`, ping.event)];
  });
  return { exercised: pings.length > 0, findings: findings.slice(0, 1) };
});

/** A session ends when a Ping has waited `session.pong_timeout_ms`, and for want of a Pong not before. Spec: SES-054. */
export const endsOnSilence: SessionRule = pingRule('SES-054', (pings, link, view) => {
  const timeoutMs = view.number('session.pong_timeout_ms');
  const waited = pings.find((ping) => ping.answeredMs > ping.atMs + timeoutMs);
  const { closed } = link;
  if (closed !== undefined && closedWithoutCause(view, link)) {
    const since = pings.at(-1);
    if (since === undefined) return { exercised: false, findings: [] };
    const observed = `the node closed ${closed.atMs - since.atMs} ms after its last Ping`;
    return { exercised: true, findings: [finding('SES-054', `a Ping may wait ${timeoutMs} ms for its Pong`, observed, closed.event)] };
  }
  if (waited === undefined) return { exercised: false, findings: [] };
  const dueMs = waited.atMs + timeoutMs;
  const lastMs = dueMs + view.reactionMs;
  const exercised = view.trace.endMs >= dueMs;
  if (closed !== undefined && closed.atMs <= lastMs) return { exercised, findings: [] };
  if (view.trace.endMs < lastMs) return { exercised: false, findings: [] };
  const observed = closed === undefined ? 'the session went on' : `it ended after ${closed.atMs - waited.atMs} ms`;
  return {
    exercised,
    findings: [finding('SES-054', `the node closes ${timeoutMs} ms after a Ping without a Pong`, observed, waited.event)],
  };
});

/** No nonce twice on a session. Spec: SES-056. */
export const noncesDiffer: SessionRule = pingRule('SES-056', (pings) => {
  const findings = pings.flatMap((ping, index) =>
    pings.slice(0, index).some(({ nonce }) => nonce === ping.nonce)
      ? [finding('SES-056', 'a nonce that the session has not seen', `${ping.nonce} again`, ping.event)]
      : [],
  );
  return { exercised: pings.length >= 2, findings };
});

/** Requests that wait at the same time have different ids. Spec: WIR-034. */
export const waitingIdsDiffer: SessionRule = pingRule('WIR-034', (pings) => {
  let exercised = false;
  const findings = pings.flatMap((ping, index) => {
    const waiting = pings.slice(0, index).filter(({ answeredMs }) => answeredMs > ping.atMs);
    exercised ||= waiting.length > 0;
    return waiting.some(({ requestId }) => requestId === ping.requestId)
      ? [finding('WIR-034', 'an id that no waiting request has', `id ${ping.requestId} twice`, ping.event)]
      : [];
  });
  return { exercised, findings };
});

/** A Pong with another nonce does not count: the Ping goes on waiting, and nothing happens for the Pong itself. Spec: SES-055. */
export const wrongPongsDoNotCount: SessionRule = pingRule('SES-055', (pings, link, view) => {
  const wrong = link.inputs.find(({ outcome }) => outcome.type === 'ignore' && outcome.clause === 'SES-055');
  if (wrong === undefined) return { exercised: false, findings: [] };
  const ping = pings.find(({ requestId, atMs }) => requestId === wrong.frame?.requestId && atMs <= wrong.atMs);
  const { closed } = link;
  if (closed !== undefined && closed.event > wrong.event && closedWithoutCause(view, link)) {
    return {
      exercised: true,
      findings: [
        finding('SES-055', 'the Pong with another nonce is ignored', 'the node closed before the Ping had waited its time', closed.event),
      ],
    };
  }
  if (ping === undefined) return { exercised: false, findings: [] };
  const timeoutMs = view.number('session.pong_timeout_ms');
  const lastMs = ping.atMs + timeoutMs + view.reactionMs;
  const isAnswered = ping.answeredMs <= ping.atMs + timeoutMs;
  if (isAnswered) return { exercised: view.trace.endMs > ping.atMs + timeoutMs, findings: [] };
  if (closed !== undefined && closed.atMs <= lastMs) return { exercised: true, findings: [] };
  if (view.trace.endMs < lastMs) return { exercised: false, findings: [] };
  return {
    exercised: true,
    findings: [
      finding('SES-055', 'the Ping goes on waiting for its own nonce and runs into its timeout', 'the session went on', wrong.event),
    ],
  };
});
