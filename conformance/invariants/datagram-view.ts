/** A trace as the datagrams of both sides: who asked whom, what it cost, which tokens were known. */
import { hasWallClock, type SeenDatagram, type SeenFrame, type Trace } from '../driver/trace.ts';
import { bodyFault } from '../model/bodies.ts';
import { unhex } from '../model/bytes.ts';
import { type FrameRule, frameRule, splitPlaintext } from '../model/frame.ts';
import type { Rule } from './rule.ts';

/** On a wall clock the node and the kit may both be kept waiting. */
const WALL_SLACK_MS = 500;

/** A datagram with its place in the trace. */
export interface PlacedDatagram {
  readonly event: number;
  readonly atMs: number;
  /** The kit's end: where it came from, or where it went. */
  readonly endpoint: string;
  readonly seen: SeenDatagram;
  readonly bytes: number;
  readonly frame: SeenFrame | undefined;
  readonly rule: FrameRule | undefined;
}

/** What a question's token is worth to the node; `open` within the time in which either is right. */
export type Standing = 'none' | 'valid' | 'foreign' | 'expired' | 'open';

/** A rule about datagrams. */
export type DatagramRule = Rule<DatagramView>;

/** The view. */
export interface DatagramView {
  readonly trace: Trace;
  /** Of the kit, in order. */
  readonly sent: readonly PlacedDatagram[];
  /** Of the node, in order. */
  readonly received: readonly PlacedDatagram[];
  readonly reactionMs: number;
  readonly slackMs: number;
  number(name: string): number;
  /** What the token of a kit's question is worth when it arrives. */
  standingOf(question: PlacedDatagram): Standing;
}

const NO_TOKEN = '0'.repeat(16);

/** Whether the token field holds a token. */
export function hasToken({ seen }: PlacedDatagram): boolean {
  return seen.token !== undefined && seen.token !== NO_TOKEN;
}

/** A request, by whoever sent it. */
export function isQuestion({ rule }: PlacedDatagram): boolean {
  return rule?.requestId === 'request';
}

/** A reply: an answer or a Retry. */
export function isReply({ rule }: PlacedDatagram): boolean {
  return rule?.requestId === 'reply';
}

/** A Retry. */
export function isRetry({ rule }: PlacedDatagram): boolean {
  return rule?.name === 'Retry';
}

/** Whether the body is in order by WIR-040 to WIR-046. */
export function hasBody({ frame }: PlacedDatagram): boolean {
  if (frame === undefined) return false;
  const [split] = splitPlaintext(unhex(frame.raw)).frames;
  return split !== undefined && bodyFault(split.kind, split.body) === undefined;
}

/** Whether a reply has the cookie, the request id and a kind that fit a question; addresses are not looked at. */
export function fits(reply: PlacedDatagram, question: PlacedDatagram): boolean {
  return (
    reply.seen.cookie === question.seen.cookie &&
    reply.frame?.requestId === question.frame?.requestId &&
    (isRetry(reply) || reply.rule?.kind === question.rule?.answeredBy)
  );
}

/** Host and port of `IP:PORT`. */
export function hostOf(endpoint: string): string {
  return endpoint.slice(0, endpoint.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}

/** Reads a trace. */
export function viewDatagrams(trace: Trace): DatagramView {
  const placed = (type: 'datagram' | 'sentDatagram'): readonly PlacedDatagram[] =>
    trace.events.flatMap((event, index): readonly PlacedDatagram[] => {
      if (event.type !== type) return [];
      const { datagram: seen } = event;
      const endpoint = event.type === 'datagram' ? event.to : event.from;
      const rule = seen.frame === undefined ? undefined : frameRule(seen.frame.kind);
      return [{ event: index, atMs: event.atMs, endpoint, seen, bytes: seen.bytes.length / 2, frame: seen.frame, rule }];
    });
  const sent = placed('sentDatagram');
  const received = placed('datagram');
  const slackMs = hasWallClock(trace) ? WALL_SLACK_MS : 0;
  const number = (name: string): number => Number(trace.parameters[name]);

  function standingOf(question: PlacedDatagram): Standing {
    if (!hasToken(question)) return 'none';
    const given = received.filter((reply) => reply.event < question.event && isReply(reply) && reply.seen.token === question.seen.token);
    const here = given.filter((reply) => reply.endpoint === question.endpoint);
    const newest = here.at(-1);
    if (newest === undefined) return 'foreign';
    const ageMs = question.atMs - newest.atMs;
    if (ageMs <= number('datagram.token_ms')) return 'valid';
    return ageMs > 2 * number('datagram.token_ms') + slackMs ? 'expired' : 'open';
  }

  return { trace, sent, received, reactionMs: number('session.reaction_ms_max') + slackMs, slackMs, number, standingOf };
}
