/** Which target the flags of a command name, and how to open as many of it as a run wants. */
import type { Command } from 'commander';
import { parseAddress } from '../driver/channel.ts';
import { ADDRESS_FORMS, type TargetSpec } from '../driver/target.ts';
import { parseUdpAddress } from '../driver/udp-socket.ts';
import type { RunLine } from '../report/result.ts';
import { adapterLevels, describeHello, openAdapterExecutor } from './adapter-executor.ts';
import type { Executor } from './executor.ts';
import { quote } from './failure.ts';
import { LEVELS, type Level } from './job.ts';
import { ToolError } from './problem.ts';
import { openReferenceNode, openWireExecutor } from './wire-executor.ts';

/** The flags as commander gives them. */
export interface TargetFlags {
  readonly adapter?: string;
  readonly exec?: string;
  readonly url?: readonly string[];
  readonly prepared?: string;
  readonly udp?: readonly string[];
}

/** Adds the target flags to a command. */
export function addTargetFlags(command: Command): Command {
  return command
    .option('--adapter <address>', 'judge the adapter that listens at tcp://HOST:PORT, unix:PATH or ws://HOST:PORT')
    .option('--exec <command>', 'start an adapter that connects back to the address in CARILLON_ADAPTER')
    .option(
      '--url <url>',
      'judge the running node at ws://HOST:PORT (level wire); repeat for several equal nodes',
      (url: string, before: readonly string[] = []) => [...before, url],
    )
    .option('--prepared <dir>', 'the files that the nodes of --url were started with, written by conform --prepare')
    .option(
      '--udp <address>',
      'HOST:PORT where the node of --url takes datagrams, if its hello does not say; repeat as --url',
      (udp: string, before: readonly string[] = []) => [...before, udp],
    );
}

export interface TargetChoice {
  /** Levels that the flags give a target for. */
  readonly levels: readonly Level[];
  /** Flags that name the same target again, for replay lines. */
  readonly replayFlags: Readonly<Partial<Record<Level, string>>>;
  readonly adapter: TargetSpec | undefined;
  readonly wire: 'reference' | { readonly urls: readonly string[]; readonly udp: readonly string[]; readonly prepared: string } | undefined;
}

/** Reads the flags; without any the target is the reference node at all levels. Throws E_USAGE when they contradict each other. */
export function chooseTarget(flags: TargetFlags): TargetChoice {
  const { adapter, exec, url: urls = [], prepared, udp = [] } = flags;
  if (adapter !== undefined && exec !== undefined)
    throw usage('--adapter and --exec are both given', 'one adapter', 'two', 'leave one of them out');
  if (adapter !== undefined && parseAddress(adapter) === undefined)
    throw usage('--adapter is not usable', ADDRESS_FORMS, JSON.stringify(adapter), 'give for example --adapter tcp://127.0.0.1:9000');
  if (exec !== undefined && exec.trim() === '')
    throw usage('--exec is not usable', 'a command line', JSON.stringify(exec), 'give for example --exec ./my-adapter');
  const badUrl = urls.find((url) => !isNodeUrl(url));
  if (badUrl !== undefined)
    throw usage('--url is not usable', 'ws://HOST:PORT', JSON.stringify(badUrl), 'give for example --url ws://127.0.0.1:7600');
  if (urls.length > 0 && prepared === undefined) {
    throw usage(
      '--url stands alone',
      '--prepared DIR beside it',
      'no --prepared',
      'prepare a directory with conform --prepare DIR and start the node with its files',
    );
  }
  if (urls.length === 0 && prepared !== undefined)
    throw usage('--prepared stands alone', '--url beside it', 'no --url', 'give the address of the node');
  const badUdp = udp.find((address) => parseUdpAddress(address) === undefined);
  if (badUdp !== undefined)
    throw usage('--udp is not usable', 'HOST:PORT', JSON.stringify(badUdp), 'give for example --udp 127.0.0.1:7601');
  if (udp.length > urls.length) throw usage('--udp stands alone', 'a --url for each', `${urls.length}`, 'give the address of the node');
  const adapterFlag = adapter === undefined ? (exec === undefined ? '' : ` --exec ${quote(exec)}`) : ` --adapter ${quote(adapter)}`;
  const wireFlag =
    prepared === undefined
      ? ''
      : ` --url ${quote(urls[0] ?? '')} --prepared ${quote(prepared)}${udp[0] === undefined ? '' : ` --udp ${quote(udp[0])}`}`;
  const isDefault = adapterFlag === '' && wireFlag === '';
  const hasAdapter = isDefault || adapterFlag !== '';
  const wire = prepared === undefined ? (isDefault ? 'reference' : undefined) : { urls, udp, prepared };
  return {
    levels: LEVELS.filter((level) => (level === 'wire' ? wire !== undefined : hasAdapter)),
    replayFlags: { vectors: adapterFlag, adapter: adapterFlag, wire: wireFlag },
    adapter: hasAdapter ? adapterSpec(adapter, exec) : undefined,
    wire,
  };
}

function isNodeUrl(text: string): boolean {
  return /^wss?:\/\/[^/]/.test(text) && URL.canParse(text) && new URL(text).port !== '0';
}

function adapterSpec(adapter: string | undefined, exec: string | undefined): TargetSpec {
  if (adapter !== undefined) return { type: 'listening', address: adapter };
  return exec === undefined ? { type: 'reference' } : { type: 'exec', command: exec };
}

/** The levels of a run: those asked for, or all that the target has. Throws E_USAGE for a level without a target. */
export function levelsFor(choice: TargetChoice, wanted: readonly Level[] | undefined): readonly Level[] {
  const missing = wanted?.find((level) => !choice.levels.includes(level));
  if (missing === undefined) return wanted ?? choice.levels;
  throw usage(
    `there is no target for level ${missing}`,
    missing === 'wire' ? '--url and --prepared' : '--adapter or --exec',
    'other target flags only',
    'name the target, or leave the level out',
  );
}

export interface OpenTargets {
  readonly executors: readonly Executor[];
  readonly target: RunLine['target'];
  /** Levels that remain: an adapter without a node has no level `adapter`. */
  readonly levels: readonly Level[];
  close(): Promise<void>;
}

/** How many targets of each kind run at the same time, where the kit starts them itself. */
export interface Parallel {
  readonly adapters: number;
  readonly nodes: number;
}

/** Nodes at level wire for each job in parallel: they mostly wait. */
const WIRE_NODES_PER_JOB = 6;

/** Targets for `jobs` in parallel, and no more than there are checks for. */
export function parallelFor(jobs: number, checks: readonly { readonly level: Level }[]): Parallel {
  const wire = checks.filter(({ level }) => level === 'wire').length;
  return { adapters: Math.min(jobs, checks.length - wire), nodes: Math.min(jobs * WIRE_NODES_PER_JOB, wire) };
}

/**
 * Opens the targets of the levels; an adapter that listens gets one connection. Closes what is open
 * before it rejects with `TargetError`.
 */
export async function openTargets(
  choice: TargetChoice,
  levels: readonly Level[],
  parallel: Parallel,
  explicit: boolean,
): Promise<OpenTargets> {
  const executors: Executor[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(executors.map((executor) => executor.close()));
  };
  const openMany = async (count: number, open: (index: number) => Promise<Executor>): Promise<void> => {
    const opened = await Promise.allSettled(Array.from({ length: count }, (_, index) => open(index)));
    for (const result of opened) if (result.status === 'fulfilled') executors.push(result.value);
    const failed = opened.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  };
  try {
    let target: RunLine['target'] | undefined;
    let remaining = levels;
    const { adapter, wire } = choice;
    if (adapter !== undefined && levels.some((level) => level !== 'wire')) {
      const first = await openAdapterExecutor(adapter);
      executors.push(first);
      target = describeHello(first.target.hello);
      remaining = withoutMissing(levels, adapterLevels(first.target.hello), explicit);
      if (adapter.type !== 'listening') await openMany(parallel.adapters - 1, () => openAdapterExecutor(adapter));
    }
    if (wire !== undefined && levels.includes('wire')) {
      if (wire === 'reference') await openMany(parallel.nodes, () => openReferenceNode());
      else await openMany(wire.urls.length, (index) => openWireExecutor(wire.urls[index] ?? '', wire.prepared, wire.udp[index]));
    }
    return { executors, target: target ?? describeWire(executors[0], wire === 'reference'), levels: remaining, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function withoutMissing(levels: readonly Level[], served: readonly Level[], explicit: boolean): readonly Level[] {
  if (served.includes('adapter') || !levels.includes('adapter')) return levels;
  if (!explicit) return levels.filter((level) => level !== 'adapter');
  throw new ToolError('E_INCOMPATIBLE', {
    what: 'the adapter has no node',
    expected: 'a clock, to judge level adapter',
    found: 'CLOCK_NONE in its Hello',
    action: 'give --level vectors, or drive a node',
  });
}

// A socket says what it offers and nothing else.
function describeWire(executor: Executor | undefined, isReference: boolean): RunLine['target'] {
  return {
    name: isReference ? 'reference node behind a socket' : 'node behind a socket',
    version: '-',
    language: '-',
    specVersion: '-',
    conformanceClass: 'app',
    capabilities: [...(executor?.capabilities ?? [])].sort(),
    clock: 'wall',
    randomness: 'own',
  };
}

function usage(what: string, expected: string, found: string, action: string): ToolError {
  return new ToolError('E_USAGE', { what, expected, found, action });
}
