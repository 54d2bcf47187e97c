/** The functions `topology.…` of chapter 23: arguments in words, answers in values. Each gives undefined for wrong arguments. */
import { readU64be, text, u64be, utf8 } from './bytes.ts';
import { presetParameters } from './parameters.ts';
import { backoffBounds, countedRegion, isRegion, peerScore, type Region, regionBounds } from './topology.ts';
import {
  admission,
  type CountedSession,
  type Newcomer,
  type PrunableSession,
  pruned,
  ROLES,
  type Role,
  STRATEGIES,
  type Strategy,
} from './topology-choice.ts';

type Args = readonly Uint8Array[];
type Answer = { readonly values: readonly Uint8Array[]; readonly clause: string };

const DECIMAL = /^(?:0|[1-9][0-9]{0,14})$/;

function number(value: string | undefined): number | undefined {
  return value !== undefined && DECIMAL.test(value) ? Number(value) : undefined;
}

/** The words of an argument, if there are `count` of them. */
function words(argument: Uint8Array | undefined, count: number): readonly string[] | undefined {
  const read = argument === undefined ? undefined : text(argument)?.split(' ');
  return read?.length === count ? read : undefined;
}

/** A u64, or undefined for an empty argument; null for what is neither. */
function maybeU64(argument: Uint8Array | undefined): bigint | undefined | null {
  if (argument?.length === 0) return undefined;
  return argument?.length === 8 ? readU64be(argument) : null;
}

function region(argument: Uint8Array | undefined): Region | undefined {
  const read = argument === undefined ? undefined : text(argument);
  return read !== undefined && isRegion(read) ? read : undefined;
}

let main: ReturnType<typeof presetParameters> | undefined;

/** Preset `main`, read once. */
function mainParameters(): ReturnType<typeof presetParameters> {
  main ??= presetParameters('main');
  return main;
}

/** Latest round trip or empty, its age, thousandths of points gained, the same lost, uptime → score; preset `main`. */
export function evaluateScore(args: Args): Answer | undefined {
  const [rttMs, ...rest] = args.map(maybeU64);
  const [rttAgeMs, gained, lost, uptimeMs] = rest;
  if (rttMs === null || typeof rttAgeMs !== 'bigint' || typeof gained !== 'bigint') return undefined;
  if (typeof lost !== 'bigint' || typeof uptimeMs !== 'bigint') return undefined;
  const score = peerScore({ rttMs, rttAgeMs, milliPoints: gained - lost, uptimeMs }, mainParameters());
  return { values: [u64be(score)], clause: 'TOP-030' };
}

/** Own region, claimed region, smallest round trip or empty → the region for which the peer counts. */
export function evaluateRegion(args: Args): Answer | undefined {
  const [own, claimed, rttMs] = [region(args[0]), region(args[1]), maybeU64(args[2])];
  if (own === undefined || claimed === undefined || rttMs === null) return undefined;
  return { values: [utf8(countedRegion(own, claimed, rttMs))], clause: 'TOP-003' };
}

/** Own region, another region → floor, ceiling; preset `main`. */
export function evaluateShare(args: Args): Answer | undefined {
  const [own, other] = [region(args[0]), region(args[1])];
  if (own === undefined || other === undefined) return undefined;
  const parameters = mainParameters();
  const limits = { target: Number(parameters['topology.connections_target']), max: Number(parameters['topology.connections_max']) };
  const bounds = regionBounds(own, other, limits);
  return bounds === undefined ? undefined : { values: [u64be(bounds.floor), u64be(bounds.ceiling)], clause: 'TOP-004' };
}

/** Number of failures → least and greatest backoff; preset `main`. */
export function evaluateBackoff(args: Args): Answer | undefined {
  const failures = maybeU64(args[0]);
  if (typeof failures !== 'bigint' || failures === 0n) return undefined;
  const { leastMs, greatestMs } = backoffBounds(failures, mainParameters());
  return { values: [u64be(leastMs), u64be(greatestMs)], clause: 'TOP-050' };
}

const isRole = (word: string): word is Role => (ROLES as readonly string[]).includes(word);
const isStrategy = (word: string): word is Strategy => (STRATEGIES as readonly string[]).includes(word);
const isDirection = (word: string): word is 'in' | 'out' => word === 'in' || word === 'out';

/** `mode region target max outbound_min subnet_inbound_max validator validator-full full app newcomer_ms evict_margin`. */
function readLimits(argument: Uint8Array | undefined): Parameters<typeof admission>[2] | undefined {
  const [mode = '', own = '', ...rest] = words(argument, 12) ?? [];
  const numbers = rest.map(number);
  const [target, max, outboundMin, subnetInboundMax, validator, validatorFull, full, app, newcomerMs, evictMargin] = numbers;
  if ((mode !== 'active' && mode !== 'passive') || !isRegion(own) || numbers.includes(undefined)) return undefined;
  const budgetPercent = { validator: validator ?? 0, 'validator-full': validatorFull ?? 0, full: full ?? 0, app: app ?? 0 };
  return {
    active: mode === 'active',
    ownRegion: own,
    target: target ?? 0,
    max: max ?? 0,
    outboundMin: outboundMin ?? 0,
    subnetInboundMax: subnetInboundMax ?? 0,
    budgetPercent,
    newcomerMs: newcomerMs ?? 0,
    evictMargin: evictMargin ?? 0,
  };
}

/** `direction role subnet region score time mark`, of a session or a newcomer. */
function readPeer(argument: Uint8Array | undefined): (Newcomer & CountedSession) | undefined {
  const [direction = '', role = '', subnet = '', place = '', score, time, mark = ''] = words(argument, 7) ?? [];
  const [points, ms] = [number(score), number(time)];
  if (!isDirection(direction) || !isRole(role) || !isRegion(place) || points === undefined || ms === undefined) return undefined;
  if (subnet === '' || !['-', 'protected', 'banned'].includes(mark)) return undefined;
  return {
    direction,
    role,
    subnet: subnet === '-' ? undefined : subnet,
    region: place,
    score: points,
    uptimeMs: ms,
    ageMs: ms,
    protected: mark === 'protected',
    banned: mark === 'banned',
  };
}

/** Limits, newcomer, sessions → outcome, code or empty, index of the session that goes or empty. */
export function evaluateAdmission(args: Args): Answer | undefined {
  const [limits, newcomer, sessions] = [readLimits(args[0]), readPeer(args[1]), args.slice(2).map(readPeer)];
  if (limits === undefined || newcomer === undefined) return undefined;
  const known = sessions.filter((session) => session !== undefined && !session.banned) as CountedSession[];
  if (known.length !== sessions.length) return undefined;
  const decision = admission(newcomer, known, limits);
  const code = decision.outcome === 'reject' ? decision.code : '';
  const index = decision.outcome === 'evict' ? u64be(decision.index) : new Uint8Array();
  return { values: [utf8(decision.outcome), utf8(code), index], clause: decision.outcome === 'accept' ? 'TOP-016' : decision.clause };
}

/** `direction region score rtt|- idle age mark`. */
function readPrunable(argument: Uint8Array | undefined): PrunableSession | undefined {
  const [direction = '', place = '', score, rtt, idle, age, mark = ''] = words(argument, 7) ?? [];
  const [points, rttMs, idleMs, ageMs] = [number(score), number(rtt), number(idle), number(age)];
  if (!isDirection(direction) || !isRegion(place) || points === undefined || idleMs === undefined || ageMs === undefined) return undefined;
  if ((rttMs === undefined && rtt !== '-') || (mark !== '-' && mark !== 'protected')) return undefined;
  return { direction, region: place, score: points, rttMs, idleMs, ageMs, protected: mark === 'protected' };
}

/** `strategy region target high per_round_max outbound_min newcomer_ms`, sessions → indices of those that are pruned, in order. */
export function evaluatePrune(args: Args): Answer | undefined {
  const [strategy = '', own = '', ...rest] = words(args[0], 7) ?? [];
  const numbers = rest.map(number);
  const [target = 0, high = 0, perRoundMax = 0, outboundMin = 0, newcomerMs = 0] = numbers;
  const sessions = args.slice(1).map(readPrunable);
  const known = sessions.filter((session) => session !== undefined);
  if (!isStrategy(strategy) || !isRegion(own) || numbers.includes(undefined) || known.length !== sessions.length) return undefined;
  const gone = pruned(known, { strategy, ownRegion: own, target, high, perRoundMax, outboundMin, newcomerMs });
  return { values: gone.map((index) => u64be(index)), clause: 'TOP-067' };
}
