/** Test identities: labels of a plan turned into keys, the same for the same seed. */
import { concat, hex, sha256, utf8 } from '../model/bytes.ts';
import { peerId } from '../model/peer-id.ts';
import { publicKey, x25519PublicKey } from '../model/quick.ts';
import { lp } from '../model/uvarint.ts';
import type { Hex, Label, Plan } from './plan.ts';

/** The keys behind a label. */
export interface Identity {
  readonly label: Label;
  /** Ed25519 secret seed, 32 bytes. */
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
  /** 32 bytes. */
  readonly peerId: Uint8Array;
  readonly peerIdHex: Hex;
}

/** An X25519 key pair. */
export interface KeyPair {
  readonly secret: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** The node under test. */
export const NODE_LABEL: Label = 'node';
/** Labels that have stake when a plan asks for stakes. */
export const STAKE_LABELS: readonly Label[] = Array.from({ length: 40 }, (_, i) => `stake-${i + 1}`);
/** Stake of each of them, and of the node. */
export const STAKE_AMOUNT = 1_000;

/** 32 bytes that depend on all parts and on their borders. */
export function derive(purpose: string, ...parts: readonly (string | Uint8Array)[]): Uint8Array {
  const encoded = parts.map((part) => lp(typeof part === 'string' ? utf8(part) : part));
  return sha256(utf8(`carillon-conformance/${purpose}`), Uint8Array.of(0), concat(...encoded));
}

/**
 * Seed of a label with stake, or of the node: depends on the network alone, so that the kit finds
 * the keys of a prepared network again. Public by design: such a network is for tests.
 */
export function networkSeed(networkId: string, label: Label): Uint8Array {
  return derive('network identity', networkId, label);
}

/** The identities of one plan run. */
export interface Identities {
  /** Keys of a label; always the same object for the same label. */
  of(label: Label): Identity;
  /** X25519 static key of a link. */
  staticKey(link: number): KeyPair;
  /** X25519 ephemeral key of a link's handshake. */
  ephemeralKey(link: number): KeyPair;
  /** Label of a PeerId in hexadecimal, of those that were asked for. */
  labelOf(peerIdHex: Hex): Label | undefined;
}

/** What identities are derived from. */
export interface IdentitySource {
  readonly seed: string;
  /** Another run id gives other identities, except for stakes and the node. */
  readonly runId: string;
  readonly networkId: string;
  /** Identity seed of the node where it does not come from the network id. */
  readonly nodeSeed?: Uint8Array;
}

/** Derives on demand and remembers. */
export function createIdentities({ seed, runId, networkId, nodeSeed }: IdentitySource): Identities {
  const byLabel = new Map<Label, Identity>();
  const byPeerId = new Map<Hex, Label>();
  const seedOf = (label: Label): Uint8Array => {
    if (label === NODE_LABEL) return nodeSeed ?? networkSeed(networkId, label);
    return STAKE_LABELS.includes(label) ? networkSeed(networkId, label) : derive('identity', seed, runId, label);
  };
  const keyPair = (secret: Uint8Array): KeyPair => ({ secret, publicKey: x25519PublicKey(secret) });
  return {
    of: (label) => {
      const known = byLabel.get(label);
      if (known !== undefined) return known;
      const identitySeed = seedOf(label);
      const key = publicKey(identitySeed);
      const id = peerId(1, key);
      const identity = { label, seed: identitySeed, publicKey: key, peerId: id, peerIdHex: hex(id) };
      byLabel.set(label, identity);
      byPeerId.set(identity.peerIdHex, label);
      return identity;
    },
    staticKey: (link) => keyPair(derive('static key', seed, runId, `${link}`)),
    ephemeralKey: (link) => keyPair(derive('ephemeral key', seed, runId, `${link}`)),
    labelOf: (peerIdHex) => byPeerId.get(peerIdHex),
  };
}

/** Every label that a plan names, the node and, when it asks for stakes, the labels with stake; ascending. */
export function labelsOf(plan: Plan, hasStakes: boolean): readonly Label[] {
  const labels = new Set<Label>([NODE_LABEL, ...(hasStakes ? STAKE_LABELS : [])]);
  for (const step of plan.steps) collectLabels(step, labels);
  const { protectedPeers = [], ledger } = plan.setup;
  for (const label of [...protectedPeers, ...(ledger?.leaders ?? [])]) labels.add(label);
  collectLabels(ledger?.accounts, labels);
  return [...labels].sort();
}

const LABEL_FIELDS: ReadonlySet<string> = new Set(['peer', 'origin', 'label', 'expected', 'peerId', 'publicKey', 'by']);
/** Fields of messages hold bytes where symbols of the same name hold a label. */
const HEX_FORM = /^(?:[0-9a-f]{2}){10,}$/;

function collectLabels(value: unknown, labels: Set<Label>): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [field, inner] of Object.entries(value)) {
    if (typeof inner === 'string' && LABEL_FIELDS.has(field) && inner !== '' && !HEX_FORM.test(inner)) labels.add(inner);
    else collectLabels(inner, labels);
  }
}
