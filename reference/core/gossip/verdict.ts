/** The verdict on one envelope: every check in the order of its clause, cheapest first. Spec: GSP-010 to GSP-020 */
import { type AppPayload, AppPayloadSchema } from '../../../proto/gen/carillon/v1/gossip_pb.ts';
import type { Envelope } from '../../../proto/gen/carillon/v1/identity_pb.ts';
import type { Transaction } from '../../../proto/gen/carillon/v1/mempool_pb.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { Params } from '../params.ts';
import type { ClauseId, EnvelopeHash, ErrorName, MessageId, Now, PeerId } from '../types.ts';
import { envelopeId, envelopeOrigin, type OpenedEnvelope, openEnvelope, verifyEnvelope } from '../wire/envelope.ts';
import { openTransaction, TRANSACTION_TOPIC } from '../wire/transaction.ts';
import { type GossipMessage, isServedTopic } from './message.ts';

/** The context of envelopes that carry gossip of this revision. */
export const APP_CONTEXT = 'app';

/** What a transaction has in the place of application data. */
export const NO_DATA: Uint8Array = new Uint8Array(0);

/** One envelope as it came. */
export interface ReceivedItem {
  readonly topic: string;
  /** 0 for an envelope of a Direct (GSP-103). */
  readonly hops: number;
  readonly envelope: Uint8Array;
  readonly hash: EnvelopeHash;
}

/** What does not change while a node runs. */
export interface VerdictContext {
  readonly params: Params;
  readonly crypto: CryptoProvider;
  readonly networkId: Uint8Array;
}

/** What the node remembers; the verdict asks and changes nothing. */
export interface VerdictMemory {
  /** Whether the id was accepted within `gossip.seen_ttl_ms`. */
  hasAccepted(id: MessageId): boolean;
  /** The answer of the predicate for these very bytes, where it is known. */
  knownSignature(hash: EnvelopeHash, id: MessageId): boolean | undefined;
  isSelf(origin: PeerId): boolean;
  /** Whether a copy waits for the application's verdict. */
  isPending(id: MessageId): boolean;
  floodAllows(origin: PeerId): boolean;
}

/** For judging an envelope alone: as a node that has just started, with buckets that never empty. */
export const NOTHING_REMEMBERED: VerdictMemory = {
  hasAccepted: () => false,
  knownSignature: () => undefined,
  isSelf: () => false,
  isPending: () => false,
  floodAllows: () => true,
};

/** The result of all checks; `id` and `origin` are there as far as the envelope told them. */
export type Judgement =
  | { readonly verdict: 'pass' | 'pending'; readonly message: GossipMessage }
  | {
      readonly verdict: 'ignore' | 'reject';
      readonly code: ErrorName;
      readonly clause: ClauseId;
      readonly id: MessageId | undefined;
      readonly origin: PeerId | undefined;
    };

/** `pass`: nothing speaks against accepting; `pending`: a good copy of a message that the application has not judged yet. */
export function judgeItem(context: VerdictContext, memory: VerdictMemory, item: ReceivedItem, now: Now): Judgement {
  const { params, crypto, networkId } = context;
  const isTransaction = item.topic === TRANSACTION_TOPIC;
  if (item.envelope.length > params['gossip.message_bytes_max']) return refuse('reject', 'E_SIZE', 'GSP-010');
  if (isTransaction && item.envelope.length > params['mempool.transaction_bytes_max']) return refuse('reject', 'E_SIZE', 'MEM-002');
  if (item.hops > params['gossip.hops_max']) return refuse('ignore', 'E_STRUCTURE', 'GSP-011', identify(context, item));
  if (!isServedTopic(item.topic, params)) return refuse('ignore', 'E_TOPIC', isTransaction ? 'MEM-004' : 'GSP-012');

  const opened = openMessage(item);
  if (opened.verdict !== 'ok') return refuse(opened.verdict, opened.code, opened.clause); // GSP-013
  const { envelope, payload } = opened;
  if ('topic' in payload && payload.topic !== item.topic) return refuse('reject', 'E_TOPIC', 'GSP-014');

  const names = nameEnvelope(context, envelope);
  const { id, origin } = names;
  if (memory.hasAccepted(id)) return refuse('ignore', 'E_DUPLICATE', 'GSP-015', names);
  if (isBeforeWindow(payload, params, now)) return refuse('ignore', 'E_TIME', 'GSP-016', names);
  if (isAfterWindow(payload, params, now)) return refuse('ignore', 'E_TIME', 'GSP-017', names);
  const isSigned = memory.knownSignature(item.hash, id) ?? verifyEnvelope(crypto, networkId, envelope);
  if (!isSigned) return refuse('reject', 'E_SIGNATURE', 'GSP-018', names);
  if (memory.isSelf(origin)) return refuse('ignore', 'E_DUPLICATE', 'GSP-019', names);

  const message = toMessage(item, names, payload);
  // A copy of what waits already is judged with it and costs its origin nothing (GSP-027).
  if (memory.isPending(id)) return { verdict: 'pending', message };
  if (!memory.floodAllows(origin)) return refuse('ignore', 'E_ORIGIN_RATE', 'GSP-020', names);
  return { verdict: 'pass', message };
}

interface Dated {
  readonly createdMs: bigint;
}

interface Names {
  readonly id: MessageId;
  readonly origin: PeerId;
}

function refuse(verdict: 'ignore' | 'reject', code: ErrorName, clause: ClauseId, names?: Names): Judgement {
  return { verdict, code, clause, id: names?.id, origin: names?.origin };
}

/** Whose message an item with too many hops carries: its link has the message all the same (GSP-041). */
function identify(context: VerdictContext, item: ReceivedItem): Names | undefined {
  const opened = openMessage(item);
  if (opened.verdict !== 'ok') return undefined;
  return nameEnvelope(context, opened.envelope);
}

function nameEnvelope({ crypto, networkId }: VerdictContext, envelope: Envelope): Names {
  return { id: envelopeId(crypto, networkId, envelope), origin: envelopeOrigin(crypto, envelope) };
}

/** Opens an envelope as what its topic carries. Spec: GSP-013, MEM-001 */
function openMessage(item: ReceivedItem): OpenedEnvelope<AppPayload | Transaction> {
  if (item.topic === TRANSACTION_TOPIC) return openTransaction(item.envelope);
  return openEnvelope(item.envelope, APP_CONTEXT, AppPayloadSchema);
}

/** Both ends of the window are part of it. */
function isBeforeWindow(payload: Dated, params: Params, now: Now): boolean {
  return payload.createdMs < BigInt(now.wallMs) - BigInt(params['clock.past_ms_max']);
}

function isAfterWindow(payload: Dated, params: Params, now: Now): boolean {
  return payload.createdMs > BigInt(now.wallMs) + BigInt(params['clock.future_ms_max']);
}

function toMessage(item: ReceivedItem, names: Names, payload: AppPayload | Transaction): GossipMessage {
  const content = 'topic' in payload ? { data: payload.data } : { data: NO_DATA, transaction: payload };
  return {
    id: names.id,
    origin: names.origin,
    topic: item.topic,
    ...content,
    envelope: item.envelope,
    hash: item.hash,
    receivedHops: item.hops,
  };
}
