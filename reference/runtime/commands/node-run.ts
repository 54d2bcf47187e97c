/** What `carillon node` does. */
import { parseHostPort } from '../addresses.ts';
import { type ConfigFlags, type ConfigSources, loadConfig } from '../config.ts';
import { startNode } from '../node-host.ts';
import { Problem } from '../problem.ts';
import type { ListenAddress } from '../transport/transport.ts';

/** Flags as the command line gives them. */
export interface NodeFlags {
  readonly config?: string;
  readonly networkFile?: string;
  readonly listen?: string;
  readonly key?: string;
  readonly network?: string;
  readonly preset?: string;
  readonly peer: readonly string[];
  readonly bootstrap: readonly string[];
  readonly http?: string;
  readonly logLevel?: string;
}

/** A failure that is a bug of the node. */
const EXIT_INTERNAL = 70;

function hostPort(flag: string, text: string): ListenAddress {
  const where = parseHostPort(text);
  if (where !== undefined) return where;
  throw new Problem('E_USAGE', {
    where: flag,
    expected: 'HOST:PORT, or [IPV6]:PORT, with a port from 0 to 65535',
    found: JSON.stringify(text),
    todo: 'for example 127.0.0.1:7600',
  });
}

function flagsOf(flags: NodeFlags): ConfigFlags {
  return {
    ...(flags.network === undefined ? {} : { networkId: flags.network }),
    ...(flags.preset === undefined ? {} : { preset: flags.preset }),
    ...(flags.key === undefined ? {} : { keyFile: flags.key }),
    ...(flags.listen === undefined ? {} : { listen: hostPort('--listen', flags.listen) }),
    ...(flags.http === undefined ? {} : { http: hostPort('--http', flags.http) }),
    ...(flags.logLevel === undefined ? {} : { logLevel: flags.logLevel }),
    peers: flags.peer,
    bootstrap: flags.bootstrap,
  };
}

/** Runs a node until a signal or a failure; resolves with the exit code. Rejects with `Problem` when it cannot start. */
export async function runNode(flags: NodeFlags): Promise<number> {
  const sources: ConfigSources = {
    ...(flags.config === undefined ? {} : { configFile: flags.config }),
    ...(flags.networkFile === undefined ? {} : { networkFile: flags.networkFile }),
    flags: flagsOf(flags),
  };
  const node = await startNode(loadConfig(sources));
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    signals += 1;
    // A second signal means that the first one did not help.
    if (signals > 1) process.exit(signal === 'SIGINT' ? 130 : 143);
    void node.stop();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // Standard output holds this line alone, so that whoever started the node can wait for it.
  process.stdout.write(
    `ready url=${node.url ?? '-'} peer_id=${node.peerIdText}${node.httpUrl === undefined ? '' : ` http=${node.httpUrl}`}\n`,
  );
  const error = await node.ended;
  process.off('SIGINT', onSignal);
  process.off('SIGTERM', onSignal);
  return error === undefined ? 0 : EXIT_INTERNAL;
}
