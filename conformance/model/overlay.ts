/** The rules of the overlay that are functions of their arguments. Spec: chapter 09. */
import { compare, equal, hex, text } from './bytes.ts';
import { type Judged, judgeSignature, judgeUnsigned, readEnvelope } from './envelope.ts';
import { lastBytes, lastNumber, readFields } from './protobuf.ts';

const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, index) => byte ^ (b[index] ?? 0));

/** The index of the highest bit of d(a, b), 255 the farthest; undefined for equal ids. Spec: OVL-003. */
export function overlayBucket(a: Uint8Array, b: Uint8Array): number | undefined {
  const distance = BigInt(`0x${hex(xor(a, b))}`);
  return distance === 0n ? undefined : distance.toString(2).length - 1;
}

/** Peers in the order of their keys for a message. Spec: chapter 09, Terms. */
export function byKey(own: Uint8Array, messageId: Uint8Array, peers: readonly Uint8Array[]): readonly Uint8Array[] {
  const key = (peer: Uint8Array): Uint8Array => xor(xor(own, peer), messageId);
  return [...peers].sort((a, b) => compare(key(a), key(b)));
}

/** Peers by bucket, the farthest first, each in the order of their keys. */
function inBuckets(own: Uint8Array, messageId: Uint8Array, peers: readonly Uint8Array[]): readonly (readonly Uint8Array[])[] {
  const buckets = new Map<number, Uint8Array[]>();
  for (const peer of byKey(own, messageId, peers)) {
    const bucket = overlayBucket(own, peer) ?? 0;
    buckets.set(bucket, [...(buckets.get(bucket) ?? []), peer]);
  }
  return [...buckets].sort(([a], [b]) => b - a).map(([, members]) => members);
}

/** How links are chosen: so many of each bucket, the first of all, or in turns from all buckets. */
export type ChoiceRule = 'buckets' | 'first' | 'turns';

/** The peers whose links are chosen, in the order of the rule. Spec: OVL-004, OVL-037. */
export function choosePeers(
  rule: ChoiceRule,
  count: number,
  own: Uint8Array,
  messageId: Uint8Array,
  peers: readonly Uint8Array[],
): readonly Uint8Array[] {
  if (rule === 'first') return byKey(own, messageId, peers).slice(0, count);
  const buckets = inBuckets(own, messageId, peers);
  if (rule === 'buckets') return buckets.flatMap((bucket) => bucket.slice(0, count));
  const turns: Uint8Array[] = [];
  for (let turn = 0; turns.length < peers.length; turn++) {
    for (const bucket of buckets) {
      const peer = bucket[turn];
      if (peer !== undefined) turns.push(peer);
    }
  }
  return turns.slice(0, count);
}

/** What a score is computed from, and the least of each part. */
export interface ScoreInput {
  readonly uptimeMs: bigint;
  readonly bytesPerS: bigint;
  readonly delivered: bigint;
  readonly failed: bigint;
  readonly connections: bigint;
  readonly uptimeMin: bigint;
  readonly bytesMin: bigint;
  readonly connectionsMin: bigint;
}

/** A score in thousandths. Spec: OVL-012. */
export function overlayScore(input: ScoreInput): bigint {
  const part = (value: bigint, least: bigint): bigint => {
    const share = (1000n * value) / (2n * least);
    return share > 1000n ? 1000n : share;
  };
  const attempts = input.delivered + input.failed;
  const reliability = 1000n - (1000n * input.failed) / (attempts === 0n ? 1n : attempts);
  const uptime = part(input.uptimeMs, input.uptimeMin);
  const rate = part(input.bytesPerS, input.bytesMin);
  const connections = part(input.connections, input.connectionsMin);
  return (25n * uptime + 30n * rate + 30n * reliability + 15n * connections) / 100n;
}

/** The strategies of `auto`, in the order of the sizes that they are for. */
export const AUTO_STRATEGIES = ['naive', 'kademlia', 'supernode'] as const;

/** Thresholds of `auto`. */
export interface AutoRule {
  readonly kademliaAt: bigint;
  readonly supernodeAt: bigint;
  readonly bandPercent: bigint;
  readonly dwellMs: bigint;
}

/** The strategy at each look, as its place in `AUTO_STRATEGIES`; times ascend. Spec: OVL-005, OVL-006. */
export function autoStrategies(rule: AutoRule, looks: readonly { readonly atMs: bigint; readonly size: bigint }[]): readonly number[] {
  const { kademliaAt, supernodeAt, bandPercent, dwellMs } = rule;
  let [current, changedAtMs]: [number | undefined, bigint | undefined] = [undefined, undefined];
  return looks.map(({ atMs, size }) => {
    const bySize = size < kademliaAt ? 0 : size < supernodeAt ? 1 : 2;
    if (current === undefined) {
      current = bySize;
      return current;
    }
    let next = bySize;
    if (bySize < current) {
      const belowSupernode = 100n * size < supernodeAt * (100n - bandPercent);
      const belowKademlia = 100n * size < kademliaAt * (100n - bandPercent);
      next = current === 2 && !belowSupernode ? 2 : belowKademlia ? 0 : 1;
    }
    if (next !== current && (changedAtMs === undefined || atMs - changedAtMs >= dwellMs)) {
      current = next;
      changedAtMs = atMs;
    }
    return current;
  });
}

/** Where a Route goes on, or undefined when nowhere. Spec: OVL-051. */
export function nextHop(question: {
  readonly own: Uint8Array;
  readonly target: Uint8Array;
  readonly via: readonly Uint8Array[];
  /** Attached supernodes, of a leaf or candidate. */
  readonly supernodes: readonly Uint8Array[];
  /** The peer from which the Route came, if it came from one. */
  readonly from: Uint8Array | undefined;
  /** Peers with overlay sessions. */
  readonly sessions: readonly Uint8Array[];
}): Uint8Array | undefined {
  const { own, target, from } = question;
  const open = question.sessions.filter((peer) => from === undefined || !equal(peer, from));
  const isOpen = (peer: Uint8Array): boolean => open.some((other) => equal(other, peer));
  const named = [target, ...question.via].find(isOpen);
  if (named !== undefined) return named;
  const nearest = (peers: readonly Uint8Array[]): Uint8Array | undefined =>
    [...peers].sort((a, b) => compare(xor(a, target), xor(b, target)))[0];
  const best = nearest(open);
  if (best !== undefined && compare(xor(best, target), xor(own, target)) < 0) return best;
  return nearest(question.supernodes.filter(isOpen));
}

/** The fields of a SendPayload whose bytes are strict. */
export interface SendFields {
  readonly createdMs: bigint;
  readonly topic: string;
  readonly recipient: Uint8Array;
  readonly data: Uint8Array;
}

/** A SendPayload's fields, read as protobuf; undefined when the bytes are not well-formed. */
export function readSendPayload(bytes: Uint8Array): SendFields | undefined {
  const { fields } = readFields(bytes);
  const topic = fields === undefined ? undefined : text(lastBytes(fields, 3));
  if (fields === undefined || topic === undefined) return undefined;
  return { createdMs: lastNumber(fields, 2), topic, recipient: lastBytes(fields, 5), data: lastBytes(fields, 6) };
}

/** Bounds of every preset. */
const SEND_BYTES_MAX = 32_768;
const ROUTE_HOPS_MAX = 10n;
const PAST_MS_MAX = 60_000n;
const FUTURE_MS_MAX = 500n;

/** The verdict on a Route by OVL-040 to OVL-043, OVL-045 and OVL-046, in their order; what needs memory is left out. */
export function judgeRoute(networkId: Uint8Array, wallMs: bigint, hops: bigint, target: Uint8Array, envelope: Uint8Array): Judged {
  if (envelope.length > SEND_BYTES_MAX) return { verdict: 'reject', code: 'E_SIZE', clause: 'OVL-040' };
  if (hops > ROUTE_HOPS_MAX) return { verdict: 'ignore', code: 'E_HOPS', clause: 'OVL-041' };
  const structure = judgeUnsigned('send', envelope);
  if (structure.verdict !== 'accept') return { ...structure, clause: 'OVL-042' };
  const payload = readSendPayload(readEnvelope(envelope)?.payload ?? new Uint8Array());
  if (payload === undefined) throw new Error('a payload that passed IDN-040 can be read');
  const isFor = equal(payload.recipient, target) && /^app\/[a-z0-9-]{1,32}$/.test(payload.topic);
  if (!isFor) return { verdict: 'reject', code: 'E_RECIPIENT', clause: 'OVL-043' };
  const isInTime = payload.createdMs >= wallMs - PAST_MS_MAX && payload.createdMs <= wallMs + FUTURE_MS_MAX;
  if (!isInTime) return { verdict: 'ignore', code: 'E_TIME', clause: 'OVL-045' };
  const signature = judgeSignature(networkId, envelope);
  return signature.verdict === 'accept' ? signature : { ...signature, clause: 'OVL-046' };
}
