/** Where simulated nodes are: plans of IPv4 addresses, and their forms on the wire and in texts. */
import { create } from '@bufbuild/protobuf';
import { type Address, AddressSchema, Transport } from '../../proto/gen/carillon/v1/common_pb.ts';
import { invariant } from '../core/errors.ts';
import type { Endpoint } from '../core/types.ts';

/** The address of one node; no two nodes of a world have the same IP address and port. */
export interface NodeAddress {
  /** IPv4 in dotted decimals. */
  readonly ip: string;
  readonly wsPort: number;
  /** Undefined for a node without datagrams, as in a browser. */
  readonly udpPort: number | undefined;
}

/** Gives each node, by its number from 0, its address. */
export type AddressPlan = (node: number) => NodeAddress;

const PORT = 7600;

/** Each node in a /24 of its own, spread over public space: 2,097,152 of them. */
export const spreadAddresses: AddressPlan = (node) => {
  invariant(node < 2 ** 21, 'there are 2^21 networks to spread over');
  // A multiplication with an odd number permutes the residues, so no two nodes share a network.
  const network = Math.imul(node, 0x9e3779b1) & 0x1fffff;
  return addressAt(`${20 + (network >> 16)}.${(network >> 8) & 0xff}.${network & 0xff}.${1 + (node % 254)}`);
};

/**
 * All nodes in one /24, as an attacker with one rented network has them: addresses first, then,
 * from the 255th node on, further ports of the same addresses.
 */
export function sharedNetwork(network: `${number}.${number}.${number}`): AddressPlan {
  return (node) => addressAt(`${network}.${1 + (node % 254)}`, PORT + Math.floor(node / 254));
}

/** The plan of `special` for the nodes from `first` on, numbered from 0 again, and of `others` before them. */
export function splitPlan(first: number, others: AddressPlan, special: AddressPlan): AddressPlan {
  return (node) => (node < first ? others(node) : special(node - first));
}

function addressAt(ip: string, port: number = PORT): NodeAddress {
  return { ip, wsPort: port, udpPort: port };
}

/** What a node says in its hello about where it is found. */
export function listenAddressesOf(address: NodeAddress): readonly Address[] {
  const value = Uint8Array.from(address.ip.split('.').map(Number));
  const at = (port: number, transport: Transport): Address =>
    create(AddressSchema, { host: { case: 'ip4', value: Uint8Array.from(value) }, port, transport });
  const session = at(address.wsPort, Transport.WS);
  return address.udpPort === undefined ? [session] : [session, at(address.udpPort, Transport.UDP)];
}

/** `ws://IP:PORT`, which the simulated network dials. */
export function urlOf(address: NodeAddress): string {
  return `ws://${address.ip}:${address.wsPort}`;
}

/** One text for an endpoint, to key maps with. */
export function endpointKey({ ip, port }: Endpoint): string {
  return `${ip}:${port}`;
}
