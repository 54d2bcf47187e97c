/** What the gossip machine knows of one message, and which topics it serves. */
import type { Transaction } from '../../../proto/gen/carillon/v1/mempool_pb.ts';
import type { Params } from '../params.ts';
import type { EnvelopeHash, MessageId, PeerId } from '../types.ts';
import { TRANSACTION_TOPIC } from '../wire/transaction.ts';

/** A message whose envelope passed GSP-010 to GSP-018, or one of the node's own. */
export interface GossipMessage {
  readonly id: MessageId;
  readonly origin: PeerId;
  readonly topic: string;
  readonly data: Uint8Array;
  /** The bytes as they came, which are the bytes that go on (IDN-042). */
  readonly envelope: Uint8Array;
  readonly hash: EnvelopeHash;
  /** Hops of the copy that was taken, 0 for a Direct; undefined for the node's own message. */
  readonly receivedHops: number | undefined;
  /** What the envelope holds on topic `tx`. */
  readonly transaction?: Transaction;
}

const SERVED_TOPIC = /^app\/[a-z0-9-]{1,32}$/;

/** Whether the topic is one of an application: `app/` and a name. */
export function isAppTopic(topic: string): boolean {
  return SERVED_TOPIC.test(topic);
}

/** Whether a node with these parameters serves the topic. Spec: GSP-012, MEM-004 */
export function isServedTopic(topic: string, params: Pick<Params, 'mempool.mode'>): boolean {
  return isAppTopic(topic) || (topic === TRANSACTION_TOPIC && params['mempool.mode'] === 'on');
}

/** The hops of an item that carries the message, at most `hopsMax`. Spec: GSP-043 */
export function hopsToSend(message: GossipMessage, hopsMax: number): number {
  return message.receivedHops === undefined ? 0 : Math.min(message.receivedHops + 1, hopsMax);
}

/** Stands for every origin without stake in Prune, Graft and the counts. Spec: GSP-065 */
export const UNSTAKED_ORIGINS: PeerId = '0'.repeat(64) as PeerId;

/** The name under which an origin is pruned and counted: its own if it has stake, else that of all who have none. */
export function originKey(origin: PeerId, stakeOf: (peer: PeerId) => bigint): PeerId {
  return stakeOf(origin) > 0n ? origin : UNSTAKED_ORIGINS;
}
