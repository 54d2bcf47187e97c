/**
 * What happened when a plan was carried out: one list of events in order, the only thing that
 * judges see. Events of a socket, a simulator or a cluster have the same form.
 */
import type { Hex, Label, Setup, Step } from './plan.ts';

/** A frame read by the kit's own reader. `body` is undefined when it is not well-formed. */
export interface SeenFrame {
  readonly kind: number;
  readonly requestId: number;
  readonly body: SeenBody | undefined;
  readonly raw: Hex;
}

export type SeenBody =
  | { readonly type: 'Ping' | 'Pong'; readonly nonce: Hex }
  | { readonly type: 'GoAway'; readonly code: number; readonly retryAfterMs: bigint }
  | { readonly type: 'Push'; readonly topic: string; readonly items: readonly { readonly hops: number; readonly envelope: SeenEnvelope }[] }
  | { readonly type: 'Direct'; readonly topic: string; readonly envelopes: readonly SeenEnvelope[] }
  | { readonly type: 'Prune'; readonly origins: readonly Hex[]; readonly backoffMs: bigint }
  | { readonly type: 'Graft'; readonly origins: readonly Hex[] }
  | { readonly type: 'Ihave'; readonly topic: string; readonly ids: readonly Hex[] }
  | { readonly type: 'Iwant' | 'Idontwant'; readonly ids: readonly Hex[] }
  /** A body of a later chapter, read by the table of its message. */
  | { readonly type: 'message'; readonly message: string; readonly fields: SeenFields }
  | { readonly type: 'unknown' };

/** A field: bytes in hexadecimal, text as it is, 64-bit numbers as bigint, others as number. */
export type SeenValue = Hex | bigint | number | boolean | SeenFields | SeenEnvelope | readonly SeenValue[];

/** A message by its field names in camelCase. Singular fields that are absent have their default; absent messages, members of a oneof and optional fields have no entry. */
export interface SeenFields {
  readonly [field: string]: SeenValue;
}

/** An envelope in a frame that was sent or received, read by the kit's model. */
export interface SeenEnvelope {
  readonly bytes: Hex;
  /** SHA-256 of the bytes. */
  readonly hash: Hex;
  /** Undefined when the envelope does not decode. */
  readonly id: Hex | undefined;
  readonly origin: Hex | undefined;
  readonly createdMs: bigint | undefined;
  /** Undefined when the envelope does not decode. */
  readonly context?: string | undefined;
  /** What is signed, where the context has a payload of version 1 that decodes; not for context `app`, of which `createdMs` is all that is judged. */
  readonly payload?: { readonly message: string; readonly fields: SeenFields } | undefined;
  /** The name in the plan, for envelopes that the kit made. */
  readonly name: string | undefined;
}

/** A datagram read by the kit's model; what cannot be read has bytes and fault alone. */
export interface SeenDatagram {
  readonly bytes: Hex;
  /** The clause of chapter 03 that drops it whatever came before, with its code. */
  readonly fault: { readonly code: string; readonly clause: string } | undefined;
  readonly cookie?: Hex;
  /** Zeros for none. */
  readonly token?: Hex;
  readonly frame?: SeenFrame;
  /** Whose proof stands behind the frame. */
  readonly proof?: { readonly peerId: Hex; readonly publicKey: Hex; readonly valid: boolean };
}

/** Monotonic milliseconds of the node at level adapter, of the kit at level wire. */
interface At {
  readonly atMs: number;
  /** Index of the step during which it happened. */
  readonly step: number;
}

export type TraceEvent =
  /** What the kit did. */
  | (At & { readonly type: 'step'; readonly value: Step })
  | (At & {
      readonly type: 'linkUp';
      readonly link: number;
      readonly peer: Label;
      readonly peerId: Hex;
      readonly address: string;
      readonly direction: 'inbound' | 'outbound';
      readonly capabilities: readonly string[];
    })
  /** A session exists on the link; at level wire and on raw links the kit's own handshake has ended well. `offered` is the capability list of the node's hello, where the kit has read one. */
  | (At & {
      readonly type: 'sessionUp';
      readonly link: number;
      readonly nodePeerId: Hex;
      readonly capabilities: readonly string[];
      readonly offered?: readonly string[];
      /** Listen addresses of the node's hello, where the kit has read one: `ws://1.2.3.4:5`. */
      readonly listens?: readonly string[];
    })
  /** The kit's handshake came to an end without a session. */
  | (At & { readonly type: 'handshakeFailed'; readonly link: number; readonly reason: string })
  | (At & { readonly type: 'sentFrame'; readonly link: number; readonly frame: SeenFrame; readonly size: number; readonly auto: boolean })
  /** Bytes as they were given to the transport; `role` for handshake messages, and for a `plaintext` step, whose bytes are those before sealing. */
  | (At & {
      readonly type: 'sentRaw';
      readonly link: number;
      readonly bytes: Hex;
      readonly text: boolean;
      readonly role?: 'handshake1' | 'handshake2' | 'handshake3' | 'plaintext';
    })
  /** The kit could not carry the step out: the link is closed or unknown, or a reference has nothing to refer to. Link −1 for steps without one. */
  | (At & { readonly type: 'notSent'; readonly link: number; readonly reason?: string })
  /** What the node did. */
  | (At & { readonly type: 'frame'; readonly link: number; readonly frame: SeenFrame })
  /** A raw message before the session exists (handshake messages), or one that the kit cannot open or split into frames. */
  | (At & {
      readonly type: 'message';
      readonly link: number;
      readonly bytes: Hex;
      readonly role: 'handshake1' | 'handshake2' | 'handshake3' | 'unreadable';
      /** The WebSocket message was of type text. */
      readonly text?: boolean;
    })
  | (At & { readonly type: 'closed'; readonly link: number; readonly code: string | undefined; readonly by: 'node' | 'kit' })
  /** The node's answer to an `upgrade` step: the HTTP status (0 when it ended the connection without one) and, for 101, what it selected. */
  | (At & {
      readonly type: 'upgraded';
      readonly link: number;
      readonly status: number;
      readonly subprotocol: string | undefined;
      readonly extensions: string | undefined;
    })
  | (At & { readonly type: 'dial'; readonly dial: number; readonly address: string })
  | (At & { readonly type: 'deliver'; readonly topic: string; readonly id: Hex; readonly origin: Hex; readonly data: Hex })
  | (At & { readonly type: 'validate'; readonly token: number; readonly topic: string; readonly id: Hex; readonly origin: Hex })
  | (At & {
      readonly type: 'verdict';
      readonly link: number;
      readonly envelopeHash: Hex;
      readonly verdict: 'accept' | 'ignore' | 'reject';
      readonly code: string;
      readonly clause: string;
    })
  /** A datagram of the node to an address of the kit. */
  | (At & { readonly type: 'datagram'; readonly to: string; readonly datagram: SeenDatagram })
  | (At & { readonly type: 'sentDatagram'; readonly from: string; readonly datagram: SeenDatagram; readonly auto: boolean })
  /** A command with the bytes of its arguments; `envelope` is the first one that the plan seals. */
  | (At & {
      readonly type: 'sentCommand';
      readonly label: string;
      readonly command: string;
      readonly args: readonly Hex[];
      readonly envelope?: SeenEnvelope;
    })
  /** What the command of that label came to; the error is empty when there are values, or none to give. */
  | (At & {
      readonly type: 'outcome';
      readonly label: string;
      readonly command: string;
      readonly error: string;
      readonly values: readonly Hex[];
    })
  | (At & { readonly type: 'notice'; readonly notice: string; readonly values: readonly Hex[] })
  | (At & { readonly type: 'resolve'; readonly name: string })
  | (At & { readonly type: 'crashed' })
  | (At & { readonly type: 'restarted' });

export interface Trace {
  readonly level: 'adapter' | 'wire';
  /** On a wall clock everything may be seen a little later than it is due. */
  readonly clock?: 'virtual' | 'wall';
  /** Whether `deliver`, `verdict` and close codes can be seen here at all. */
  readonly observes: { readonly deliver: boolean; readonly verdict: boolean; readonly closeCode: boolean; readonly dial: boolean };
  readonly networkId: string;
  readonly nodePeerId: Hex;
  /** The node's wall clock when `atMs` was 0. */
  readonly wallStartMs: number;
  /** Value of a parameter of chapter 19 in this run, overrides included. */
  readonly parameters: Readonly<Record<string, number | string>>;
  /** PeerId in hex by label, for every label of the plan. */
  readonly peerIds: Readonly<Record<Label, Hex>>;
  readonly stakes: Readonly<Record<Hex, number>>;
  /** The plan's setup: accepted messages wait for `validated` steps. */
  readonly applicationValidation: boolean;
  /** All of the plan's setup. */
  readonly setup?: Setup;
  readonly events: readonly TraceEvent[];
  /** Monotonic time at which the plan ended. */
  readonly endMs: number;
}

/** Whether time is real in the trace, so that what the node does may be seen later than it was due. */
export function hasWallClock(trace: Trace): boolean {
  return trace.level === 'wire' || trace.clock === 'wall';
}
