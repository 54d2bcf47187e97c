/**
 * A plan: what the kit will do to a node, as data, made before the first step is taken.
 *
 * Plans are generated, carried out, shrunk by leaving steps out, and written to trace files; so a
 * step holds literals, symbolic objects that the driver resolves (an envelope by a labelled
 * identity), or references to captured fields of earlier effects.
 *
 * One plan runs at level `adapter` (virtual clock) and, when it needs nothing that only an adapter
 * has, at level `wire` (a real socket).
 */

/** Lower-case hexadecimal bytes. */
export type Hex = string;

/** A name for a test identity, for example "alice"; the driver derives its keys from the run's seed. Labels `stake-1` … `stake-40` have stake 1000 each when the plan asks for stakes. `node` is the node under test. */
export type Label = string;

/** A captured value: `$3.pong.nonce` is field `nonce` of the first Pong effect of step 3; `$-1.ping.requestId` counts steps back from this one; `$*.ping.nonce` is the newest effect of that name so far on the step's link. */
export interface Ref {
  readonly ref: string;
}

export type BytesValue = Hex | Ref;
export type NumberValue = number | string | Ref; // decimal text for values above 2^53 − 1

/** How an envelope departs from what is in order; one defect at a time. */
export type EnvelopeDefect =
  | { readonly kind: 'signature' } // last signature byte flipped
  | { readonly kind: 'malleatedS' } // S + L
  | { readonly kind: 'resigned' } // no defect: another valid signature of the same message
  | { readonly kind: 'smallOrderKey' } // key and R of small order, all equations trivially true
  | { readonly kind: 'context'; readonly context: string } // signed for another context
  | { readonly kind: 'network'; readonly networkId: string } // signed for another network
  | { readonly kind: 'keyType'; readonly keyType: number }
  | { readonly kind: 'version'; readonly version: number } // payload version, signed correctly
  | { readonly kind: 'payloadTopic'; readonly topic: string } // payload names another topic, signed correctly
  | { readonly kind: 'payloadTrailing'; readonly bytes: Hex } // bytes after the payload, signed correctly
  | { readonly kind: 'payloadBytes'; readonly bytes: Hex } // the payload itself, signed correctly
  | { readonly kind: 'envelopeTrailing'; readonly bytes: Hex } // bytes after the envelope
  | { readonly kind: 'envelopeBytes'; readonly bytes: Hex }; // the envelope itself

/** A gossip message by a labelled identity. Equal specs in one run give equal bytes. */
export interface EnvelopeSpec {
  readonly origin: Label;
  readonly topic: string;
  /** Milliseconds before the node's wall clock at the step; negative: ahead of it. A message repeated later keeps its bytes through `id`. */
  readonly ageMs: number;
  readonly sequence: number;
  /** Literal bytes, or that many bytes of 0x61. */
  readonly data: Hex | { readonly size: number };
  readonly defect?: EnvelopeDefect;
  /** Names the bytes: the first step that uses a name makes them, later ones send the same. Defects apply after, so a bad copy of a named message has the good one's id. */
  readonly name: string;
}

/**
 * A value in a message of the tables, or bytes for a command: literals (hexadecimal for bytes, decimal
 * text for large numbers), references, lists, fields of messages, or one of the symbols.
 */
export type Value = string | number | boolean | readonly Value[] | ValueFields | SymbolicValue;

/** Fields of a message by their names in camelCase. */
export interface ValueFields {
  readonly [field: string]: Value;
}

export type SymbolicValue =
  | Ref
  | { readonly peerId: Label }
  | { readonly publicKey: Label }
  /** That many bytes of 0x61. */
  | { readonly size: number }
  | { readonly utf8: string }
  /** Bytes of a text that are no UTF-8. */
  | { readonly hex: Hex }
  /** 8 bytes, big-endian. */
  | { readonly u64: NumberValue | { readonly wallMs: number } }
  /** The node's wall clock and so many milliseconds. */
  | { readonly wallMs: number }
  | { readonly sealed: SealedSpec }
  /** The envelope id of what is sealed, without its defect. */
  | { readonly idOf: SealedSpec }
  /** An application message. */
  | { readonly envelope: EnvelopeSpec }
  /** SHA-256 of all of them together. */
  | { readonly hash: readonly Value[] }
  | { readonly join: readonly Value[] }
  | { readonly encoded: { readonly message: string; readonly fields: ValueFields } }
  /** An Address: `ws://1.2.3.4:5`, `wss://name:443`, `udp://[::1]:6`. */
  | { readonly address: string }
  | { readonly contact: { readonly peer: Label; readonly addresses: readonly string[] } };

/** An Envelope of any context. Equal names in one run give equal bytes. */
export interface SealedSpec {
  readonly context: string;
  readonly by: Label;
  /** The payload's message, and its fields; `version` is 1 where they leave it out. */
  readonly message: string;
  readonly fields: ValueFields;
  readonly defect?: EnvelopeDefect;
  /** The payload is not in order on purpose, other than by a defect. */
  readonly faulty?: true;
  /** As in `EnvelopeSpec`. */
  readonly name: string;
}

/** A frame's body: typed fields in the names of the proto files (camelCase), or raw bytes. */
export type BodySpec =
  | { readonly type: 'Ping' | 'Pong'; readonly nonce: BytesValue }
  | { readonly type: 'GoAway'; readonly code: number; readonly retryAfterMs?: NumberValue }
  | { readonly type: 'Push'; readonly topic: string; readonly items: readonly { readonly hops: number; readonly envelope: EnvelopeSpec }[] }
  | { readonly type: 'Direct'; readonly topic: string; readonly envelopes: readonly EnvelopeSpec[] }
  | { readonly type: 'Prune'; readonly origins: readonly OriginValue[]; readonly backoffMs: NumberValue }
  | { readonly type: 'Graft'; readonly origins: readonly OriginValue[] }
  | { readonly type: 'Ihave'; readonly topic: string; readonly ids: readonly IdValue[] }
  | { readonly type: 'Iwant' | 'Idontwant'; readonly ids: readonly IdValue[] }
  /** A message of the tables in `model/schemas.ts`, then `tail` as it is. The frame is the one of that name unless its kind is given. */
  | { readonly type: 'message'; readonly message: string; readonly fields: ValueFields; readonly tail?: Hex }
  | { readonly type: 'raw'; readonly bytes: Hex };

/** A PeerId: of a label, the zero origin, or literal. */
export type OriginValue = { readonly label: Label } | { readonly zero: true } | Hex;
/** A message id: of a named message (the spec makes it if it is new), captured, or literal. */
export type IdValue = { readonly of: EnvelopeSpec } | Ref | Hex;

export interface FrameSpec {
  /** Frame kind; the type of the body fixes it if absent. */
  readonly kind?: number;
  /** If absent: a fresh number for a request, 0 for others and for raw bodies of kind 2. */
  readonly requestId?: NumberValue;
  readonly body: BodySpec;
}

/** How a datagram departs from what is in order. */
export type DatagramDefect =
  | { readonly kind: 'tag' } // last byte of the tag flipped
  | { readonly kind: 'network'; readonly networkId: string } // tag and proof of another network
  | { readonly kind: 'proof' } // last byte of the signature flipped
  | { readonly kind: 'noProof' }
  | { readonly kind: 'tail'; readonly bytes: Hex } // bytes behind the rest
  | { readonly kind: 'cut'; readonly count: number }; // the last bytes missing

/** What an automatic peer is told, as its behaviour reads it. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** What the kit's handshake does wrong, at most one thing. */
export type HandshakeDefect =
  | { readonly kind: 'message1Payload'; readonly bytes: Hex }
  | { readonly kind: 'message1Length'; readonly size: number }
  | { readonly kind: 'zeroEphemeral' }
  | { readonly kind: 'flipByte'; readonly message: 1 | 2 | 3; readonly offset: number }
  | { readonly kind: 'oversize'; readonly message: 1 | 2 | 3; readonly size: number }
  | { readonly kind: 'prologue'; readonly networkId: string }
  | { readonly kind: 'staticKeySignature' } // hello signed, then signature flipped
  | { readonly kind: 'otherStaticKey' } // hello names another static key, signed correctly
  | { readonly kind: 'side' } // hello of the other side
  | { readonly kind: 'reflectHello' } // the node's own hello sent back
  | { readonly kind: 'context'; readonly context: string }
  | { readonly kind: 'network'; readonly networkId: string } // hello signed for another network
  | { readonly kind: 'version'; readonly version: number }
  | { readonly kind: 'trailing'; readonly bytes: Hex } // after the hello payload, signed
  | { readonly kind: 'minor'; readonly min: number; readonly max: number }
  | { readonly kind: 'capabilities'; readonly capabilities: readonly string[] }
  | { readonly kind: 'addresses'; readonly addresses: readonly unknown[] } // HandshakeHello.listen_addresses as given
  | { readonly kind: 'replayMessage3' } // message 3 of an earlier handshake of the same plan
  | { readonly kind: 'earlyData' } // a transport-like message instead of message 3
  | { readonly kind: 'stopAfter'; readonly message: 0 | 1 | 2 }; // says nothing more

/** What becomes of a sealed message: a byte flipped (a negative offset counts from the end), its last bytes cut off, or kept back until the next message of the link has gone. */
export type SealedDefect =
  | { readonly kind: 'flip'; readonly offset: number }
  | { readonly kind: 'cut'; readonly count: number }
  | { readonly kind: 'hold' };

export type Step =
  | {
      readonly op: 'open';
      readonly link: number;
      readonly peer: Label;
      /** `session`: a session by whatever mode the target has (established, or raw with a full handshake). `raw`: a bare connection. */
      readonly mode: 'session' | 'raw';
      /** Answers the newest Dial effect that waits when outbound, or the newest to `dialled`. */
      readonly direction?: 'inbound' | 'outbound';
      readonly dialled?: string;
      readonly address?: string;
      /** Offered capabilities, in any order; `["gossip/1"]` if absent. */
      readonly capabilities?: readonly string[];
      /** Of the peer's hello; 1 (app) if absent. */
      readonly roles?: number;
      /** Of the peer's hello: `ws://1.2.3.4:5`; none if absent. */
      readonly listenAddresses?: readonly string[];
    }
  /** Runs the kit's side of the handshake on a raw link until it is complete or broken. */
  | {
      readonly op: 'handshake';
      readonly link: number;
      readonly defect?: HandshakeDefect;
      readonly roles?: number;
      readonly capabilities?: readonly string[];
    }
  /** All frames in one plaintext, then `tail` as it is. */
  | { readonly op: 'frames'; readonly link: number; readonly frames: readonly FrameSpec[]; readonly tail?: Hex }
  /** A plaintext as it is (sealed on raw links). `spoil` is done to the sealed message; the link is a raw one then. */
  | { readonly op: 'plaintext'; readonly link: number; readonly bytes: Hex; readonly spoil?: SealedDefect }
  /** A WebSocket message as it is, not sealed; raw links only. `replay`: the bytes of the last sealed message of the link, again. */
  | {
      readonly op: 'raw';
      readonly link: number;
      readonly bytes: Hex | { readonly size: number } | { readonly replay: true };
      readonly text?: boolean;
      /** Sends the bytes as the first fragment of a message that never ends; level wire only. */
      readonly unfinished?: true;
    }
  /** Asks for a WebSocket upgrade with exactly these subprotocols and extensions, records the answer and ends the connection; level wire only. */
  | { readonly op: 'upgrade'; readonly link: number; readonly subprotocols: readonly string[]; readonly extensions?: string }
  /** Lets time pass. The driver answers the node's Pings on the way unless `pongs` is false. */
  /** `wireMs` is waited instead of `ms` where the clock is real: a virtual clock can afford to wait for mischief that comes late. */
  | { readonly op: 'advance'; readonly ms: number; readonly wireMs?: number; readonly pongs?: boolean }
  | { readonly op: 'publish'; readonly topic: string; readonly data: Hex | { readonly size: number } }
  | { readonly op: 'closeLink'; readonly link: number }
  | { readonly op: 'connect'; readonly address: string; readonly expected?: Label }
  /** Answers the n-th Validate effect of the run, counted from 0. */
  | { readonly op: 'validated'; readonly index: number; readonly verdict: 'accept' | 'ignore' | 'reject' }
  /** The newest dial that waits came to nothing, or the newest to `dialled`. */
  | { readonly op: 'dialFailed'; readonly dialled?: string }
  /** Texts of a name's TXT records, as the answer to a Resolve effect. */
  | { readonly op: 'resolved'; readonly name: string; readonly texts: readonly string[] }
  /** A command of chapter 23; its outcome carries the label. Level adapter only. */
  | { readonly op: 'command'; readonly command: string; readonly args: readonly Value[]; readonly label: string }
  /**
   * A datagram from `IP:PORT`. What is left out is what is in order: a fresh cookie and request id for a
   * question, those of the node's newest question to that address for a reply, no token, and behind an
   * answer the proof of `by`.
   */
  | {
      readonly op: 'datagram';
      readonly from: string;
      readonly frame: FrameSpec;
      readonly cookie?: BytesValue;
      readonly token?: BytesValue;
      readonly by?: Label;
      readonly defect?: DatagramDefect;
    }
  /** A datagram of these bytes. */
  | { readonly op: 'rawDatagram'; readonly from: string; readonly bytes: Value }
  /**
   * From now on an automatic peer answers on a link, on UDP addresses (`IP:PORT`) or where the node dials
   * (`ws://IP:PORT`); it goes on until the plan ends. `behaviours/` has them by name.
   */
  | {
      readonly op: 'behave';
      readonly as: string;
      readonly with?: Json;
      readonly link?: number;
      readonly at?: string | readonly string[];
      /** Needed with `at`. */
      readonly peer?: Label;
      /** Of the links that the node dials, as for `open`. */
      readonly capabilities?: readonly string[];
      readonly roles?: number;
      readonly listenAddresses?: readonly string[];
    }
  | { readonly op: 'crash' }
  | { readonly op: 'restart' };

export interface Setup {
  /** Departures from preset `conformance`; plans that need any run at level adapter only. */
  readonly overrides?: Readonly<Record<string, string>>;
  /** Gives the labels `stake-1` … `stake-40` and the node itself stake 1000 each. At level wire the prepared network always has them. */
  readonly stakes?: boolean;
  /** With `stakes`: other amounts for some of these labels; plans that need any run at level adapter only. */
  readonly stakeAmounts?: Readonly<Record<Label, number>>;
  readonly applicationValidation?: boolean;
  /** Where the node looks for its first peers. Level adapter only, like all that follow. */
  readonly bootstrap?: readonly string[];
  readonly protectedPeers?: readonly Label[];
  /** Role bits of the node; 1 (app) if absent. */
  readonly roles?: number;
  /** What the node says of where it listens: `ws://1.2.3.4:5`. */
  readonly listenAddresses?: readonly string[];
  readonly ledger?: LedgerSetup;
}

/** A ledger that stands still while slots pass. */
export interface LedgerSetup {
  /** When slot 0 begins, in milliseconds after the node's wall clock at its start; negative: before. */
  readonly genesisMs: number;
  /** Accounts that are not here have nonce 0 and balance 0. Decimal text for values above 2^53 − 1. */
  readonly accounts: readonly { readonly peer: Label; readonly nonce: number | string; readonly balance: number | string }[];
  /** Leader of slot s: the one at s modulo their number. */
  readonly leaders: readonly Label[];
}

export interface Plan {
  readonly setup: Setup;
  readonly steps: readonly Step[];
}
