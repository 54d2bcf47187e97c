/** Why a node may have ended a session, as far as chapters 03 and 04 give it reasons. */
import type { Input, LinkView, SessionView } from './session-view.ts';

/** Whether the node closed the link although nothing of chapters 03 and 04 that the kit did on it lets it. */
export function closedWithoutCause(view: SessionView, link: LinkView): boolean {
  const { closed } = link;
  if (closed === undefined || closed.by !== 'node') return false;
  return !link.inputs.some((input) => input.event < closed.event && mayEnd(input)) && !pingTimedOut(view, link, closed.atMs);
}

function mayEnd({ outcome }: Input): boolean {
  return outcome.type === 'close' || outcome.type === 'either' || outcome.type === 'end';
}

/** Whether a Ping of the node has waited `session.pong_timeout_ms` at `atMs` (SES-054). */
export function pingTimedOut(view: SessionView, link: LinkView, atMs: number): boolean {
  const timeoutMs = view.number('session.pong_timeout_ms') - view.slackMs;
  return nodePings(link).some((ping) => ping.answeredMs > ping.atMs + timeoutMs && ping.atMs + timeoutMs <= atMs);
}

/** A Ping of the node. */
export interface NodePing {
  readonly event: number;
  readonly atMs: number;
  readonly requestId: number;
  readonly nonce: string;
  /** When the right Pong reached the node; Infinity while it waits. */
  readonly answeredMs: number;
}

/** The node's Pings on a link, with their answers. */
export function nodePings(link: LinkView): readonly NodePing[] {
  const taken = new Set<Input>();
  return link.outputs.flatMap(({ event, atMs, frame }) => {
    if (frame.body?.type !== 'Ping') return [];
    const { nonce } = frame.body;
    const answer = link.inputs.find(
      (input) =>
        input.event > event &&
        !taken.has(input) &&
        input.outcome.type === 'pass' &&
        input.frame?.kind === 4 &&
        input.frame.requestId === frame.requestId,
    );
    if (answer !== undefined) taken.add(answer);
    return [{ event, atMs, requestId: frame.requestId, nonce, answeredMs: answer?.atMs ?? Number.POSITIVE_INFINITY }];
  });
}
