/** Commands of the topology. Spec: chapter 10, chapter 23 "Commands" */
import { encodeUtf8, toHex } from '../../core/bytes.ts';
import type { TopologyNotice, TopologyOutcome, TopologyRequest } from '../../core/topology/contract.ts';
import type { PeerId } from '../../core/types.ts';
import { type Arguments, RefusedArguments } from '../arguments.ts';
import { defineCommands, idBytes, type NamedCommands } from './table.ts';

/** The longest duration that a request can hold; the node caps it further. */
const DURATION_MS_MAX = Number.MAX_SAFE_INTEGER;

function peerOf(args: Arguments): PeerId {
  return toHex(args.bytes(0, 32)) as PeerId;
}

/** One address a line, each `ws://` or `wss://`. */
function addressesOf(args: Arguments, index: number): readonly string[] {
  const addresses = args.lines(index);
  if (addresses.some((address) => !/^wss?:\/\//.test(address)))
    throw new RefusedArguments(`argument ${index} has a line that is no address`);
  return addresses;
}

export const topologyCommands: NamedCommands = defineCommands<TopologyRequest, TopologyOutcome, TopologyNotice>({
  requests: {
    'topology.ban': (args) => ({ type: 'topology.ban', peer: peerOf(args), durationMs: args.number(1, DURATION_MS_MAX) }),
    'topology.unban': (args) => ({ type: 'topology.unban', peer: peerOf(args) }),
    'topology.protect': (args) => ({ type: 'topology.protect', peer: peerOf(args), addresses: addressesOf(args, 1) }),
    'topology.unprotect': (args) => ({ type: 'topology.unprotect', peer: peerOf(args) }),
    'topology.candidate': (args) => ({
      type: 'topology.candidate',
      peer: peerOf(args),
      addresses: addressesOf(args, 1),
      region: args.text(2),
    }),
  },
  outcomes: {
    'topology.done': () => ({ values: [] }),
  },
  notices: {
    'topology.refused': ({ peer, reason }) => [idBytes(peer), encodeUtf8(reason)],
  },
});
