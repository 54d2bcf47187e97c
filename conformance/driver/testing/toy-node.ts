/**
 * A node of a few lines for the driver's own tests: handshake, Ping, Push, GoAway. It keeps just the
 * rules that the tests look at and must not be taken for an implementation.
 */
import { decodeBody, encodeBody } from '../../model/bodies.ts';
import { hex, sha256, unhex } from '../../model/bytes.ts';
import { publicKey } from '../../model/ed25519.ts';
import { judgeEnvelope, makeEnvelope, readAppPayload, readEnvelope } from '../../model/envelope.ts';
import { encodeFrame, frameRule, splitPlaintext } from '../../model/frame.ts';
import { intersectCapabilities, makeHello, readHello } from '../../model/hello.ts';
import { NoiseFailure, NoiseSession, noisePrologue, x25519PublicKey } from '../../model/noise.ts';
import { peerId } from '../../model/peer-id.ts';

/** What the toy does, in the words of the adapter protocol. */
export type ToyEffect =
  | { readonly type: 'close'; readonly link: number; readonly code: string }
  | { readonly type: 'message' | 'plaintext'; readonly link: number; readonly data: Uint8Array }
  | { readonly type: 'established'; readonly link: number; readonly peerId: Uint8Array; readonly capabilities: readonly string[] }
  | { readonly type: 'deliver'; readonly topic: string; readonly id: Uint8Array; readonly origin: Uint8Array; readonly data: Uint8Array }
  | {
      readonly type: 'verdict';
      readonly link: number;
      readonly hash: Uint8Array;
      readonly verdict: 'accept' | 'ignore' | 'reject';
      readonly code: string;
    };

interface ToyLink {
  readonly openedMs: number;
  readonly isRaw: boolean;
  noise: NoiseSession | undefined;
  capabilities: readonly string[] | undefined;
  nextPingMs: number;
  pings: number;
}

export interface ToyOptions {
  readonly seed: Uint8Array;
  readonly identitySeed: Uint8Array;
  readonly networkId: Uint8Array;
  /** Takes a hello whatever it says: a node with a fault for the tests to see. */
  readonly isCareless?: boolean;
}

const OFFERED: readonly string[] = ['direct/1', 'gossip/1'];
const PING_INTERVAL_MS = 15_000;
const HANDSHAKE_TIMEOUT_MS = 5_000;
const HANDSHAKE_BYTES_MAX = 4_096;

/** The node; times are its monotonic clock's. */
export class ToyNode {
  readonly #options: ToyOptions;
  readonly #links = new Map<number, ToyLink>();
  readonly #seen = new Set<string>();

  constructor(options: ToyOptions) {
    this.#options = options;
  }

  hasLink(link: number): boolean {
    return this.#links.has(link);
  }

  /** When the next timer is due. */
  deadline(): number | undefined {
    const times = [...this.#links.values()].map((link) =>
      link.capabilities === undefined ? link.openedMs + HANDSHAKE_TIMEOUT_MS : link.nextPingMs,
    );
    return times.length === 0 ? undefined : Math.min(...times);
  }

  open(link: number, nowMs: number, established?: readonly string[]): readonly ToyEffect[] {
    const isRaw = established === undefined;
    const capabilities = established && intersectCapabilities(OFFERED, established);
    this.#links.set(link, { openedMs: nowMs, isRaw, noise: undefined, capabilities, nextPingMs: nowMs + PING_INTERVAL_MS, pings: 0 });
    return [];
  }

  closed(link: number): void {
    this.#links.delete(link);
  }

  tick(nowMs: number): readonly ToyEffect[] {
    const effects: ToyEffect[] = [];
    for (const [number, link] of this.#links) {
      if (link.capabilities === undefined) {
        if (nowMs >= link.openedMs + HANDSHAKE_TIMEOUT_MS) effects.push(...this.#close(number, 'E_HANDSHAKE_TIMEOUT'));
      } else if (nowMs >= link.nextPingMs) {
        link.nextPingMs = nowMs + PING_INTERVAL_MS;
        link.pings++;
        const nonce = sha256(this.#options.seed, Uint8Array.of(number, link.pings & 255, link.pings >> 8)).subarray(0, 8);
        effects.push(...this.#send(number, 2, link.pings, encodeBody('Ping', { nonce })));
      }
    }
    return effects;
  }

  message(number: number, data: Uint8Array, text: boolean): readonly ToyEffect[] {
    const link = this.#links.get(number);
    if (link === undefined) return [];
    if (text || data.length === 0 || data.length > 65_535) return this.#close(number, 'E_TRANSPORT');
    try {
      if (link.noise?.complete === true) return this.plaintext(number, link.noise.open(data));
      if (data.length > HANDSHAKE_BYTES_MAX) return this.#close(number, 'E_HANDSHAKE_SIZE');
      return this.#handshake(number, link, data);
    } catch (error) {
      if (error instanceof NoiseFailure) return this.#close(number, error.code);
      throw error;
    }
  }

  #handshake(number: number, link: ToyLink, data: Uint8Array): readonly ToyEffect[] {
    const { networkId, identitySeed, seed } = this.#options;
    if (link.noise === undefined) {
      if (data.length !== 32) return this.#close(number, 'E_HANDSHAKE');
      const staticSecret = sha256(seed, Uint8Array.of(1));
      link.noise = new NoiseSession({
        initiator: false,
        prologue: noisePrologue(networkId),
        staticSecret,
        ephemeralSecret: sha256(seed, Uint8Array.of(2, number)),
      });
      link.noise.readMessage(data);
      const hello = makeHello({ staticKey: x25519PublicKey(staticSecret), side: 'responder', capabilities: OFFERED, roles: 1 });
      return [{ type: 'message', link: number, data: link.noise.writeMessage(makeEnvelope(networkId, 'handshake', identitySeed, hello)) }];
    }
    const payload = link.noise.readMessage(data);
    const envelope = readEnvelope(payload);
    const hello = envelope && readHello(envelope.payload);
    const isGood = judgeEnvelope(networkId, 'handshake', payload).verdict === 'accept' && hello?.side === 'initiator';
    if (!isGood && this.#options.isCareless !== true) return this.#close(number, 'E_HANDSHAKE');
    link.capabilities = intersectCapabilities(OFFERED, hello?.capabilities ?? []);
    const id = envelope === undefined ? new Uint8Array(32) : peerId(envelope.keyType, envelope.publicKey);
    return [{ type: 'established', link: number, peerId: id, capabilities: link.capabilities }];
  }

  plaintext(number: number, plaintext: Uint8Array): readonly ToyEffect[] {
    const { frames, error } = splitPlaintext(plaintext);
    const effects: ToyEffect[] = [];
    for (const frame of frames) {
      if (frameRule(frame.kind) === undefined) {
        if (frame.kind % 2 === 0) return [...effects, ...this.#close(number, 'E_UNKNOWN_KIND')];
        continue;
      }
      const body = decodeBody(frame.kind, frame.body, this.#options.networkId);
      if (body?.type === 'Ping') effects.push(...this.#send(number, 4, frame.requestId, encodeBody('Pong', { nonce: unhex(body.nonce) })));
      else if (body?.type === 'GoAway') return [...effects, ...this.#close(number, '')];
      else if (body?.type === 'Push')
        for (const { envelope } of body.items) effects.push(...this.#push(number, body.topic, unhex(envelope.bytes)));
      else if (body === undefined) return [...effects, ...this.#close(number, 'E_MALFORMED')];
    }
    return error === undefined ? effects : [...effects, ...this.#close(number, error)];
  }

  #push(from: number, topic: string, bytes: Uint8Array): readonly ToyEffect[] {
    const { networkId } = this.#options;
    const hash = sha256(bytes);
    const { verdict, code } = judgeEnvelope(networkId, 'app', bytes);
    if (verdict !== 'accept') return [{ type: 'verdict', link: from, hash, verdict, code }];
    const seen = decodeBody(32, encodeBody('Push', { topic, items: [{ hops: 0, envelope: bytes }] }), networkId);
    const envelope = seen?.type === 'Push' ? seen.items[0]?.envelope : undefined;
    const data = readAppPayload(readEnvelope(bytes)?.payload ?? new Uint8Array())?.data ?? new Uint8Array();
    if (envelope?.id === undefined || this.#seen.has(envelope.id))
      return [{ type: 'verdict', link: from, hash, verdict: 'ignore', code: 'E_DUPLICATE' }];
    this.#seen.add(envelope.id);
    const others = [...this.#links].filter(([number, link]) => number !== from && link.capabilities?.includes('gossip/1') === true);
    const body = encodeBody('Push', { topic, items: [{ hops: 1, envelope: bytes }] });
    return [
      { type: 'verdict', link: from, hash, verdict, code },
      { type: 'deliver', topic, id: unhex(envelope.id), origin: unhex(envelope.origin ?? ''), data },
      ...others.flatMap(([number]) => this.#send(number, 32, 0, body)),
    ];
  }

  #send(number: number, kind: number, requestId: number, body: Uint8Array): readonly ToyEffect[] {
    const link = this.#links.get(number);
    if (link === undefined) return [];
    const plaintext = encodeFrame(kind, requestId, body);
    if (!link.isRaw) return [{ type: 'plaintext', link: number, data: plaintext }];
    return link.noise === undefined ? [] : [{ type: 'message', link: number, data: link.noise.seal(plaintext) }];
  }

  #close(number: number, code: string): readonly ToyEffect[] {
    this.#links.delete(number);
    return [{ type: 'close', link: number, code }];
  }
}

/** PeerId of the toy in hexadecimal. */
export function toyPeerId(identitySeed: Uint8Array): string {
  return hex(peerId(1, publicKey(identitySeed)));
}
