/** The verdict on a Route: every check in the order of its clause, cheapest first. Spec: OVL-040 to OVL-047 */
import { SendPayloadSchema } from '../../../proto/gen/carillon/v1/overlay_pb.ts';
import { toHex } from '../bytes.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { Params } from '../params.ts';
import type { ClauseId, ErrorName, MessageId, Now, PeerId } from '../types.ts';
import { envelopeId, envelopeOrigin, openEnvelope, verifyEnvelope } from '../wire/envelope.ts';
import type { Route } from '../wire/overlay-body.ts';

/** The context of envelopes that Routes carry. */
export const SEND_CONTEXT = 'send';

const APP_TOPIC = /^app\/[a-z0-9-]{1,32}$/;

/** Whether the application may send on the topic. */
export function isAppTopic(topic: string): boolean {
  return APP_TOPIC.test(topic);
}

/** What does not change while a node runs. */
export interface RouteContext {
  readonly params: Params;
  readonly crypto: CryptoProvider;
  readonly networkId: Uint8Array;
}

/** What the node remembers; the verdict asks and changes nothing. */
export interface RouteMemory {
  /** Whether the id was taken or sent within `gossip.seen_ttl_ms`. */
  hasTaken(id: MessageId): boolean;
  isSelf(origin: PeerId): boolean;
  /** Whether there is room for another id. */
  hasRoom(): boolean;
}

/** For judging a Route alone: as a node that has just started. */
export const NO_ROUTES: RouteMemory = { hasTaken: () => false, isSelf: () => false, hasRoom: () => true };

/** A message for one node, in order. */
export interface SentMessage {
  readonly id: MessageId;
  readonly origin: PeerId;
  readonly topic: string;
  readonly data: Uint8Array;
}

export type RouteJudgement =
  | { readonly verdict: 'accept'; readonly message: SentMessage }
  | { readonly verdict: 'ignore' | 'reject'; readonly code: ErrorName; readonly clause: ClauseId };

export function judgeRoute(context: RouteContext, memory: RouteMemory, route: Route, now: Now): RouteJudgement {
  const { params, crypto, networkId } = context;
  if (route.envelope.length > params['overlay.send_bytes_max']) return refuse('reject', 'E_SIZE', 'OVL-040');
  if (route.hops > params['overlay.route_hops_max']) return refuse('ignore', 'E_HOPS', 'OVL-041');
  const opened = openEnvelope(route.envelope, SEND_CONTEXT, SendPayloadSchema);
  if (opened.verdict !== 'ok') return refuse(opened.verdict, opened.code, opened.clause); // OVL-042
  const { envelope, payload } = opened;
  if (toHex(payload.recipient) !== route.target || !isAppTopic(payload.topic)) return refuse('reject', 'E_RECIPIENT', 'OVL-043');
  const id = envelopeId(crypto, networkId, envelope);
  if (memory.hasTaken(id)) return refuse('ignore', 'E_DUPLICATE', 'OVL-044');
  const wallMs = BigInt(now.wallMs);
  const isPast = payload.createdMs < wallMs - BigInt(params['clock.past_ms_max']);
  if (isPast || payload.createdMs > wallMs + BigInt(params['clock.future_ms_max'])) return refuse('ignore', 'E_TIME', 'OVL-045');
  if (!verifyEnvelope(crypto, networkId, envelope)) return refuse('reject', 'E_SIGNATURE', 'OVL-046');
  const origin = envelopeOrigin(crypto, envelope);
  if (memory.isSelf(origin)) return refuse('ignore', 'E_DUPLICATE', 'OVL-047');
  if (!memory.hasRoom()) return refuse('ignore', 'E_BUSY', 'OVL-054');
  return { verdict: 'accept', message: { id, origin, topic: payload.topic, data: payload.data } };
}

function refuse(verdict: 'ignore' | 'reject', code: ErrorName, clause: ClauseId): RouteJudgement {
  return { verdict, code, clause };
}
