/** Worked examples of chapter 10, computed by the model. */
import { presetParameters } from '../conformance/model/parameters.ts';
import { backoffBounds, countedRegion, peerScore, type Region } from '../conformance/model/topology.ts';
import { group, table } from './spec-example-form.ts';

const MAIN = presetParameters('main');
const HOUR = 3_600_000n;

export function topologyScoreExample(): string {
  const cases: readonly (readonly [string, bigint | undefined, bigint, bigint])[] = [
    ['just arrived', undefined, 0n, 0n],
    ['measured once, two and a half minutes here', 80n, 0n, 150_000n],
    ['five minutes here', 80n, 0n, 300_000n],
    ['the same, with 40 first messages', 80n, 4_000n, 300_000n],
    ['a day here, near, as good as can be', 20n, 10_000n, 24n * HOUR],
    ['a day here, far, silent', 600n, 0n, 24n * HOUR],
    ['a day here, near, with five rejected messages', 20n, -25_000n, 24n * HOUR],
  ];
  const rows = cases.map(([name, rttMs, milliPoints, uptimeMs]) => [
    name,
    rttMs === undefined ? '–' : `${rttMs}`,
    group(milliPoints < 0n ? -milliPoints : milliPoints).replace(/^/, milliPoints < 0n ? '−' : ''),
    group(uptimeMs),
    group(peerScore({ rttMs, rttAgeMs: 0n, milliPoints, uptimeMs }, MAIN)),
  ]);
  return table(['peer', 'round trip, ms', 'points, thousandths', 'uptime, ms', 'score'], rows);
}

export function topologyRegionExample(): string {
  const cases: readonly (readonly [Region, bigint | undefined])[] = [
    ['na', undefined],
    ['na', 90n],
    ['na', 39n],
    ['na', 40n],
    ['oc', 5n],
    ['oc', 280n],
    ['oc', 501n],
    ['eu', 12n],
    ['eu', 201n],
    ['unknown', 90n],
  ];
  const rows = cases.map(([claimed, rttMs]) => [claimed, rttMs === undefined ? '–' : `${rttMs}`, countedRegion('eu', claimed, rttMs)]);
  return table(['claim', 'smallest round trip, ms', 'counts for'], rows);
}

export function topologyBackoffExample(): string {
  const rows = [1n, 2n, 3n, 5n, 9n, 10n, 100n].map((failures) => {
    const { leastMs, greatestMs } = backoffBounds(failures, MAIN);
    return [`${failures}`, group(leastMs), group(greatestMs)];
  });
  return table(['failures in a row', 'at least, ms', 'at most, ms'], rows);
}
