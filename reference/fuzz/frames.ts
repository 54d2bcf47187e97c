/** Frames to begin from and frames gone wrong: bodies that are in order, and headers that are not. */
import { type BodyFields, type BodyType, encodeBody, isBodyType } from '../../conformance/model/bodies.ts';
import { encodeFrame, FRAMES, type FrameRule } from '../../conformance/model/frame.ts';
import { frameMessage } from '../../conformance/model/schemas.ts';
import { concatBytes, fromHex } from '../core/bytes.ts';
import type { Rng } from '../core/rng.ts';
import { encodeUvarint } from '../core/wire/uvarint.ts';
import { oddVarint, paddedVarint } from './field-mutation.ts';
import { someMessage } from './message-bodies.ts';
import { oneIn, pick, sizeUpTo } from './mutation.ts';
import type { Stock, StockMessage } from './stock.ts';

const EMPTY = new Uint8Array(0);

function bytesOf(id: string): Uint8Array {
  return fromHex(id) ?? EMPTY;
}

/** A run of ids, most of them of no message. */
function someIds(rng: Rng, stock: Stock, countMax: number): readonly Uint8Array[] {
  const count = 1 + sizeUpTo(rng, countMax - 1);
  const start = rng.below(stock.ids.length - count);
  return stock.ids.slice(start, start + count);
}

function someOrigins(rng: Rng, stock: Stock): readonly Uint8Array[] {
  return Array.from({ length: 1 + rng.below(32) }, () => {
    if (oneIn(rng, 4)) return new Uint8Array(32);
    return oneIn(rng, 2) ? bytesOf(pick(rng, stock.origins)) : pick(rng, stock.bogusIds);
  });
}

/** Messages of one topic that fit a frame together. */
function someMessages(rng: Rng, stock: Stock): readonly [StockMessage, ...StockMessage[]] {
  const first = pick(rng, stock.messages);
  const more = oneIn(rng, 3) ? stock.messages.filter(({ topic, envelope }) => topic === first.topic && envelope.length < 400) : [];
  return [first, ...more.slice(0, rng.below(20))];
}

const BACKOFFS_MS = [0n, 1n, 60_000n, 3_600_000n, 2n ** 53n, 2n ** 64n - 1n] as const;

const BODIES: { readonly [T in BodyType]: (rng: Rng, stock: Stock) => BodyFields[T] } = {
  Ping: (rng) => ({ nonce: rng.bytes(8) }),
  Pong: (rng) => ({ nonce: rng.bytes(8) }),
  GoAway: (rng) => ({ code: rng.below(40), retryAfterMs: pick(rng, BACKOFFS_MS) }),
  Push: (rng, stock) => {
    const messages = someMessages(rng, stock);
    return { topic: messages[0].topic, items: messages.map(({ envelope }) => ({ hops: pick(rng, [0, 1, 31, 32, 33]), envelope })) };
  },
  Direct: (rng, stock) => {
    const messages = someMessages(rng, stock);
    return { topic: messages[0].topic, envelopes: messages.map(({ envelope }) => envelope) };
  },
  Prune: (rng, stock) => ({ origins: someOrigins(rng, stock), backoffMs: pick(rng, BACKOFFS_MS) }),
  Graft: (rng, stock) => ({ origins: someOrigins(rng, stock) }),
  Ihave: (rng, stock) => ({ topic: pick(rng, stock.messages).topic, ids: someIds(rng, stock, 1000) }),
  Iwant: (rng, stock) => ({ ids: someIds(rng, stock, 1000) }),
  Idontwant: (rng, stock) => ({ ids: someIds(rng, stock, 512) }),
};

/** A kind of the table; those on which a session with these capabilities ends at once come seldom. */
export function someRule(rng: Rng, capabilities: ReadonlySet<string>): FrameRule {
  const rule = pick(rng, FRAMES);
  if (isHarmless(rule, capabilities) || oneIn(rng, 16)) return rule;
  return pick(
    rng,
    FRAMES.filter((other) => isHarmless(other, capabilities)),
  );
}

function isHarmless({ name, needs, datagram }: FrameRule, capabilities: ReadonlySet<string>): boolean {
  return name !== 'GoAway' && datagram !== 'only' && (needs === undefined || capabilities.has(needs));
}

function encodeNamed<T extends BodyType>(name: T, rng: Rng, stock: Stock): Uint8Array {
  return encodeBody(name, BODIES[name](rng, stock));
}

/** A body of the kind that is in order. */
export function goodBody(rng: Rng, stock: Stock, rule: FrameRule): Uint8Array {
  if (isBodyType(rule.name)) return encodeNamed(rule.name, rng, stock);
  const message = frameMessage(rule.name);
  return message === undefined ? EMPTY : someMessage(rng, stock, message);
}

/** The request id that the kind wants. */
export function goodRequestId(rng: Rng, rule: FrameRule): number {
  return rule.requestId === 'notice' ? 0 : 1 + rng.below(9);
}

/** A frame that is in order. */
export function goodFrame(rng: Rng, stock: Stock, capabilities: ReadonlySet<string>): Uint8Array {
  const rule = someRule(rng, capabilities);
  return encodeFrame(rule.kind, goodRequestId(rng, rule), goodBody(rng, stock, rule));
}

const ODD_KINDS = [0, 1, 3, 8, 31, 33, 34, 37, 50, 99, 255, 256, 1_023, 65_280, 65_535, 2 ** 31, 2 ** 32 - 1, 2 ** 32] as const;

function someNumber(rng: Rng, usual: number): Uint8Array {
  if (oneIn(rng, 3)) return oddVarint(rng);
  return oneIn(rng, 3) ? paddedVarint(usual, 1 + rng.below(11)) : encodeUvarint(usual);
}

/** The length field: right, off by one, at the limit of the kind and around it, nothing, or far too much. */
function someLength(rng: Rng, right: number, limit: number): Uint8Array {
  switch (rng.below(10)) {
    case 0:
      return encodeUvarint(0);
    case 1:
      return encodeUvarint(1);
    case 2:
      return encodeUvarint(Math.max(0, right - 1));
    case 3:
      return encodeUvarint(right + 1);
    case 4:
      return encodeUvarint(2n ** 63n);
    case 5:
      return oddVarint(rng);
    case 6:
      return encodeUvarint(limit + rng.below(3) - 1);
    case 7:
      return paddedVarint(right, 1 + rng.below(11));
    default:
      return encodeUvarint(right);
  }
}

/** A frame whose header, or whose size, is wrong in one or several ways. */
export function oddFrame(rng: Rng, stock: Stock, capabilities: ReadonlySet<string>): Uint8Array {
  const rule = someRule(rng, capabilities);
  const kind = oneIn(rng, 3) ? encodeUvarint(pick(rng, ODD_KINDS)) : someNumber(rng, rule.kind);
  const requestId = oneIn(rng, 2) ? encodeUvarint(goodRequestId(rng, rule)) : someNumber(rng, rng.below(3));
  let body = oneIn(rng, 3) ? rng.bytes(sizeUpTo(rng, 200)) : goodBody(rng, stock, rule);
  if (oneIn(rng, 6)) {
    // A body that brings the frame's length to the limit of its kind, or one beyond.
    const size = Math.max(0, rule.lengthMax - kind.length - requestId.length + rng.below(3) - 1);
    body = concatBytes(body.subarray(0, size), new Uint8Array(Math.max(0, size - body.length)));
  }
  const right = kind.length + requestId.length + body.length;
  return concatBytes(someLength(rng, right, rule.lengthMax), kind, requestId, body);
}

/** Frames end to end, as many as one plaintext holds. */
export function joinFrames(frames: readonly Uint8Array[], bytesMax = 65_519): Uint8Array {
  const fitting: Uint8Array[] = [];
  let size = 0;
  for (const frame of frames) {
    size += frame.length;
    if (size > bytesMax) break;
    fitting.push(frame);
  }
  return concatBytes(...fitting);
}
