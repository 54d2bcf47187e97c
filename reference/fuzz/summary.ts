/** What a run of the fuzzer came to: as a file, and for people. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CampaignResult, GeneratorCount } from './campaign.ts';
import type { FloodResult } from './flood.ts';
import { GENERATOR_NAMES } from './generators.ts';

/** `reports/fuzz/summary.json`; without a flood its figures are null. */
export interface Summary {
  readonly seed: string;
  readonly inputs: number;
  readonly throws: number;
  /** Times that an orderly session was not served. */
  readonly starved: number;
  /** Memory that the flood made the node hold, above what it held before. */
  readonly peakBytes: number | null;
  readonly boundBytes: number | null;
  readonly durationMs: number;
  readonly isCutShort: boolean;
  readonly byGenerator: Readonly<Record<string, GeneratorCount>>;
  readonly flood: FloodResult | null;
  /** Why there is no flood's result, if its process died; that counts as thrown. */
  readonly floodDied: string | null;
  /** Files of the failures that were written. */
  readonly failures: readonly string[];
}

/** Puts a campaign and a flood together, or why the flood's process died; the flood's own faults count with the campaign's. */
export function makeSummary(
  seed: string,
  campaign: CampaignResult,
  flooding: FloodResult | { readonly died: string } | undefined,
  failures: readonly string[],
): Summary {
  const died = flooding !== undefined && 'died' in flooding ? flooding.died : undefined;
  const flood = flooding === undefined || 'died' in flooding ? undefined : flooding;
  return {
    seed,
    inputs: campaign.inputs,
    throws: campaign.throws + (flood?.throws ?? 0) + (died === undefined ? 0 : 1),
    starved: campaign.starved + (flood === undefined ? 0 : starvedIn(flood)),
    peakBytes: flood?.peakBytes ?? null,
    boundBytes: flood?.boundBytes ?? null,
    durationMs: campaign.durationMs,
    isCutShort: campaign.isCutShort,
    byGenerator: campaign.byGenerator,
    flood: flood ?? null,
    floodDied: died ?? null,
    failures,
  };
}

/** Quiet links that the node closed or left without a Pong. */
function starvedIn({ counts }: FloodResult): number {
  return counts.quietLost + Math.max(0, counts.quietPings - counts.quietPongs);
}

/** Whether the node stood the test. */
export function hasPassed({ throws, starved, peakBytes, boundBytes }: Summary): boolean {
  return throws === 0 && starved === 0 && (peakBytes === null || boundBytes === null || peakBytes <= boundBytes);
}

/** Writes `summary.json`. */
export function writeSummary(directory: string, summary: Summary): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'summary.json'), `${JSON.stringify(summary, undefined, 2)}\n`);
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}

function floodLines(flood: FloodResult, boundBytes: number, peakBytes: number): readonly string[] {
  const { counts, peaks, parts, seconds } = flood;
  const largest = [...parts].sort((a, b) => b.bytes - a.bytes).slice(0, 5);
  return [
    '',
    `flood of ${seconds} s, preset main, in ${(flood.durationMs / 1000).toFixed(1)} s: ${grouped(counts.inputs)} inputs, ${grouped(counts.delivered)} messages delivered, ${grouped(counts.sessionsClosed)} sessions closed`,
    `  memory: peak ${mebibytes(peakBytes)} of a bound of ${mebibytes(boundBytes)} (${((100 * peakBytes) / boundBytes).toFixed(0)} %)`,
    `  largest parts of the bound: ${largest.map(({ name, bytes }) => `${name} ${mebibytes(bytes)}`).join(', ')}`,
    `  frames that waited for peers which took none: at most ${grouped(peaks['framesWaiting'] ?? 0)}`,
    `  quiet links: ${grouped(counts.quietPongs)} of ${grouped(counts.quietPings)} Pings answered, ${counts.quietLost} lost`,
    ...(flood.message === undefined ? [] : [`  thrown: ${flood.message}`]),
  ];
}

/** The summary for people, with the command that repeats a failure. */
export function formatSummary(summary: Summary): string {
  const { byGenerator, flood, peakBytes, boundBytes } = summary;
  const rows = GENERATOR_NAMES.flatMap((name) => {
    const count = byGenerator[name];
    if (count === undefined) return [];
    const cells = [count.inputs, count.nodes, count.throws, count.starved].map((cell) => grouped(cell).padStart(9));
    return [`  ${name.padEnd(10)}${cells.join('')}`];
  });
  const end = summary.isCutShort ? ', cut short by the time limit' : '';
  return `${[
    `seed ${summary.seed}: ${grouped(summary.inputs)} inputs in ${(summary.durationMs / 1000).toFixed(1)} s${end}`,
    `  ${'generator'.padEnd(10)}${['inputs', 'nodes', 'throws', 'starved'].map((head) => head.padStart(9)).join('')}`,
    ...rows,
    ...(flood === null || peakBytes === null || boundBytes === null ? [] : floodLines(flood, boundBytes, peakBytes)),
    ...(summary.floodDied === null ? [] : ['', `flood: ${summary.floodDied}`]),
    '',
    ...summary.failures.map((file) => `failure: npm run fuzz -- --replay ${file}`),
    `${hasPassed(summary) ? 'passed' : 'FAILED'}: ${summary.throws} throws, ${summary.starved} starved`,
  ].join('\n')}\n`;
}
