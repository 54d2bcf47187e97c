/**
 * The contract between the core and whoever runs it, and between the machines inside the core.
 *
 * The one law: `handle(input, now)` returns effects, which are carried out in array order; then
 * `deadline()` says when the next `tick` is due. Nothing waits, calls back or emits.
 */
import type { ClauseId, Direction, EnvelopeHash, ErrorName, LinkId, MessageId, MonoMs, Now, PeerId, Verdict } from './types.ts';

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
      readonly address: string;
      readonly capabilities: ReadonlySet<string>;
    }
  | { readonly type: 'sessionDown'; readonly link: LinkId; readonly peer: PeerId }
  /** A frame that passed the frame rules and the rate buckets, of a kind that the session has. The body is a view: copy what is kept. */
  | { readonly type: 'frame'; readonly link: LinkId; readonly kind: number; readonly requestId: number; readonly body: Uint8Array }
  /** One overrun (GSP-090 counts 1 for every 50). */
  | { readonly type: 'overrun'; readonly link: LinkId; readonly peer: PeerId };

/** What another machine asks of the session machine. */
export type SessionCommand =
  | { readonly type: 'sendFrame'; readonly link: LinkId; readonly kind: number; readonly body: Uint8Array }
  | {
      readonly type: 'closeSession';
      readonly link: LinkId;
      readonly code: ErrorName;
      readonly clause: ClauseId;
      readonly retryAfterMs?: number;
    };

/** A pure machine: the node as a whole, and each chapter's part of it, have this shape. */
export interface Machine<Input, Output> {
  handle(input: Input, now: Now): readonly Output[];
  /** When the next `tick` is due on the monotonic clock, or undefined if nothing waits. May change with every `handle`. */
  deadline(): MonoMs | undefined;
}

/** The node: what the runtime, the simulator and the adapter run. */
export type NodeMachine = Machine<NodeInput, NodeEffect>;
