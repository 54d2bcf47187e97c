/** Vectors of chapter 10: scores, regions, shares, backoffs, admission and pruning. */
import { believedRoundTrip, REGIONS, type Region } from '../../model/topology.ts';
import { STRATEGIES } from '../../model/topology-choice.ts';
import { bytesOf, type Draft, type GeneratedFile, modelFile } from '../draft.ts';
import type { VectorNote } from '../file.ts';
import { admissionDrafts } from './topology-admission.ts';

const NOTES: Readonly<Record<string, VectorNote>> = {
  plain: { bugType: 'BASIC', description: 'The rule in the usual case.' },
  edge: { bugType: 'EDGE_CASE', description: 'At a bound, or at either side of it.' },
  rounding: {
    bugType: 'ROUNDING',
    description: 'A division that leaves a rest.',
    effect: 'Scores differ by one, and with them who is chosen.',
  },
  large: { bugType: 'EDGE_CASE', description: 'Numbers that a sum or a product could carry beyond what a type holds.' },
  order: { bugType: 'EDGE_CASE', description: 'Several clauses apply; the first in their order decides.' },
  spared: { bugType: 'BASIC', description: 'A session that the order puts first and an exception keeps.' },
  tie: { bugType: 'EDGE_CASE', description: 'Sessions that are equal but for their PeerIds.' },
};

const NONE = new Uint8Array();
const LARGEST = 2n ** 64n - 1n;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

type Rtt = number | bigint | undefined;

function score(
  clause: string,
  flag: string,
  id: string,
  comment: string,
  peer: { rtt?: Rtt; rttAge?: number; gained?: number | bigint; lost?: number | bigint; uptime?: number | bigint },
): Draft {
  const { rtt, rttAge = 0, gained = 0, lost = 0, uptime = DAY } = peer;
  return { id, comment, clauses: [clause], flags: [flag], args: [rtt ?? NONE, rttAge, gained, lost, uptime], decidedBy: 'TOP-030' };
}

function scores(): readonly Draft[] {
  const latencies = [0, 1, 49, 50, 51, 52, 100, 101, 250, 333, 498, 499, 500, 501, 60_000].map((rtt) =>
    score('TOP-030', rtt % 9 === 0 ? 'edge' : 'rounding', `rtt-${rtt}`, `a round trip of ${rtt} ms`, { rtt }),
  );
  const deliveries = [0, 1, 3, 999, 4_321, 9_999, 10_000, 10_001, 100_000].flatMap((points) => [
    score('TOP-030', 'edge', `gained-${points}`, `${points} thousandths of points`, { rtt: 50, gained: points }),
    score('TOP-030', 'edge', `lost-${points}`, `minus ${points} thousandths of points`, { rtt: 50, lost: points }),
  ]);
  const uptimes = [0, 1, 7, 1_000, 299_999, 300_000, 300_001, HOUR, 43_200_001, DAY - 1, DAY, DAY + 1, 10 * DAY].map((uptime) =>
    score('TOP-030', uptime % 1_000 === 0 ? 'edge' : 'rounding', `uptime-${uptime}`, `${uptime} ms of uptime`, {
      rtt: 123,
      gained: 777,
      uptime,
    }),
  );
  const ages = [0, 30_000, 39_999, 40_000, 40_001, DAY].map((rttAge) =>
    score('TOP-031', 'edge', `measured-${rttAge}`, `the latest round trip is ${rttAge} ms old`, { rtt: 20, rttAge }),
  );
  return [
    score('TOP-030', 'plain', 'best', 'everything is at its best', { rtt: 10, gained: 10_000 }),
    score('TOP-030', 'plain', 'stranger', 'nothing is known of the peer', { uptime: 0 }),
    score('TOP-030', 'plain', 'worst', 'everything is at its worst', { rtt: 9_999, lost: 50_000 }),
    ...latencies,
    ...deliveries,
    ...uptimes,
    score('TOP-031', 'plain', 'unmeasured', 'no round trip was measured', {}),
    ...ages,
    score('TOP-030', 'large', 'largest-uptime', '2^64 − 1 ms of uptime', { rtt: 60, uptime: LARGEST }),
    score('TOP-030', 'large', 'largest-rtt', 'a round trip of 2^64 − 1 ms', { rtt: LARGEST }),
    score('TOP-030', 'large', 'largest-points', '2^63 − 1 thousandths of points lost', { rtt: 60, lost: 2n ** 63n - 1n }),
  ];
}

/** Every pair of regions, at both of its bounds and at either side of each. */
function regions(): readonly Draft[] {
  const names: readonly Region[] = ['unknown', ...REGIONS];
  const at = (own: string, claimed: string, rtt: Rtt, flag: string): Draft => ({
    id: `${own}-${claimed}-${rtt ?? 'none'}`,
    comment: `a node in ${own}, a claim of ${claimed}, ${rtt === undefined ? 'nothing measured' : `${rtt} ms`}`,
    clauses: ['TOP-003'],
    flags: [flag],
    args: [own, claimed, rtt ?? NONE],
  });
  const around = (own: Region, claimed: Region): readonly number[] => {
    const believed = believedRoundTrip(own, claimed);
    if (believed === undefined) return [100];
    const [least, greatest] = [Number(believed.least), Number(believed.greatest)];
    return [0, least - 1, least, greatest, greatest + 1].filter((rtt, index, all) => rtt >= 0 && all.indexOf(rtt) === index);
  };
  return [
    ...names.flatMap((own) => names.map((claimed) => at(own, claimed, undefined, 'plain'))),
    ...names.flatMap((own) => names.flatMap((claimed) => around(own, claimed).map((rtt) => at(own, claimed, rtt, 'edge')))),
    at('eu', 'oc', LARGEST, 'large'),
  ];
}

function shares(): readonly Draft[] {
  return REGIONS.flatMap((own) =>
    REGIONS.map(
      (other): Draft => ({
        id: `${own}-${other}`,
        comment: `sessions in ${other} of a node in ${own}`,
        clauses: ['TOP-004'],
        flags: ['rounding'],
        args: [own, other],
      }),
    ),
  );
}

function backoffs(): readonly Draft[] {
  return [1n, 2n, 3n, 4n, 8n, 9n, 10n, 11n, 31n, 32n, 33n, 64n, 65n, 1_000n, LARGEST].map((failures) => ({
    id: `failures-${failures}`,
    comment: `after ${failures} failures in a row`,
    clauses: ['TOP-050'],
    flags: [failures > 64n ? 'large' : 'plain'],
    args: [failures],
  }));
}

interface Session {
  readonly direction?: 'in' | 'out';
  readonly region?: string;
  readonly score?: number;
  readonly rtt?: number;
  readonly idle?: number;
  readonly age?: number;
  readonly mark?: string;
}

function sessionWords({
  direction = 'in',
  region = 'unknown',
  score: points = 500_000,
  rtt,
  idle = 0,
  age = HOUR,
  mark = '-',
}: Session): string {
  return [direction, region, points, rtt ?? '-', idle, age, mark].join(' ');
}

interface PruneLimits {
  readonly own?: string;
  readonly target?: number;
  readonly high?: number;
  readonly perRound?: number;
  readonly outbound?: number;
  readonly newcomer?: number;
}

function prune(flag: string, id: string, comment: string, strategy: string, limits: PruneLimits, sessions: readonly Session[]): Draft {
  const { own = 'unknown', target = 2, high = 2, perRound = 2, outbound = 0, newcomer = 1_000 } = limits;
  const args = [[strategy, own, target, high, perRound, outbound, newcomer].join(' '), ...sessions.map(sessionWords)];
  return { id, comment, clauses: ['TOP-067'], flags: [flag], args };
}

/** Sessions of chance, the same in every run. */
function sample(label: string, count: number): readonly Session[] {
  const bytes = bytesOf(label, count * 8);
  return Array.from({ length: count }, (_, index) => {
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0] = bytes.subarray(index * 8);
    return {
      direction: a % 3 === 0 ? 'out' : 'in',
      region: ['unknown', ...REGIONS][b % 7] ?? 'unknown',
      score: c * 3_906,
      ...(d % 8 === 0 ? {} : { rtt: d * 2 }),
      idle: (e % 40) * 1_000,
      age: f % 5 === 0 ? f : f * 1_000 + 1_000,
      mark: g % 9 === 0 ? 'protected' : '-',
    };
  });
}

function prunes(): readonly Draft[] {
  const three: readonly Session[] = [
    { score: 300_000, rtt: 10, idle: 5_000 },
    { score: 200_000, rtt: 20, idle: 1_000 },
    { score: 400_000, rtt: 30, idle: 2_000 },
    { score: 500_000, idle: 3_000 },
  ];
  const all = (flag: string, id: string, comment: string, limits: PruneLimits, sessions: readonly Session[]): readonly Draft[] =>
    STRATEGIES.map((strategy) => prune(flag, `${id}-${strategy}`, `${comment}; ${strategy}`, strategy, limits, sessions));
  const worst = (mark: Session): readonly Session[] => [{ score: 1, rtt: 900, idle: 90_000, ...mark }, ...three];
  return [
    ...all('plain', 'order', 'two of four go', {}, three),
    ...all('edge', 'one-above', 'one above the number that stays', { high: 3 }, three),
    ...all('edge', 'none-above', 'as many as may stay: nobody goes', { high: 4 }, three),
    ...all('edge', 'below', 'fewer than may stay: nobody goes', { high: 9 }, three),
    ...all('edge', 'per-round', 'one at a time', { high: 0, perRound: 1 }, three),
    ...all('tie', 'equal', 'all are equal', {}, [{}, {}, {}, {}]),
    ...all('spared', 'protected', 'the worst is protected', {}, worst({ mark: 'protected' })),
    ...all('spared', 'newcomer', 'the worst is 999 ms old', {}, worst({ age: 999 })),
    ...all('edge', 'no-newcomer', 'the worst is 1,000 ms old', {}, worst({ age: 1_000 })),
    ...all('spared', 'anchor', 'the worst is the only outbound session', { outbound: 1 }, worst({ direction: 'out' })),
    ...all('edge', 'no-anchor', 'the worst is the younger of two outbound sessions, and one is an anchor', { outbound: 1 }, [
      ...worst({ direction: 'out' }),
      { direction: 'out', age: HOUR + 1 },
    ]),
    ...all('spared', 'floor', 'the worst is one of the last two in its region, whose floor is 2', { own: 'eu', target: 18 }, [
      ...worst({ region: 'na' }),
      { region: 'na' },
    ]),
    ...all('edge', 'above-floor', 'three in a region whose floor is 2: one of them goes', { own: 'eu', target: 18 }, [
      ...worst({ region: 'na' }),
      { region: 'na', score: 2, rtt: 800, idle: 80_000 },
      { region: 'na' },
    ]),
    ...all('spared', 'nobody-may', 'everybody is kept by an exception', { high: 0, outbound: 2 }, [
      { direction: 'out' },
      { direction: 'out' },
      { mark: 'protected' },
      { age: 0 },
    ]),
    ...[1, 2, 3, 4, 5, 6].flatMap((n) =>
      all(
        'plain',
        `sample-${n}`,
        `sample ${n}`,
        { own: REGIONS[n - 1] ?? 'eu', target: 20, high: 20, perRound: 8, outbound: 4 },
        sample(`topology prune ${n}`, 32),
      ),
    ),
  ];
}

/** The files of chapter 10. */
export function topologyFiles(): readonly GeneratedFile[] {
  return [
    modelFile('topology/score.json', 'topology.score', ['TOP-030', 'TOP-031'], NOTES, scores()),
    modelFile('topology/region.json', 'topology.region', ['TOP-003'], NOTES, regions()),
    modelFile('topology/share.json', 'topology.share', ['TOP-004'], NOTES, shares()),
    modelFile('topology/backoff.json', 'topology.backoff', ['TOP-050'], NOTES, backoffs()),
    modelFile(
      'topology/admit.json',
      'topology.admit',
      ['TOP-010', 'TOP-011', 'TOP-012', 'TOP-013', 'TOP-014', 'TOP-015', 'TOP-016', 'TOP-020', 'TOP-021', 'TOP-022', 'TOP-023'],
      NOTES,
      admissionDrafts(),
    ),
    modelFile('topology/prune.json', 'topology.prune', ['TOP-067'], NOTES, prunes()),
  ];
}
