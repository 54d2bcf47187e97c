/** A node behind a WebSocket URL as an executor of the runner: level `wire`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { HarnessError, TargetError } from '../driver/errors.ts';
import { preflightWire } from '../driver/preflight.ts';
import { prepareNetwork } from '../driver/prepare.ts';
import { type Child, startChild } from '../driver/process.ts';
import { executePlanOverWire, openWireTarget, type WireTarget } from '../driver/wire.ts';
import type { Executor } from './executor.ts';

/** What every node has at this level: the kit brings its own handshake over a real socket. */
const INHERENT_CAPABILITIES: readonly string[] = ['raw'];
/** Taken as offered when the node's hello could not be read, so that its checks fail rather than fall away. */
const PROTOCOL_CAPABILITIES: readonly string[] = ['gossip/1', 'direct/1'];
const READY_MS_MAX = 15_000;
const READY_POLL_MS = 20;

export interface WireExecutor extends Executor {
  readonly target: WireTarget;
}

/** Reaches a node that someone else started with the files in `prepared`. Rejects with `TargetError` or an E_FILE, E_CONFIG or E_KEY_FILE error. */
export async function openWireExecutor(url: string, prepared: string, udp?: string): Promise<WireExecutor> {
  let target = await openWireTarget({ url, prepared, udp });
  return wireExecutor(
    () => target,
    async () => {
      // Whoever started the node may start it again; the kit cannot.
      target = await openWireTarget({ url, prepared, udp });
    },
    async () => {},
  );
}

/** Directories of nodes that run; they go with the kit even when it ends by a signal. */
const directories = new Set<string>();

function keepUntilExit(directory: string): void {
  if (process.listenerCount('exit', removeAll) === 0) process.on('exit', removeAll);
  directories.add(directory);
}

function removeDirectory(directory: string): void {
  directories.delete(directory);
  rmSync(directory, { recursive: true, force: true });
}

function removeAll(): void {
  for (const directory of directories) removeDirectory(directory);
}

export interface ReferenceNodeOptions {
  readonly nodeArguments?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the reference node as a process with prepared files of its own, and reaches it. Rejects with `TargetError`. */
export async function openReferenceNode(options: ReferenceNodeOptions = {}): Promise<WireExecutor> {
  const directory = mkdtempSync(join(tmpdir(), 'carillon-node-'));
  let running: { readonly child: Child; readonly target: WireTarget } | undefined;
  const stop = async (): Promise<void> => {
    await running?.child.stop();
    running = undefined;
  };
  const start = async (): Promise<void> => {
    prepareNetwork(directory, 'conformance-wire');
    const child = startChild({ command: nodeCommand(directory, options.nodeArguments ?? []), env: options.env ?? {} });
    try {
      running = { child, target: await openWireTarget({ url: await readyUrl(child), prepared: directory }) };
    } catch (error) {
      await child.stop();
      throw error;
    }
  };
  keepUntilExit(directory);
  const close = async (): Promise<void> => {
    await stop();
    removeDirectory(directory);
  };
  try {
    await start();
  } catch (error) {
    await close();
    throw error;
  }
  return wireExecutor(
    () => {
      if (running === undefined) throw new TargetError('E_CRASHED', 'the node is not running');
      return running.target;
    },
    async () => {
      await stop();
      await start();
    },
    close,
  );
}

function wireExecutor(targetNow: () => WireTarget, restart: () => Promise<void>, close: () => Promise<void>): WireExecutor {
  return {
    get target() {
      return targetNow();
    },
    levels: ['wire'],
    capabilities: capabilitiesOf(targetNow()),
    deterministic: false,
    wallClock: true,
    preflight: preflightWire,
    execute: async (plan, options) => executePlanOverWire(targetNow(), plan, options),
    evaluate: async () => {
      throw new HarnessError('a socket does not answer Evaluate');
    },
    restart,
    close,
  };
}

function capabilitiesOf({ capabilities, udp }: WireTarget): ReadonlySet<string> {
  return new Set([...INHERENT_CAPABILITIES, ...(udp === undefined ? [] : ['datagrams']), ...(capabilities ?? PROTOCOL_CAPABILITIES)]);
}

// The reference node beside this kit: sources beside sources, built files beside built files.
function nodeCommand(directory: string, nodeArguments: readonly string[]): readonly [string, ...string[]] {
  const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const main = fileURLToPath(new URL(`../../bin/carillon.${suffix}`, import.meta.url));
  const files = ['--network-file', join(directory, 'network.toml'), '--key', join(directory, 'node.key')];
  return [process.execPath, ...nodeArguments, main, 'node', ...files, '--listen', '127.0.0.1:0', '--log-level', 'error'];
}

async function readyUrl(child: Child): Promise<string> {
  for (let waitedMs = 0; waitedMs < READY_MS_MAX; waitedMs += READY_POLL_MS) {
    const url = child.lastLines().flatMap((line) => /^ready url=(ws:\S+)/.exec(line)?.[1] ?? [])[0];
    if (url !== undefined) return url;
    const end = child.ended();
    if (end !== undefined) throw new TargetError('E_UNREACHABLE', `the reference node did not start: ${end}`);
    await wait(READY_POLL_MS);
  }
  throw new TargetError(
    'E_UNREACHABLE',
    `the reference node was not ready within ${READY_MS_MAX / 1000} s: ${child.lastLines().join(' | ')}`,
  );
}
