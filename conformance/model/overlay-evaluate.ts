/** The functions of chapter 23 that belong to chapter 09. */
import { readU64be, text, u64be, utf8 } from './bytes.ts';
import type { Evaluated } from './evaluate.ts';
import { autoStrategies, type ChoiceRule, choosePeers, judgeRoute, nextHop, overlayBucket, overlayScore } from './overlay.ts';

type Args = readonly Uint8Array[];

class Wrong extends Error {}

function sized(args: Args, index: number, ...sizes: readonly number[]): Uint8Array {
  const argument = args[index];
  if (argument === undefined) throw new Wrong(`argument ${index + 1} is missing`);
  if (sizes.length > 0 && !sizes.includes(argument.length)) throw new Wrong(`argument ${index + 1} has ${sizes.join(' or ')} bytes`);
  return argument;
}

const u64 = (args: Args, index: number): bigint => readU64be(sized(args, index, 8));

function above0(args: Args, index: number): bigint {
  const value = u64(args, index);
  if (value === 0n) throw new Wrong(`argument ${index + 1} is at least 1`);
  return value;
}

const idsFrom = (args: Args, first: number): Uint8Array[] => args.slice(first).map((_, index) => sized(args, first + index, 32));

/** 32-byte ids end to end. */
function joinedIds(args: Args, index: number): Uint8Array[] {
  const bytes = sized(args, index);
  if (bytes.length % 32 !== 0) throw new Wrong(`argument ${index + 1} is ids of 32 bytes`);
  return Array.from({ length: bytes.length / 32 }, (_, id) => bytes.slice(32 * id, 32 * (id + 1)));
}

const RULES: readonly ChoiceRule[] = ['buckets', 'first', 'turns'];

function rule(args: Args): ChoiceRule {
  const name = text(sized(args, 0));
  const found = RULES.find((one) => one === name);
  if (found === undefined) throw new Wrong('argument 1 is buckets, first or turns');
  return found;
}

const FUNCTIONS: Readonly<Record<string, (args: Args) => Evaluated>> = {
  'overlay.bucket': (args) => {
    const bucket = overlayBucket(sized(args, 0, 32), sized(args, 1, 32));
    if (bucket === undefined) throw new Wrong('the two ids differ');
    return { values: [u64be(bucket)], clause: 'OVL-003' };
  },
  'overlay.choose': (args) => {
    const count = u64(args, 1);
    if (count > 65_536n) throw new Wrong('argument 2 is at most 65536');
    const own = sized(args, 2, 32);
    const peers = idsFrom(args, 4);
    const names = peers.map((peer) => peer.join());
    if (new Set([own.join(), ...names]).size !== peers.length + 1) throw new Wrong('all peers differ, and from the own PeerId');
    return { values: choosePeers(rule(args), Number(count), own, sized(args, 3, 32), peers) };
  },
  'overlay.score': (args) => {
    const score = overlayScore({
      uptimeMs: u64(args, 0),
      bytesPerS: u64(args, 1),
      delivered: u64(args, 2),
      failed: u64(args, 3),
      connections: u64(args, 4),
      uptimeMin: above0(args, 5),
      bytesMin: above0(args, 6),
      connectionsMin: above0(args, 7),
    });
    return { values: [u64be(score)], clause: 'OVL-012' };
  },
  'overlay.auto': (args) => {
    if (args.length % 2 !== 0) throw new Wrong('each look has a time and a size');
    const looks = Array.from({ length: (args.length - 4) / 2 }, (_, i) => ({ atMs: u64(args, 4 + 2 * i), size: u64(args, 5 + 2 * i) }));
    if (looks.some((look, i) => look.atMs < (looks[i - 1]?.atMs ?? 0n))) throw new Wrong('times ascend');
    const rules = { kademliaAt: above0(args, 0), supernodeAt: above0(args, 1), bandPercent: u64(args, 2), dwellMs: u64(args, 3) };
    if (rules.kademliaAt > rules.supernodeAt || rules.bandPercent > 50n) throw new Wrong('thresholds ascend, a band is at most 50');
    return { values: [Uint8Array.from(autoStrategies(rules, looks))] };
  },
  'overlay.next_hop': (args) => {
    const from = sized(args, 4, 0, 32);
    const hop = nextHop({
      own: sized(args, 0, 32),
      target: sized(args, 1, 32),
      via: joinedIds(args, 2),
      supernodes: joinedIds(args, 3),
      from: from.length === 0 ? undefined : from,
      sessions: idsFrom(args, 5),
    });
    return { values: hop === undefined ? [] : [hop], clause: 'OVL-051' };
  },
  'overlay.judge': (args) => {
    const networkId = sized(args, 0);
    if (networkId.length < 1 || networkId.length > 32) throw new Wrong('a network id has 1 to 32 bytes');
    const { verdict, code, clause } = judgeRoute(networkId, u64(args, 1), u64(args, 2), sized(args, 3, 32), sized(args, 4));
    return { values: [utf8(verdict), utf8(code)], ...(clause === '' ? {} : { clause }) };
  },
};

const ARITY: Readonly<Record<string, number>> = { 'overlay.bucket': 2, 'overlay.score': 8, 'overlay.judge': 5 };

/** Each function with its refusals. */
export const OVERLAY_FUNCTIONS: Readonly<Record<string, (args: Args) => Evaluated>> = Object.fromEntries(
  Object.entries(FUNCTIONS).map(([name, run]) => [
    name,
    (args: Args): Evaluated => {
      const arity = ARITY[name];
      if (arity !== undefined && args.length !== arity) return { refused: `${name} takes ${arity} arguments, not ${args.length}` };
      try {
        return run(args);
      } catch (error) {
        if (error instanceof Wrong) return { refused: error.message };
        throw error;
      }
    },
  ]),
);
