/** Some nodes of a devnet in one process: all of them, or one process's share. */
import type { PresetName } from '../core/params.ts';
import type { PeerId } from '../core/types.ts';
import { type ConfigDraft, defineConfig } from './config.ts';
import type { LogLevel } from './log.ts';
import { type RunningNode, startNode } from './node-host.ts';
import type { Transport } from './transport/transport.ts';

/** What a group is made of. */
export interface GroupOptions {
  /** Number of its first node in the whole devnet. */
  readonly first: number;
  readonly count: number;
  readonly networkId: string;
  readonly preset: PresetName;
  readonly parameters?: Readonly<Record<string, string | number>>;
  /** Port of node 0, for sessions and datagrams; the others follow. 0 takes any that are free. */
  readonly basePort: number;
  /** Port of node 0's HTTP window; the others follow. Undefined opens none, 0 takes any that are free. */
  readonly httpBasePort?: number;
  /** The one address that its nodes begin with; undefined for that of the group's first node. */
  readonly bootstrap?: string;
  readonly logLevel?: LogLevel;
  /** Instead of sockets, by the number of the node. */
  readonly transport?: (index: number) => Transport;
}

/** One node of a group, as others see it. */
export interface GroupMember {
  readonly index: number;
  readonly peer: PeerId;
  readonly peerIdText: string;
  readonly url: string;
  readonly httpUrl: string | undefined;
}

/** What a node has found. */
export interface Found {
  readonly index: number;
  /** Other nodes that it knows and can find. */
  readonly known: number;
  readonly sessions: number;
}

/** Running nodes. */
export interface Group {
  readonly members: readonly GroupMember[];
  readonly nodes: readonly RunningNode[];
  found(): Promise<readonly Found[]>;
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';

function draftOf(options: GroupOptions, index: number, bootstrap: string | undefined): ConfigDraft {
  const { networkId, preset, parameters, basePort, httpBasePort, logLevel } = options;
  const portOf = (base: number): number => (base === 0 ? 0 : base + index);
  return {
    networkId,
    preset,
    ...(parameters === undefined ? {} : { parameters }),
    listen: { host: HOST, port: portOf(basePort) },
    ...(httpBasePort === undefined ? {} : { http: { host: HOST, port: portOf(httpBasePort) } }),
    ...(logLevel === undefined ? {} : { logLevel }),
    bootstrap: bootstrap === undefined ? [] : [bootstrap],
  };
}

/** Starts the nodes, one after the other. Rejects, and stops what runs, with the `Problem` of the first that cannot start. */
export async function startGroup(options: GroupOptions): Promise<Group> {
  const nodes: RunningNode[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  try {
    for (let offset = 0; offset < options.count; offset++) {
      const index = options.first + offset;
      const transport = options.transport?.(index);
      const config = defineConfig(draftOf(options, index, options.bootstrap ?? nodes[0]?.url));
      nodes.push(await startNode(config, transport === undefined ? {} : { transport }));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const members = nodes.map((node, offset) => ({
    index: options.first + offset,
    peer: node.peerId,
    peerIdText: node.peerIdText,
    url: node.url ?? '',
    httpUrl: node.httpUrl,
  }));
  return {
    members,
    nodes,
    found: () =>
      Promise.all(
        nodes.map(async (node, offset) => ({
          index: options.first + offset,
          known: (await node.knownPeers()).size,
          sessions: node.peers().length,
        })),
      ),
    stop,
  };
}
