/** The functions `topology.…` of Evaluate, answered by the core. Spec: chapter 23, "Evaluate" */
import { encodeUtf8 } from '../core/bytes.ts';
import type { CryptoProvider } from '../core/crypto/provider.ts';
import { PRESETS } from '../core/params.ts';
import { type CountedSession, decideAdmission, ROLES, type Role } from '../core/topology/admission.ts';
import { backoffBounds } from '../core/topology/backoff.ts';
import { choosePrunes, type PrunableSession, type PruneStrategy } from '../core/topology/prune.ts';
import { countedRegion, parseRegion, type Region, regionCeiling, regionFloor } from '../core/topology/region.ts';
import { peerScore } from '../core/topology/score.ts';
import type { Direction, PeerId } from '../core/types.ts';
import { type Arguments, RefusedArguments, u64 } from './arguments.ts';

type Run = (crypto: CryptoProvider, args: Arguments) => readonly Uint8Array[];

const MAIN = PRESETS.main;
const STRATEGIES = ['lru', 'reputation', 'latency', 'combined'] as const;

/** A u64 as a number; what is above the exact ones stands for a time or a count without end. */
function loose(args: Arguments, index: number): number {
  return Number(args.u64(index));
}

function maybe(args: Arguments, index: number): number | undefined {
  return args.bytes(index).length === 0 ? undefined : loose(args, index);
}

function regionIn(text: string): Region {
  const region = parseRegion(text);
  if (region === 'unknown' && text !== 'unknown') throw new RefusedArguments(`${JSON.stringify(text)} is no region`);
  return region;
}

function namedRegion(args: Arguments, index: number): Exclude<Region, 'unknown'> {
  const region = regionIn(args.text(index));
  if (region === 'unknown') throw new RefusedArguments(`argument ${index} is a region that has shares`);
  return region;
}

/** The words of an argument. */
function wordsOf(args: Arguments, index: number, count: number): readonly string[] {
  const words = args.text(index).split(' ');
  if (words.length !== count) throw new RefusedArguments(`argument ${index} has ${words.length} words instead of ${count}`);
  return words;
}

function decimal(word: string | undefined): number {
  if (word === undefined || !/^(?:0|[1-9][0-9]{0,14})$/.test(word)) throw new RefusedArguments(`${JSON.stringify(word)} is no number`);
  return Number(word);
}

function oneOf<Word extends string>(words: readonly Word[], word: string | undefined): Word {
  const found = words.find((candidate) => candidate === word);
  if (found === undefined) throw new RefusedArguments(`${JSON.stringify(word)} is none of ${words.join(', ')}`);
  return found;
}

const score: Run = (_, args) => {
  const rttMs = maybe(args, 0);
  const atMs = -loose(args, 1);
  const milliPoints = Number(args.u64(2) - args.u64(3));
  const roundTrip = rttMs === undefined ? undefined : { ms: rttMs, atMs };
  return [u64(peerScore(MAIN, { roundTrip, milliPoints, uptimeMs: loose(args, 4) }, 0))];
};

const region: Run = (_, args) => [encodeUtf8(countedRegion(regionIn(args.text(0)), regionIn(args.text(1)), maybe(args, 2)))];

const share: Run = (_, args) => {
  const [own, other] = [namedRegion(args, 0), namedRegion(args, 1)];
  return [
    u64(regionFloor(own, other, MAIN['topology.connections_target'])),
    u64(regionCeiling(own, other, MAIN['topology.connections_max'])),
  ];
};

const backoff: Run = (_, args) => {
  const failures = loose(args, 0);
  if (failures === 0) throw new RefusedArguments('failures are counted from 1');
  return backoffBounds(MAIN, failures).map(u64);
};

/** A PeerId that sorts by the place of its session. */
function peerAt(place: number): PeerId {
  return place.toString(16).padStart(64, '0') as PeerId;
}

function directionOf(word: string | undefined): Direction {
  return oneOf(['in', 'out'], word) === 'in' ? 'inbound' : 'outbound';
}

interface Described extends CountedSession {
  readonly uptimeMs: number;
  readonly isBanned: boolean;
  readonly place: number;
}

function describedPeer(args: Arguments, index: number): Described {
  const [direction, role, subnet = '', place = '', points, time, mark] = wordsOf(args, index, 7);
  if (subnet === '') throw new RefusedArguments(`argument ${index} has no subnet`);
  const state = oneOf(['-', 'protected', 'banned'], mark);
  return {
    peer: peerAt(index),
    direction: directionOf(direction),
    role: oneOf(ROLES, role),
    subnet: subnet === '-' ? undefined : subnet,
    region: regionIn(place),
    score: decimal(points),
    ageMs: decimal(time),
    uptimeMs: decimal(time),
    isProtected: state === 'protected',
    isBanned: state === 'banned',
    place: index - 2,
  };
}

const admit: Run = (_, args) => {
  const [mode, own = '', ...rest] = wordsOf(args, 0, 12);
  const numbers = rest.map(decimal);
  const [target = 0, max = 0, outboundMin = 0, subnetInboundMax = 0, validator = 0, validatorFull = 0, full = 0, app = 0] = numbers;
  const [newcomerMs = 0, evictMargin = 0] = numbers.slice(8);
  const budgetPercent: Readonly<Record<Role, number>> = { validator, 'validator-full': validatorFull, full, app };
  const isActive = oneOf(['active', 'passive'], mode) === 'active';
  const limits = { isActive, ownRegion: regionIn(own), target, max, outboundMin, subnetInboundMax, budgetPercent, newcomerMs, evictMargin };
  const newcomer = describedPeer(args, 1);
  const sessions = args.rest(2).map((_bytes, index) => describedPeer(args, index + 2));
  if (sessions.some(({ isBanned }) => isBanned)) throw new RefusedArguments('a session of a banned peer has ended');
  const decision = decideAdmission(newcomer, sessions, limits);
  const code = decision.outcome === 'reject' ? decision.code : '';
  const goes = decision.outcome === 'evict' ? u64(decision.goes.place) : new Uint8Array(0);
  return [encodeUtf8(decision.outcome), encodeUtf8(code), goes];
};

interface Prunable extends PrunableSession {
  readonly place: number;
}

function prunableAt(args: Arguments, index: number): Prunable {
  const [direction, place = '', points, rtt, idle, age, mark] = wordsOf(args, index, 7);
  return {
    peer: peerAt(index),
    direction: directionOf(direction),
    region: regionIn(place),
    score: decimal(points),
    rttMs: rtt === '-' ? undefined : decimal(rtt),
    idleMs: decimal(idle),
    ageMs: decimal(age),
    isProtected: oneOf(['-', 'protected'], mark) === 'protected',
    place: index - 1,
  };
}

const prune: Run = (_, args) => {
  const [word, own = '', ...rest] = wordsOf(args, 0, 7);
  const strategy: PruneStrategy = oneOf(STRATEGIES, word);
  const [target = 0, high = 0, perRoundMax = 0, outboundMin = 0, newcomerMs = 0] = rest.map(decimal);
  const sessions = args.rest(1).map((_bytes, index) => prunableAt(args, index + 1));
  const limits = { strategy, ownRegion: regionIn(own), target, high, perRoundMax, outboundMin, newcomerMs };
  return choosePrunes(sessions, limits).map(({ place }) => u64(place));
};

/** The functions by name; the ones without an arity count their arguments themselves. */
export const TOPOLOGY_FUNCTIONS: Readonly<Record<string, { readonly arity: number | undefined; readonly run: Run }>> = {
  'topology.score': { arity: 5, run: score },
  'topology.region': { arity: 3, run: region },
  'topology.share': { arity: 2, run: share },
  'topology.backoff': { arity: 1, run: backoff },
  'topology.admit': { arity: undefined, run: admit },
  'topology.prune': { arity: undefined, run: prune },
};
