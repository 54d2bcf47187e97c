/**
 * Handshakes gone wrong: raw links in both directions, with messages that are in order up to any step and
 * changed from there, and sealed messages that do not open, or open to something hostile.
 */
import { type HelloFields, makeHello } from '../../conformance/model/hello.ts';
import { concatBytes } from '../core/bytes.ts';
import type { NodeEffect, NodeInput } from '../core/machine.ts';
import type { Rng } from '../core/rng.ts';
import { sessionPrologue } from '../core/session/handshake.ts';
import type { LinkId } from '../core/types.ts';
import { sealEnvelope } from '../core/wire/envelope.ts';
import { type CipherState, createHandshake, type Handshake } from '../core/wire/noise.ts';
import { nativeCrypto } from '../runtime/crypto-native.ts';
import type { Arena } from './arena.ts';
import { mutateFields } from './field-mutation.ts';
import { goodFrame, oddFrame } from './frames.ts';
import { mutateBytes, oneIn, pick } from './mutation.ts';
import { HOSTILE_POINTS, NETWORK_ID, NODE_SEED, seedOf } from './stock.ts';

const STATIC_SECRET = seedOf('static');
const STATIC_KEY = nativeCrypto.x25519PublicKey(STATIC_SECRET);
const PROLOGUE = sessionPrologue(NETWORK_ID);
const GOSSIP: ReadonlySet<string> = new Set(['gossip/1']);
const IDENTITIES = 8;

type HelloChange = Partial<HelloFields> & { readonly network?: Uint8Array; readonly context?: string; readonly identity?: Uint8Array };

/** Hellos that are in order but for one thing; the first is in order. */
const HELLOS: readonly HelloChange[] = [
  {},
  { capabilities: ['direct/1'] },
  { capabilities: [] },
  { capabilities: ['gossip/1', 'direct/1'] },
  { capabilities: ['gossip/1', 'gossip/1'] },
  { capabilities: Array.from({ length: 65 }, (_, index) => `a${index}/1`).sort() },
  { capabilities: ['Gossip/1'] },
  { capabilities: [`${'a'.repeat(32)}/99999`, `${'b'.repeat(33)}/1`] },
  { version: 2 },
  { version: 0 },
  { minorMin: 1, minorMax: 0 },
  { minorMin: 1, minorMax: 2 ** 32 - 1 },
  { staticKey: seedOf('another static key') },
  { staticKey: new Uint8Array(0) },
  { side: 'initiator' },
  { side: 'responder' },
  { roles: 2 ** 32 - 1 },
  { listenAddresses: Array.from({ length: 9 }, () => ({ dns: 'a', port: 1, transport: 1 })) },
  { listenAddresses: [{ ip4: new Uint8Array(5), port: 1 }] },
  { listenAddresses: [{ ip4: new Uint8Array(4), ip6: new Uint8Array(16), port: 70_000 }] },
  { listenAddresses: [{ dns: 'x'.repeat(254), port: 0, transport: 99 }] },
  { network: seedOf('another network') },
  { context: 'app' },
  { identity: NODE_SEED },
];

const envelopes = new Map<string, Uint8Array>();

/** Each hello is signed once for each identity and side. */
function helloEnvelope(variant: number, identity: number, initiator: boolean): Uint8Array {
  const key = `${variant} ${identity} ${initiator}`;
  let envelope = envelopes.get(key);
  if (envelope === undefined) {
    const { network = NETWORK_ID, context = 'handshake', identity: seed = seedOf(`peer ${identity}`), ...fields } = HELLOS[variant] ?? {};
    const payload = makeHello({
      staticKey: STATIC_KEY,
      side: initiator ? 'initiator' : 'responder',
      capabilities: ['gossip/1'],
      roles: 1,
      ...fields,
    });
    envelope = sealEnvelope(nativeCrypto, network, context, seed, payload);
    envelopes.set(key, envelope);
  }
  return envelope;
}

/** What stands where the hello belongs. */
function somePayload(rng: Rng, initiator: boolean): Uint8Array {
  const good = helloEnvelope(0, rng.below(IDENTITIES), initiator);
  switch (rng.below(8)) {
    case 0:
    case 1:
      return helloEnvelope(rng.below(HELLOS.length), rng.below(IDENTITIES), initiator);
    case 2:
      return mutateFields(rng, good, 4000);
    case 3:
      return mutateBytes(rng, good);
    case 4:
      return concatBytes(good, new Uint8Array(rng.below(6000)));
    default:
      return good;
  }
}

/** The other end of one raw link. */
interface RawPeer {
  readonly link: LinkId;
  readonly initiator: boolean;
  readonly noise: Handshake;
  /** What the node sent and nobody has read. */
  readonly inbox: Uint8Array[];
  send: CipherState | undefined;
  hasBegun: boolean;
  last: Uint8Array;
}

/** Messages that are no answer to anything. */
function strayMessage(rng: Rng): Uint8Array {
  const size = pick(rng, [0, 1, 31, 32, 32, 33, 48, 64, 96, 150, 4096, 4097, 65_535, 65_536]);
  return oneIn(rng, 4) ? pick(rng, HOSTILE_POINTS) : rng.bytes(size);
}

function expectedMessage(rng: Rng, peer: RawPeer): Uint8Array | undefined {
  const { noise } = peer;
  if (peer.initiator && !peer.hasBegun) {
    peer.hasBegun = true;
    const message = noise.writeMessage(new Uint8Array(0));
    return message instanceof Uint8Array ? message : undefined;
  }
  const received = peer.inbox.shift();
  if (received === undefined || noise.complete) return undefined;
  if (!(noise.readMessage(received) instanceof Uint8Array)) return undefined;
  const message = noise.complete ? undefined : noise.writeMessage(somePayload(rng, peer.initiator));
  if (noise.complete) peer.send = noise.split().send;
  return message instanceof Uint8Array ? message : undefined;
}

/** A generator of handshakes for one node. */
export function createHandshakeGenerator(arena: Arena): () => void {
  const { rng, stock } = arena;
  const peers = new Map<LinkId, RawPeer>();

  function take(effects: readonly NodeEffect[]): void {
    for (const effect of effects) {
      if (effect.type === 'message') {
        const inbox = peers.get(effect.link)?.inbox;
        if (inbox !== undefined && inbox.length < 8) inbox.push(effect.data);
      }
      if (effect.type === 'close') peers.delete(effect.link);
    }
  }

  function open(): void {
    const link = arena.freshLink();
    const initiator = oneIn(rng, 2);
    const address = `10.1.${rng.below(4)}.${rng.below(4)}:${rng.below(65_536)}`;
    const dialled = initiator ? [] : arena.subject.act({ type: 'connect', address });
    const dial = dialled.find((effect) => effect.type === 'dial')?.dial;
    const noise = createHandshake({
      crypto: nativeCrypto,
      initiator,
      prologue: PROLOGUE,
      staticSecret: STATIC_SECRET,
      ephemeralSecret: rng.bytes(32),
    });
    peers.set(link, { link, initiator, noise, inbox: [], send: undefined, hasBegun: false, last: new Uint8Array(1) });
    const direction = initiator ? 'inbound' : 'outbound';
    const opening: NodeInput = { type: 'linkOpened', link, direction, address, ...(dial === undefined ? {} : { dial }) };
    take(arena.feed(opening));
  }

  function sendTo(peer: RawPeer, data: Uint8Array): void {
    peer.last = data;
    take(arena.feed({ type: 'message', link: peer.link, data, text: oneIn(rng, 60) }));
  }

  function speak(peer: RawPeer): void {
    if (oneIn(rng, 8)) {
      sendTo(peer, oneIn(rng, 3) ? peer.last : strayMessage(rng));
      return;
    }
    if (peer.send !== undefined) {
      const sealed = peer.send.seal(oneIn(rng, 2) ? goodFrame(rng, stock, GOSSIP) : oddFrame(rng, stock, GOSSIP));
      sendTo(peer, sealed === undefined ? peer.last : oneIn(rng, 4) ? mutateBytes(rng, sealed, 65_540) : sealed);
      return;
    }
    const message = expectedMessage(rng, peer);
    if (message === undefined) sendTo(peer, strayMessage(rng));
    else sendTo(peer, oneIn(rng, 4) ? mutateBytes(rng, message, 65_540) : message);
  }

  return () => {
    if (oneIn(rng, 4)) take(arena.wait(pick(rng, [1, 20, 200, 1_000, 5_001])));
    const peer = peers.size === 0 ? undefined : pick(rng, [...peers.values()]);
    if (peer === undefined || (peers.size < 24 && oneIn(rng, 4))) {
      open();
    } else if (oneIn(rng, 30)) {
      peers.delete(peer.link);
      take(arena.feed({ type: 'linkClosed', link: peer.link }));
    } else if (oneIn(rng, 40)) {
      // A plaintext on a link that is encrypted, or not yet a session.
      take(arena.feed({ type: 'plaintext', link: peer.link, data: goodFrame(rng, stock, GOSSIP) }));
    } else {
      speak(peer);
    }
  };
}
