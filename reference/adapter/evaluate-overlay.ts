/** The functions `overlay.…` of Evaluate, answered by the core. Spec: chapter 23, "Evaluate" */
import { encodeUtf8, fromHex, toHex } from '../core/bytes.ts';
import type { CryptoProvider } from '../core/crypto/provider.ts';
import { Automatic, SIZED_STRATEGIES } from '../core/overlay/automatic.ts';
import { bucketLinks, firstLinks, spreadLinks } from '../core/overlay/choice.ts';
import { bucketOf, exclusiveOr, type Words, wordsOf } from '../core/overlay/distance.ts';
import { nextHop } from '../core/overlay/next-hop.ts';
import { judgeRoute, NO_ROUTES } from '../core/overlay/route-verdict.ts';
import { overlayScore } from '../core/overlay/score.ts';
import { PRESETS } from '../core/params.ts';
import type { LinkId, PeerId } from '../core/types.ts';
import { type Arguments, RefusedArguments, u64 } from './arguments.ts';

type Run = (crypto: CryptoProvider, args: Arguments) => readonly Uint8Array[];

const CHOICES = { buckets: bucketLinks, first: firstLinks, turns: spreadLinks } as const;
const COUNT_MAX = 65_536;
const BAND_PERCENT_MAX = 50;
const ID_BYTES = 32;

function idAt(args: Arguments, index: number): PeerId {
  return toHex(args.bytes(index, ID_BYTES)) as PeerId;
}

function bytesOfId(id: string): Uint8Array {
  return fromHex(id) ?? new Uint8Array();
}

function idsFrom(args: Arguments, first: number): readonly PeerId[] {
  return args.rest(first).map((_, index) => idAt(args, first + index));
}

function joinedIds(args: Arguments, index: number): readonly PeerId[] {
  const bytes = args.bytes(index);
  if (bytes.length % ID_BYTES !== 0) throw new RefusedArguments(`argument ${index} is not made of ids`);
  return Array.from({ length: bytes.length / ID_BYTES }, (_, id) => toHex(bytes.slice(ID_BYTES * id, ID_BYTES * (id + 1))) as PeerId);
}

function least(args: Arguments, index: number): bigint {
  const value = args.u64(index);
  if (value === 0n) throw new RefusedArguments(`argument ${index} is 0`);
  return value;
}

function distanceBetween(a: PeerId, b: PeerId): Words {
  return exclusiveOr(wordsOf(a), wordsOf(b));
}

function runBucket(_: CryptoProvider, args: Arguments): readonly Uint8Array[] {
  const bucket = bucketOf(distanceBetween(idAt(args, 0), idAt(args, 1)));
  if (bucket === undefined) throw new RefusedArguments('the two ids are one');
  return [u64(bucket)];
}

function runChoose(_: CryptoProvider, args: Arguments): readonly Uint8Array[] {
  const rule = args.text(0);
  if (!Object.hasOwn(CHOICES, rule)) throw new RefusedArguments('argument 0 is not buckets, first or turns');
  const count = args.number(1, COUNT_MAX);
  const own = idAt(args, 2);
  const peers = idsFrom(args, 4);
  if (new Set([own, ...peers]).size !== peers.length + 1) throw new RefusedArguments('a peer stands there twice, or is the node itself');
  const placed = peers.map((link) => ({ link, distance: distanceBetween(own, link) }));
  return CHOICES[rule as keyof typeof CHOICES](wordsOf(idAt(args, 3)), placed, count).map(bytesOfId);
}

function runScore(_: CryptoProvider, args: Arguments): readonly Uint8Array[] {
  const values = {
    uptimeMs: args.u64(0),
    bytesPerS: args.u64(1),
    delivered: args.u64(2),
    failed: args.u64(3),
    connections: args.u64(4),
  };
  return [u64(overlayScore(values, { uptimeMs: least(args, 5), bytesPerS: least(args, 6), connections: least(args, 7) }))];
}

function runAuto(_: CryptoProvider, args: Arguments): readonly Uint8Array[] {
  if (args.count % 2 !== 0) throw new RefusedArguments('a look has a time and a size');
  const [kademliaAt, supernodeAt] = [Number(least(args, 0)), Number(least(args, 1))];
  if (kademliaAt > supernodeAt) throw new RefusedArguments('the thresholds do not ascend');
  const automatic = new Automatic({
    kademliaAt,
    supernodeAt,
    bandPercent: args.number(2, BAND_PERCENT_MAX),
    dwellMs: Number(args.u64(3)),
  });
  const strategies: number[] = [];
  let lastMs = 0;
  for (let index = 4; index < args.count; index += 2) {
    const atMs = Number(args.u64(index));
    if (atMs < lastMs) throw new RefusedArguments('times do not ascend');
    lastMs = atMs;
    strategies.push(SIZED_STRATEGIES.indexOf(automatic.look(Number(args.u64(index + 1)), atMs)));
  }
  return [Uint8Array.from(strategies)];
}

function runNextHop(_: CryptoProvider, args: Arguments): readonly Uint8Array[] {
  const from = args.bytes(4).length === 0 ? undefined : idAt(args, 4);
  const sessions = idsFrom(args, 5)
    .map((peer, index) => ({ link: index as LinkId, peer }))
    .filter(({ peer }) => peer !== from);
  const hop = nextHop({ self: idAt(args, 0), target: idAt(args, 1), sessions, via: joinedIds(args, 2), supernodes: joinedIds(args, 3) });
  return hop === undefined ? [] : [bytesOfId(hop.peer)];
}

function runJudge(crypto: CryptoProvider, args: Arguments): readonly Uint8Array[] {
  const context = { params: PRESETS.conformance, crypto, networkId: args.networkId(0) };
  const route = { hops: Number(args.u64(2)), target: idAt(args, 3), envelope: args.bytes(4) };
  const judged = judgeRoute(context, NO_ROUTES, route, { monoMs: 0, wallMs: Number(args.u64(1)) });
  return [encodeUtf8(judged.verdict), encodeUtf8(judged.verdict === 'accept' ? '' : judged.code)];
}

/** The functions with their number of arguments. */
export const OVERLAY_FUNCTIONS: Readonly<Record<string, { readonly arity: number | undefined; readonly run: Run }>> = {
  'overlay.bucket': { arity: 2, run: runBucket },
  'overlay.choose': { arity: undefined, run: runChoose },
  'overlay.score': { arity: 8, run: runScore },
  'overlay.auto': { arity: undefined, run: runAuto },
  'overlay.next_hop': { arity: undefined, run: runNextHop },
  'overlay.judge': { arity: 5, run: runJudge },
};
