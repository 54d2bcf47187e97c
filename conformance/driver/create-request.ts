/** Create as a plan's setup has it. */
import { create } from '@bufbuild/protobuf';
import {
  AccountStateSchema,
  type CreateRequest,
  CreateRequestSchema,
  type LedgerPort,
  LedgerPortSchema,
  StakeSchema,
} from '../../proto/gen/carillon/adapter/v1/adapter_pb.ts';
import { type Address, AddressSchema, type Transport } from '../../proto/gen/carillon/v1/common_pb.ts';
import { presetParameters } from '../model/parameters.ts';
import { readAddressText } from './addresses.ts';
import { derive, type Identities, NODE_LABEL, STAKE_AMOUNT, STAKE_LABELS } from './identities.ts';
import type { LedgerSetup, Setup } from './plan.ts';

/** The node's wall clock when its monotonic clock stands at 0: 2027-01-15T00:00:00Z. */
export const WALL_START_MS: number = Date.UTC(2027, 0, 15);
/** Preset that every judged node runs with. */
export const PRESET = 'conformance';

/** What a node is made from besides the plan's setup. */
export interface CreateSource {
  readonly node: number;
  readonly seed: string;
  readonly networkId: Uint8Array;
  readonly identities: Identities;
}

/** The request that makes the node of a plan. Throws `HarnessError` for addresses of a wrong form. */
export function createRequest(setup: Setup, { node, seed, networkId, identities }: CreateSource): CreateRequest {
  const { overrides, stakes, stakeAmounts, applicationValidation, ledger } = setup;
  const staked = stakes === true ? [NODE_LABEL, ...STAKE_LABELS] : [];
  return create(CreateRequestSchema, {
    node,
    seed: derive('node', seed),
    identitySeed: identities.of(NODE_LABEL).seed,
    networkId,
    preset: PRESET,
    overrides: { ...overrides },
    wallStartMs: BigInt(WALL_START_MS),
    stakes: staked.map((label) =>
      create(StakeSchema, { peerId: identities.of(label).peerId, amount: BigInt(stakeAmounts?.[label] ?? STAKE_AMOUNT) }),
    ),
    applicationValidation: applicationValidation ?? false,
    bootstrapAddresses: [...(setup.bootstrap ?? [])],
    protectedPeers: (setup.protectedPeers ?? []).map((label) => identities.of(label).peerId),
    roles: setup.roles ?? 0,
    listenAddresses: (setup.listenAddresses ?? []).map(addressMessage),
    ...(ledger === undefined ? {} : { ledger: ledgerPort(ledger, identities) }),
  });
}

function ledgerPort({ genesisMs, accounts, leaders }: LedgerSetup, identities: Identities): LedgerPort {
  return create(LedgerPortSchema, {
    genesisMs: BigInt(WALL_START_MS + genesisMs),
    accounts: accounts.map(({ peer, nonce, balance }) =>
      create(AccountStateSchema, { peerId: identities.of(peer).peerId, nonce: BigInt(nonce), balance: BigInt(balance) }),
    ),
    leaders: leaders.map((label) => identities.of(label).peerId),
  });
}

/** The Address message of a text such as `ws://1.2.3.4:5`. */
export function addressMessage(text: string): Address {
  const { ip4, ip6, dns, port = 0, transport = 0 } = readAddressText(text);
  const host =
    ip4 !== undefined
      ? ({ case: 'ip4', value: ip4 } as const)
      : ip6 !== undefined
        ? ({ case: 'ip6', value: ip6 } as const)
        : ({ case: 'dns', value: dns ?? '' } as const);
  return create(AddressSchema, { host, port, transport: transport as Transport });
}

/** Parameters of chapter 19 in a run with these overrides. */
export function runParameters(setup: Setup): Readonly<Record<string, number | string>> {
  const overrides = Object.entries(setup.overrides ?? {}).map(([name, value]): [string, number | string] => [name, readValue(value)]);
  return { ...presetParameters(PRESET), ...Object.fromEntries(overrides) };
}

function readValue(text: string): number | string {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

/** Parameters that switch a capability on and off, where they are not `<noun>.mode`. */
const SWITCHES: Readonly<Record<string, string>> = { iblt: 'reconcile.iblt' };

/** Of the capabilities that a target declares, those of the protocol that its node offers with these parameters. */
export function offeredCapabilities(parameters: Readonly<Record<string, number | string>>, declared: readonly string[]): readonly string[] {
  const isOff = (capability: string): boolean => {
    const noun = capability.slice(0, capability.indexOf('/'));
    if (noun === 'gossip') return parameters['gossip.mode'] === 'off';
    if (noun === 'direct') return parameters['gossip.mode'] === 'only';
    return parameters[SWITCHES[noun] ?? `${noun}.mode`] === 'off';
  };
  return declared.filter((capability) => capability.includes('/') && !isOff(capability));
}
