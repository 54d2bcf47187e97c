/**
 * Who drives a place in a simulated network: the node itself, a node whose words are changed on
 * their way, or something that only looks like a node. Liars and Sybils are made of these.
 */
import type { Address } from '../../proto/gen/carillon/v1/common_pb.ts';
import { concatBytes } from '../core/bytes.ts';
import type { CryptoProvider } from '../core/crypto/provider.ts';
import type { NodeEffect, NodeInput, NodeMachine } from '../core/machine.ts';
import type { Node } from '../core/node.ts';
import type { Params } from '../core/params.ts';
import type { Rng } from '../core/rng.ts';
import type { Endpoint, LinkId, Now, PeerId } from '../core/types.ts';
import { decodePing, encodePong } from '../core/wire/body.ts';
import { encodeFrame, KIND_PING, KIND_PONG, PLAINTEXT_BYTES_MAX, readFrame } from '../core/wire/frame.ts';
import type { NodeAddress } from './addresses.ts';
import type { Region } from './regions.ts';

/** What a world runs in a place: the machine of a node, or whatever has its shape. */
export interface Actor extends NodeMachine {
  /** State views, where there are any. */
  view?(name: string): unknown;
}

/** One place of a world, as the maker of its actor sees it. */
export interface Place {
  readonly index: number;
  readonly address: NodeAddress;
  readonly region: Region | undefined;
  readonly peerId: PeerId;
  readonly publicKey: Uint8Array;
  readonly identitySeed: Uint8Array;
  readonly networkId: Uint8Array;
  readonly listenAddresses: readonly Address[];
  readonly params: Params;
  readonly crypto: CryptoProvider;
  /** Chance of its own, another after each start. */
  readonly rng: Rng;
  /** The node that would be here. */
  createNode(): Node;
}

/** One frame of a session or of a datagram's body. */
export interface SeenFrame {
  readonly kind: number;
  readonly requestId: number;
  readonly body: Uint8Array;
}

/** What stands between a node and the network; what is absent changes nothing. An empty list swallows. */
export interface Tampering {
  /** A frame that the node sends in a session. */
  sent?(frame: SeenFrame, link: LinkId, now: Now): readonly SeenFrame[];
  /** A frame that the node is about to get. */
  received?(frame: SeenFrame, link: LinkId, now: Now): readonly SeenFrame[];
  /** A datagram that the node sends, whole. */
  datagramSent?(data: Uint8Array, to: Endpoint, now: Now): readonly Uint8Array[];
  datagramReceived?(data: Uint8Array, from: Endpoint, now: Now): readonly Uint8Array[];
}

/** The frames of a plaintext, up to the first that is malformed. */
export function framesOf(plaintext: Uint8Array): readonly SeenFrame[] {
  const frames: SeenFrame[] = [];
  for (let offset = 0; offset < plaintext.length; ) {
    const frame = readFrame(plaintext, offset);
    if (!frame.ok) break;
    frames.push({ kind: frame.kind, requestId: frame.requestId, body: frame.body });
    offset = frame.next;
  }
  return frames;
}

/** Frames as plaintexts, each as full as it may be. */
export function plaintextsOf(frames: readonly SeenFrame[]): readonly Uint8Array[] {
  const plaintexts: Uint8Array[] = [];
  let parts: Uint8Array[] = [];
  let size = 0;
  for (const { kind, requestId, body } of frames) {
    const bytes = encodeFrame(kind, requestId, body);
    if (size + bytes.length > PLAINTEXT_BYTES_MAX) {
      plaintexts.push(concatBytes(...parts));
      parts = [];
      size = 0;
    }
    parts.push(bytes);
    size += bytes.length;
  }
  if (parts.length > 0) plaintexts.push(concatBytes(...parts));
  return plaintexts;
}

/** A node whose frames and datagrams are changed on their way; for worlds without handshakes. */
export function tamperedActor(node: Actor, tampering: Tampering): Actor {
  const { sent, received, datagramSent, datagramReceived } = tampering;

  function* outgoing(effects: readonly NodeEffect[], now: Now): Iterable<NodeEffect> {
    for (const effect of effects) {
      if (effect.type === 'plaintext' && sent !== undefined) {
        const frames = framesOf(effect.data).flatMap((frame) => sent(frame, effect.link, now));
        for (const data of plaintextsOf(frames)) yield { ...effect, data };
      } else if (effect.type === 'datagram' && datagramSent !== undefined) {
        for (const data of datagramSent(effect.data, effect.to, now)) yield { ...effect, data };
      } else yield effect;
    }
  }

  function incoming(input: NodeInput, now: Now): readonly NodeInput[] {
    if (input.type === 'plaintext' && received !== undefined) {
      const frames = framesOf(input.data).flatMap((frame) => received(frame, input.link, now));
      return plaintextsOf(frames).map((data) => ({ ...input, data }));
    }
    if (input.type === 'datagram' && datagramReceived !== undefined)
      return datagramReceived(input.data, input.from, now).map((data) => ({ ...input, data }));
    return [input];
  }

  return {
    handle: (input, now) => incoming(input, now).flatMap((each) => [...outgoing(node.handle(each, now), now)]),
    deadline: () => node.deadline(),
    view: (name) => node.view?.(name),
  };
}

/** A peer of a scripted actor's session. */
export interface ScriptedSession {
  readonly link: LinkId;
  readonly publicKey: Uint8Array;
  readonly address: string;
}

/** What a scripted actor does; every function returns what it sends on the same link or to the same endpoint. */
export interface Script {
  established?(session: ScriptedSession, now: Now): readonly SeenFrame[];
  frame?(frame: SeenFrame, session: ScriptedSession, now: Now): readonly SeenFrame[];
  datagram?(data: Uint8Array, from: Endpoint, now: Now): readonly Uint8Array[];
  /** Any input at all, before the functions above; the effects are carried out first. Also each `tick`, if `deadline` asks for one. */
  input?(input: NodeInput, now: Now): readonly NodeEffect[];
  deadline?(): number | undefined;
}

/** A peer without a core: it answers Pings and does what the script says. For worlds without handshakes. */
export function scriptedActor(script: Script): Actor {
  const sessions = new Map<LinkId, ScriptedSession>();

  function answer(frame: SeenFrame, session: ScriptedSession, now: Now): readonly SeenFrame[] {
    if (frame.kind !== KIND_PING) return script.frame?.(frame, session, now) ?? [];
    const ping = decodePing(frame.body);
    return ping.ok ? [{ kind: KIND_PONG, requestId: frame.requestId, body: encodePong(ping.value) }] : [];
  }

  function send(link: LinkId, frames: readonly SeenFrame[]): readonly NodeEffect[] {
    return plaintextsOf(frames).map((data) => ({ type: 'plaintext', link, data }));
  }

  function react(input: NodeInput, now: Now): readonly NodeEffect[] {
    switch (input.type) {
      case 'linkEstablished': {
        const session = { link: input.link, publicKey: input.publicKey, address: input.address };
        sessions.set(input.link, session);
        return send(input.link, script.established?.(session, now) ?? []);
      }
      case 'linkClosed':
        sessions.delete(input.link);
        return [];
      case 'plaintext': {
        const session = sessions.get(input.link);
        if (session === undefined) return [];
        return send(
          input.link,
          framesOf(input.data).flatMap((frame) => answer(frame, session, now)),
        );
      }
      case 'datagram':
        return (script.datagram?.(input.data, input.from, now) ?? []).map((data) => ({ type: 'datagram', to: input.from, data }));
      default:
        return [];
    }
  }

  return {
    handle: (input, now) => [...(script.input?.(input, now) ?? []), ...react(input, now)],
    deadline: () => script.deadline?.(),
  };
}
