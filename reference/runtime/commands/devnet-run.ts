/** What `carillon devnet` does. */
import { randomBytes } from 'node:crypto';
import type { PresetName } from '../../core/params.ts';
import { type Found, type GroupMember, startGroup } from '../devnet-group.ts';
import { Problem } from '../problem.ts';
import { type RemoteGroup, startGroupProcess } from './devnet-process.ts';
import { formatTable } from './table.ts';

/** Flags as the command line gives them. */
export interface DevnetFlags {
  readonly nodes: number;
  readonly processes: number;
  readonly basePort: number;
  readonly httpBasePort?: number;
  readonly preset: PresetName;
  readonly timeLimit: number;
  readonly once?: true;
  readonly json?: true;
}

const POLL_MS = 50;

/** Groups of about equal size; the first has node 0, with which all others begin. */
async function startAll(flags: DevnetFlags): Promise<readonly RemoteGroup[]> {
  const { nodes, preset, basePort, httpBasePort } = flags;
  const processes = Math.min(flags.processes, nodes);
  const networkId = `devnet-${randomBytes(4).toString('hex')}`;
  const shares = Array.from({ length: processes }, (_, part) => {
    const first = Math.floor((part * nodes) / processes);
    return { first, count: Math.floor(((part + 1) * nodes) / processes) - first };
  });
  const common = { networkId, preset, basePort, ...(httpBasePort === undefined ? {} : { httpBasePort }) };
  if (processes === 1) return [await startGroup({ ...common, first: 0, count: nodes })];
  const [share, ...others] = shares;
  const head = await startGroupProcess({ ...common, first: 0, count: share?.count ?? 0 });
  const bootstrap = head.members[0]?.url ?? '';
  const started = await Promise.allSettled(others.map((other) => startGroupProcess({ ...common, ...other, bootstrap })));
  const groups = [head, ...started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))];
  const failure = started.find((result) => result.status === 'rejected');
  if (failure === undefined) return groups;
  await Promise.all(groups.map((group) => group.stop()));
  throw failure.reason;
}

/** What was found by when. */
interface Discovery {
  readonly members: readonly GroupMember[];
  readonly found: readonly Found[];
  /** When each node knew all others, in milliseconds from the start of the first; undefined for those that do not. */
  readonly completeMs: ReadonlyMap<number, number>;
  readonly startedMs: number;
  readonly elapsedMs: number;
}

async function discover(groups: readonly RemoteGroup[], beginMs: number, limitMs: number, isStopped: () => boolean): Promise<Discovery> {
  const members = groups.flatMap((group) => group.members);
  const startedMs = performance.now() - beginMs;
  const completeMs = new Map<number, number>();
  for (;;) {
    const found = (await Promise.all(groups.map((group) => group.found()))).flat();
    const elapsedMs = performance.now() - beginMs;
    for (const { index, known } of found) {
      if (known >= members.length - 1 && !completeMs.has(index)) completeMs.set(index, elapsedMs);
    }
    if (completeMs.size === members.length || elapsedMs >= limitMs || isStopped())
      return { members, found, completeMs, startedMs, elapsedMs };
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function secondsOf(ms: number | undefined): string {
  return ms === undefined ? '–' : `${(ms / 1_000).toFixed(2)} s`;
}

function reportText({ members, found, completeMs, startedMs, elapsedMs }: Discovery): string {
  const foundOf = new Map(found.map((each) => [each.index, each]));
  const rows = members.map(({ index, url, httpUrl, peerIdText }) => [
    String(index),
    url,
    httpUrl ?? '–',
    `${peerIdText.slice(0, 16)}…`,
    String(foundOf.get(index)?.sessions ?? 0),
    String(foundOf.get(index)?.known ?? 0),
    secondsOf(completeMs.get(index)),
  ]);
  const table = formatTable(['node', 'url', 'http', 'peer', 'sessions', 'known', 'knows all after'], rows, new Set([0, 4, 5, 6]));
  const all = completeMs.size === members.length;
  const last = Math.max(...completeMs.values());
  const verdict = all
    ? `every node knows the ${members.length - 1} others after ${secondsOf(last)} (all started after ${secondsOf(startedMs)})`
    : `${members.length - completeMs.size} of ${members.length} nodes do not know all others after ${secondsOf(elapsedMs)}`;
  return `${table}\n${verdict}\n`;
}

function reportJson({ members, found, completeMs, startedMs, elapsedMs }: Discovery): string {
  const foundOf = new Map(found.map((each) => [each.index, each]));
  const nodes = members.map(({ index, url, httpUrl, peerIdText }) => ({
    node: index,
    url,
    http: httpUrl ?? null,
    peer_id: peerIdText,
    sessions: foundOf.get(index)?.sessions ?? 0,
    known: foundOf.get(index)?.known ?? 0,
    complete_ms: completeMs.get(index) === undefined ? null : Math.round(completeMs.get(index) ?? 0),
  }));
  const isComplete = completeMs.size === members.length;
  return `${JSON.stringify({
    complete: isComplete,
    complete_ms: isComplete ? Math.round(Math.max(...completeMs.values())) : null,
    started_ms: Math.round(startedMs),
    elapsed_ms: Math.round(elapsedMs),
    nodes,
  })}\n`;
}

function checkPorts(flags: DevnetFlags): void {
  for (const [flag, base] of [
    ['--base-port', flags.basePort],
    ['--http-base-port', flags.httpBasePort ?? 0],
  ] as const) {
    if (base === 0 || base + flags.nodes - 1 <= 65_535) continue;
    throw new Problem('E_USAGE', {
      where: flag,
      expected: `a port of at most ${65_536 - flags.nodes}, for ${flags.nodes} nodes in a row`,
      found: String(base),
      todo: 'choose a lower one, or 0 for any that are free',
    });
  }
}

/** Runs a devnet until a signal, or, with `once`, until its nodes have found each other; resolves with the exit code. Rejects with `Problem` when it cannot start. */
export async function runDevnet(flags: DevnetFlags): Promise<number> {
  checkPorts(flags);
  const stopped = Promise.withResolvers<void>();
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    signals += 1;
    if (signals > 1) process.exit(signal === 'SIGINT' ? 130 : 143);
    stopped.resolve();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const beginMs = performance.now();
  const groups = await startAll(flags);
  try {
    const discovery = await discover(groups, beginMs, flags.timeLimit * 1_000, () => signals > 0);
    process.stdout.write(flags.json === true ? reportJson(discovery) : reportText(discovery));
    const isComplete = discovery.completeMs.size === discovery.members.length;
    if (flags.once === true || !isComplete) return isComplete ? 0 : 1;
    process.stderr.write('the nodes run until Ctrl-C\n');
    await stopped.promise;
    return 0;
  } finally {
    await Promise.all(groups.map((group) => group.stop()));
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}
