/** One session per peer, and no more sessions than there is room for. */
import type { Finding } from '../runner/check.ts';
import { closedWithoutCause } from './session-cause.ts';
import { addressDialled } from './session-goaway.ts';
import { finding, type SessionRule } from './session-judge.ts';
import type { LinkView, SessionView } from './session-view.ts';
import { notClosedInTime, toldCode } from './wire-close.ts';
import { answerTo } from './wire-pong.ts';

/** Two sessions of one peer, and which of them the node has to keep. */
interface Pair {
  readonly clause: 'SES-040' | 'SES-041' | 'SES-042';
  readonly atMs: number;
  readonly kept: LinkView;
  readonly ended: LinkView;
}

function pairsIn(view: SessionView): readonly Pair[] {
  const pairs: Pair[] = [];
  for (const second of view.links) {
    // A session that is refused at once may never be seen up.
    const settled = settledAt(second);
    if (settled === undefined) continue;
    const first = view.links.findLast((link) => link !== second && link.peerId === second.peerId && isUpAt(link, settled.event));
    if (first?.session === undefined || answersAnother(view, first) || answersAnother(view, second)) continue;
    const { atMs } = settled;
    if (first.direction === second.direction) {
      pairs.push({ clause: 'SES-040', atMs, kept: second, ended: first });
      continue;
    }
    const ageMs = atMs - first.session.atMs;
    const limitMs = view.number('session.handshake_timeout_ms');
    if (Math.abs(ageMs - limitMs) < view.slackMs) continue;
    if (ageMs >= limitMs) {
      pairs.push({ clause: 'SES-042', atMs, kept: second, ended: first });
      continue;
    }
    // An inbound link was dialled by the peer, an outbound one by the node.
    const keepsInbound = (second.peerId ?? '') < view.trace.nodePeerId;
    const secondIsKept = (second.direction === 'inbound') === keepsInbound;
    pairs.push({ clause: 'SES-041', atMs, kept: secondIsKept ? second : first, ended: secondIsKept ? first : second });
  }
  return pairs;
}

/** Whether an outbound link answers a dial that the node meant for another peer, as it may after a session of that one has ended. */
function answersAnother(view: SessionView, link: LinkView): boolean {
  if (link.direction === 'inbound') return false;
  const address = addressDialled(view, link);
  return view.trace.events.some(
    (event) =>
      event.type === 'step' &&
      event.value.op === 'connect' &&
      event.value.address === address &&
      event.value.expected !== undefined &&
      event.value.expected !== link.label,
  );
}

/** When the node had decided about a link's session: it stands, or the node has refused it. */
function settledAt({ session, closed }: LinkView): { readonly event: number; readonly atMs: number } | undefined {
  return session ?? (closed?.by === 'node' ? closed : undefined);
}

function isUpAt(link: LinkView, event: number): boolean {
  const goAway = link.inputs.find(({ outcome }) => outcome.type === 'end');
  const endEvent = Math.min(link.closed?.event ?? Number.POSITIVE_INFINITY, goAway?.event ?? Number.POSITIVE_INFINITY);
  return link.session !== undefined && link.session.event < event && endEvent > event;
}

/** Of two sessions of a peer the right one is kept and the other ends in time. Spec: SES-040 to SES-042. */
export function keepsOneSession(clause: 'SES-040' | 'SES-041' | 'SES-042'): SessionRule {
  return {
    clauses: [clause],
    judge: (view) => {
      const findings: Finding[] = [];
      let exercised = false;
      let variant: string | undefined;
      for (const pair of pairsIn(view)) {
        if (pair.clause !== clause) continue;
        const { kept, ended, atMs } = pair;
        const missing = notClosedInTime(view, ended, { atMs });
        if (missing !== undefined) {
          findings.push(
            finding(clause, `the ${nameOf(pair, ended)} session ends within ${view.reactionMs} ms`, missing, ended.opened.event),
          );
        }
        const code = toldCode(ended);
        if (code !== undefined && code !== 'E_DUPLICATE_SESSION') variant ??= `${clause}: closed with ${code}`;
        const isReplacedLater = isReplaced(view, kept);
        if (kept.closed?.by === 'node' && !isReplacedLater && closedWithoutCause(view, kept)) {
          findings.push(finding(clause, `the ${nameOf(pair, kept)} session is kept`, 'the node closed it', kept.closed.event));
        }
        const later = kept.inputs.find((input) => input.atMs >= atMs && answerTo(view, kept, input) === 'missing');
        if (later !== undefined && !isReplacedLater) {
          findings.push(finding(clause, `the ${nameOf(pair, kept)} session is kept and its Pings answered`, 'no Pong', later.event));
        }
        exercised ||= kept.inputs.some(({ outcome }) => outcome.type === 'answer') || missing !== undefined;
      }
      return { findings, exercised, ...(variant === undefined ? {} : { variant }) };
    },
  };
}

function nameOf({ kept, ended }: Pair, link: LinkView): string {
  const other = link === kept ? ended : kept;
  return `${link.opened.event < other.opened.event ? 'first' : 'second'}, ${link.direction},`;
}

/** A session beyond `session.sessions_max` ends in time unless it replaces one of the same peer; one within is kept. Spec: SES-043. */
export const limitsSessions: SessionRule = {
  clauses: ['SES-043'],
  judge: (view) => {
    const findings: Finding[] = [];
    let exercised = false;
    let variant: string | undefined;
    const most = view.number('session.sessions_max');
    for (const link of view.links) {
      const { closed } = link;
      const settled = settledAt(link);
      if (settled === undefined) continue;
      const others = view.links.filter((other) => other !== link && isUpAt(other, settled.event));
      if (others.length >= most && !others.some((other) => other.peerId === link.peerId)) {
        exercised = true;
        const missing = notClosedInTime(view, link, settled);
        if (missing !== undefined) {
          findings.push(
            finding(
              'SES-043',
              `beyond ${most} sessions the node closes a further one within ${view.reactionMs} ms`,
              missing,
              settled.event,
            ),
          );
        }
        const code = toldCode(link);
        if (code !== undefined && code !== 'E_BUSY') variant ??= `SES-043: closed with ${code}`;
      } else if (closed?.by === 'node' && closedWithoutCause(view, link) && !isReplaced(view, link)) {
        findings.push(finding('SES-043', `a session within ${most} is kept`, 'the node closed it', closed.event));
      }
    }
    return { findings, exercised, ...(variant === undefined ? {} : { variant }) };
  },
};

function isReplaced(view: SessionView, link: LinkView): boolean {
  return pairsIn(view).some(({ ended }) => ended === link);
}
