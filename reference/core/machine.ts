/**
 * The contract between the core and whoever runs it, and between the machines inside the core.
 *
 * The one law: `handle(input, now)` returns effects, which are carried out in array order; then
 * `deadline()` says when the next `tick` is due. Nothing waits, calls back or emits.
 */
import type { Address } from '../../proto/gen/carillon/v1/common_pb.ts';
import type { Transaction } from '../../proto/gen/carillon/v1/mempool_pb.ts';
import type { DhtNotice, DhtOutcome, DhtRequest } from './dht/contract.ts';
import type { MempoolNotice, MempoolOutcome, MempoolRequest } from './mempool/contract.ts';
import type { OverlayNotice, OverlayOutcome, OverlayRequest } from './overlay/contract.ts';
import type { ReconciliationNotice } from './reconciliation/contract.ts';
import type { RecordsNotice, RecordsOutcome, RecordsRequest } from './records/contract.ts';
import type { TopologyNotice, TopologyOutcome, TopologyRequest } from './topology/contract.ts';
import type {
  AskId,
  ClauseId,
  Direction,
  Endpoint,
  EnvelopeHash,
  ErrorName,
  LinkId,
  MessageId,
  MonoMs,
  Now,
  PeerId,
  Verdict,
} from './types.ts';

/** What the application or the operator asks of the node; every request gets one outcome with its token. */
export type LocalRequest = RecordsRequest | DhtRequest | OverlayRequest | TopologyRequest | MempoolRequest;

/** What became of a request. */
export type LocalOutcome = RecordsOutcome | DhtOutcome | OverlayOutcome | TopologyOutcome | MempoolOutcome;

/** What the node tells the application unasked. */
export type LocalNotice = RecordsNotice | ReconciliationNotice | DhtNotice | OverlayNotice | TopologyNotice | MempoolNotice;

/** Everything that can happen to a node. */
export type NodeInput =
  /** A connection appears; the handshake is still to come. `dial` answers a Dial effect. */
  | { readonly type: 'linkOpened'; readonly link: LinkId; readonly direction: Direction; readonly address: string; readonly dial?: number }
  /** A connection whose handshake is taken as done (tests, in-process networks): frames are plaintext. */
  | {
      readonly type: 'linkEstablished';
      readonly link: LinkId;
      readonly direction: Direction;
      readonly address: string;
      readonly dial?: number;
      readonly publicKey: Uint8Array;
      readonly capabilities: readonly string[];
      /** Role bits of the peer's hello; 1 (app) if absent. */
      readonly roles?: number;
      readonly listenAddresses?: readonly Address[];
    }
  /** A whole WebSocket message arrived. */
  | { readonly type: 'message'; readonly link: LinkId; readonly data: Uint8Array; readonly text: boolean }
  /** The plaintext of one transport message arrived on an established link. */
  | { readonly type: 'plaintext'; readonly link: LinkId; readonly data: Uint8Array }
  /** The connection is gone. */
  | { readonly type: 'linkClosed'; readonly link: LinkId }
  /** A dial came to nothing. */
  | { readonly type: 'dialFailed'; readonly dial: number }
  /** The application publishes. */
  | { readonly type: 'publish'; readonly topic: string; readonly data: Uint8Array }
  /** The application's verdict on a pending message. */
  | { readonly type: 'validated'; readonly token: number; readonly verdict: Verdict }
  /** The operator wants a session. */
  | { readonly type: 'connect'; readonly address: string; readonly expected?: PeerId }
  /** A datagram arrived; who sent it is hearsay. */
  | { readonly type: 'datagram'; readonly from: Endpoint; readonly data: Uint8Array }
  /** The application or the operator asks for something; the token comes back with the outcome. */
  | { readonly type: 'local'; readonly token: number; readonly request: LocalRequest }
  /** What a name of a `resolve` effect stands for: the texts of its TXT records, none when there are none. */
  | { readonly type: 'resolved'; readonly name: string; readonly texts: readonly string[] }
  /** The operator stops the node: sessions end with E_SHUTDOWN. */
  | { readonly type: 'shutdown' }
  /** `deadline()` has come. */
  | { readonly type: 'tick' };

/** Everything that a node can ask of its runtime, in the order in which it is to be done. */
export type NodeEffect =
  | { readonly type: 'dial'; readonly dial: number; readonly address: string }
  | { readonly type: 'close'; readonly link: LinkId; readonly code: ErrorName | undefined }
  /** One WebSocket message to send. */
  | { readonly type: 'message'; readonly link: LinkId; readonly data: Uint8Array }
  /** One batch of frames to hand over on an established link. */
  | { readonly type: 'plaintext'; readonly link: LinkId; readonly data: Uint8Array }
  | { readonly type: 'established'; readonly link: LinkId; readonly peer: PeerId; readonly capabilities: readonly string[] }
  | { readonly type: 'sessionEnded'; readonly link: LinkId; readonly peer: PeerId; readonly code: ErrorName | undefined }
  | { readonly type: 'deliver'; readonly topic: string; readonly id: MessageId; readonly origin: PeerId; readonly data: Uint8Array }
  | {
      readonly type: 'validate';
      readonly token: number;
      readonly topic: string;
      readonly id: MessageId;
      readonly origin: PeerId;
      readonly data: Uint8Array;
    }
  | {
      readonly type: 'verdict';
      readonly link: LinkId;
      readonly envelopeHash: EnvelopeHash;
      readonly verdict: Verdict;
      readonly code: ErrorName | undefined;
      readonly clause: ClauseId | undefined;
    }
  /** The application asked to publish what no node would take; nothing was sent. */
  | { readonly type: 'publishRefused'; readonly code: ErrorName; readonly message: string }
  /** One datagram to send; it may get lost. */
  | { readonly type: 'datagram'; readonly to: Endpoint; readonly data: Uint8Array }
  /** The answer to a `local` input. */
  | { readonly type: 'outcome'; readonly token: number; readonly outcome: LocalOutcome }
  | { readonly type: 'notice'; readonly notice: LocalNotice }
  /** Look up the TXT records of a DNS name, and answer with `resolved`. */
  | { readonly type: 'resolve'; readonly name: string }
  /** A peer broke a clause; what happens to it is in other effects. */
  | {
      readonly type: 'violation';
      readonly link: LinkId;
      readonly peer: PeerId | undefined;
      readonly code: ErrorName;
      readonly clause: ClauseId;
    };

/** What the session machine tells the other machines, through the table in `node.ts`. */
export type SessionEvent =
  | {
      readonly type: 'sessionUp';
      readonly link: LinkId;
      readonly peer: PeerId;
      readonly publicKey: Uint8Array;
      readonly address: string;
      readonly direction: Direction;
      readonly capabilities: ReadonlySet<string>;
      /** Of the peer's hello: what it claims to be, and where it says that it listens. */
      readonly roles: number;
      readonly listenAddresses: readonly Address[];
    }
  | { readonly type: 'sessionDown'; readonly link: LinkId; readonly peer: PeerId }
  /** A frame that passed the frame rules and the rate buckets, of a kind that the session has. The body is a view: copy what is kept. */
  | { readonly type: 'frame'; readonly link: LinkId; readonly kind: number; readonly requestId: number; readonly body: Uint8Array }
  /** The answer to a question: a reply of the kind that the question's kind asks for. The body is a view. */
  | { readonly type: 'answered'; readonly ask: AskId; readonly link: LinkId; readonly kind: number; readonly body: Uint8Array }
  /** A question found no answer in its time, or its session ended. `kind` is the question's. */
  | { readonly type: 'unanswered'; readonly ask: AskId; readonly kind: number }
  /** One measured round trip. */
  | { readonly type: 'rtt'; readonly link: LinkId; readonly peer: PeerId; readonly ms: number }
  /** A dial that a machine or the operator wanted is over: `peer` is who answered with a session, undefined when nothing came of it. */
  | { readonly type: 'dialEnded'; readonly address: string; readonly expected: PeerId | undefined; readonly peer: PeerId | undefined }
  /** One overrun (GSP-090 counts 1 for every 50). */
  | { readonly type: 'overrun'; readonly link: LinkId; readonly peer: PeerId };

/** What another machine asks of the session machine. A machine may also want a session: NodeInput `connect`. */
export type SessionCommand =
  /** Puts a question of a request kind; the session machine picks the request id and says `answered` or `unanswered` once. */
  | {
      readonly type: 'ask';
      readonly ask: AskId;
      readonly link: LinkId;
      readonly kind: number;
      readonly body: Uint8Array;
      readonly timeoutMs: number;
    }
  /** Answers the request of a `frame` event. */
  | { readonly type: 'answer'; readonly link: LinkId; readonly requestId: number; readonly kind: number; readonly body: Uint8Array }
  | { readonly type: 'sendFrame'; readonly link: LinkId; readonly kind: number; readonly body: Uint8Array }
  | {
      readonly type: 'closeSession';
      readonly link: LinkId;
      readonly code: ErrorName;
      readonly clause: ClauseId;
      readonly retryAfterMs?: number;
    };

/** A wish for a session, as machines have it. */
export type ConnectCommand = Extract<NodeInput, { readonly type: 'connect' }>;

/** Names a question that came by datagram until it is answered; the datagram machine's own count. */
export type DatagramHandle = number & { readonly brand: 'DatagramHandle' };

/** What another machine asks of the datagram machine. */
export type DatagramCommand =
  /** Puts a question; `answeredByDatagram` or `unanswered` follows once. Without `peer` whoever answers will do. */
  | {
      readonly type: 'askByDatagram';
      readonly ask: AskId;
      readonly to: Endpoint;
      readonly peer: PeerId | undefined;
      readonly kind: number;
      readonly body: Uint8Array;
      readonly timeoutMs: number;
    }
  | { readonly type: 'answerByDatagram'; readonly handle: DatagramHandle; readonly kind: number; readonly body: Uint8Array };

/** What the datagram machine tells the other machines. Bodies are views. */
export type DatagramEvent =
  /** A question that passed the gate; the body of the answer may have `bodyBytesMax` bytes. */
  | {
      readonly type: 'datagramAsked';
      readonly handle: DatagramHandle;
      readonly from: Endpoint;
      readonly kind: number;
      readonly body: Uint8Array;
      readonly bodyBytesMax: number;
    }
  /** An answer whose proof is in order: `peer` made it. */
  | {
      readonly type: 'answeredByDatagram';
      readonly ask: AskId;
      readonly from: Endpoint;
      readonly peer: PeerId;
      readonly publicKey: Uint8Array;
      readonly kind: number;
      readonly body: Uint8Array;
    }
  | { readonly type: 'unanswered'; readonly ask: AskId; readonly kind: number };

/** The sets that nodes bring into agreement, chapter 07. */
export type SetName = 'records' | 'transactions' | 'evidence' | 'votes';

/** Between gossip and the mempool: who judges, and what is spread. */
export type TransactionEvent =
  /** Gossip found nothing against a transaction; the mempool has the last word. */
  | {
      readonly type: 'judgeTransaction';
      readonly token: number;
      readonly id: MessageId;
      readonly origin: PeerId;
      readonly envelope: Uint8Array;
      readonly transaction: Transaction;
    }
  /** The last word; code and clause when it is not accept. */
  | {
      readonly type: 'transactionJudged';
      readonly token: number;
      readonly verdict: Verdict;
      readonly code: ErrorName | undefined;
      readonly clause: ClauseId | undefined;
    }
  /** Transactions that came in another way than by Push; gossip judges them. */
  | { readonly type: 'transactionsArrived'; readonly link: LinkId; readonly envelopes: readonly Uint8Array[] }
  /** A transaction that was submitted here and is in the pool; gossip spreads it. */
  | { readonly type: 'spreadTransaction'; readonly id: MessageId; readonly origin: PeerId; readonly envelope: Uint8Array }
  /** Transactions for a leader that has come near; gossip sends those that the link is not known to have. */
  | {
      readonly type: 'forwardTransactions';
      readonly link: LinkId;
      readonly items: readonly { readonly id: MessageId; readonly envelope: Uint8Array }[];
    };

/** What machines tell each other across the chapters. */
export type PeerEvent =
  /** Somebody who may be worth a session; told to the topology. */
  | { readonly type: 'candidate'; readonly peer: PeerId; readonly addresses: readonly Address[] }
  /** The topology knows too few candidates; told to the DHT. */
  | { readonly type: 'wantPeers'; readonly count: number }
  /** The node's role in the overlay, or the supernodes by which it is reached, changed; told to the records. */
  | { readonly type: 'placeChanged' }
  /** The overlay or the topology wants to reach a peer; told to the DHT, which answers with `contactFound`. */
  | { readonly type: 'wantContact'; readonly peer: PeerId }
  /** No addresses: not found. */
  | { readonly type: 'contactFound'; readonly peer: PeerId; readonly addresses: readonly Address[] }
  /** Items that a peer gave for a set, each checked against the id that was asked for; told to the machine that keeps the set. */
  | { readonly type: 'reconciled'; readonly set: SetName; readonly link: LinkId; readonly items: readonly Uint8Array[] }
  /** A peer wasted this node's time by its answers; the reason is for views. Told to the topology. */
  | { readonly type: 'misbehaved'; readonly peer: PeerId; readonly code: ErrorName; readonly clause: ClauseId }
  /** An envelope of a peer was rejected outside of gossip; told to gossip, which keeps the score (GSP-090). */
  | { readonly type: 'envelopeRejected'; readonly peer: PeerId };

/** A pure machine: the node as a whole, and each chapter's part of it, have this shape. */
export interface Machine<Input, Output> {
  handle(input: Input, now: Now): readonly Output[];
  /** When the next `tick` is due on the monotonic clock, or undefined if nothing waits. May change with every `handle`. */
  deadline(): MonoMs | undefined;
}

/** The node: what the runtime, the simulator and the adapter run. */
export type NodeMachine = Machine<NodeInput, NodeEffect>;
