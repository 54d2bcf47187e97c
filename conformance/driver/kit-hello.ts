/** The kit's own hello envelope for a handshake: in order, of a wished size, or with the defect of a plan. */
import { compare, concat, unhex, utf8 } from '../model/bytes.ts';
import { judgeEnvelope, makeEnvelope } from '../model/envelope.ts';
import { type AddressFields, areCapabilities, type HelloFields, isAddress, makeHello } from '../model/hello.ts';
import { x25519PublicKey } from '../model/noise.ts';
import { flipLast } from './envelopes.ts';
import { HarnessError } from './errors.ts';
import { derive, type Identity } from './identities.ts';
import type { HandshakeDefect } from './plan.ts';

/** What a hello is made from. */
export interface HelloSource {
  readonly networkId: Uint8Array;
  readonly identity: Identity;
  readonly staticKey: Uint8Array;
  readonly side: 'initiator' | 'responder';
  readonly capabilities: readonly string[];
  readonly roles: number;
  readonly listenAddresses?: readonly AddressFields[];
}

const CONTEXT = 'handshake';

/** The Noise payload of message 2 or 3. `reflected` is the node's hello, for the defect that sends it back. Throws `HarnessError` when a hello without defect is not in order. */
export function kitHello(source: HelloSource, defect: HandshakeDefect | undefined, reflected: Uint8Array | undefined): Uint8Array {
  const { networkId, identity } = source;
  const seal = (fields: HelloFields): Uint8Array => makeEnvelope(networkId, CONTEXT, identity.seed, makeHello(fields));
  const fields = helloFields(source);
  switch (defect?.kind) {
    case 'staticKeySignature':
      return flipLast(seal(fields)); // the signature is the last field
    case 'otherStaticKey':
      return seal({ ...fields, staticKey: x25519PublicKey(derive('other static key', source.staticKey)) });
    case 'side':
      return seal({ ...fields, side: source.side === 'initiator' ? 'responder' : 'initiator' });
    case 'reflectHello':
      return reflected ?? new Uint8Array();
    case 'context':
      return makeEnvelope(networkId, defect.context, identity.seed, makeHello(fields));
    case 'network':
      return makeEnvelope(utf8(defect.networkId), CONTEXT, identity.seed, makeHello(fields));
    case 'version':
      return seal({ ...fields, version: defect.version });
    case 'trailing':
      return makeEnvelope(networkId, CONTEXT, identity.seed, concat(makeHello(fields), unhex(defect.bytes)));
    case 'minor':
      return seal({ ...fields, minorMin: defect.min, minorMax: defect.max });
    case 'capabilities':
      return seal({ ...fields, capabilities: defect.capabilities });
    case 'addresses':
      return seal({ ...fields, listenAddresses: defect.addresses.map(readAddress) });
    default:
      return checked(seal(fields), fields, networkId);
  }
}

function helloFields({ staticKey, side, capabilities, roles, listenAddresses = [] }: HelloSource): HelloFields {
  return { staticKey, side, minorMin: 0, minorMax: 0, capabilities: sortCapabilities(capabilities), roles, listenAddresses };
}

/** Capabilities in the order that a hello needs. */
export function sortCapabilities(capabilities: readonly string[]): readonly string[] {
  return [...capabilities].sort((a, b) => compare(utf8(a), utf8(b)));
}

function checked(envelope: Uint8Array, fields: HelloFields, networkId: Uint8Array): Uint8Array {
  const { code, clause, verdict } = judgeEnvelope(networkId, CONTEXT, envelope);
  if (verdict !== 'accept') throw new HarnessError(`the kit's own hello is not in order: ${code} ${clause}`);
  if (!areCapabilities(fields.capabilities ?? [])) {
    throw new HarnessError(
      `"${(fields.capabilities ?? []).join(' ')}" is no capability list (SES-021); use the defect "capabilities" for a bad one`,
    );
  }
  return envelope;
}

/** An address of a plan: `{ip4, ip6}` in hexadecimal, `dns` as text, `port`, `transport`. */
function readAddress(value: unknown): AddressFields {
  if (typeof value !== 'object' || value === null) throw new HarnessError(`${JSON.stringify(value)} is no listen address`);
  const given: Readonly<Record<string, unknown>> = { ...value };
  const { ip4, ip6, dns, port, transport } = given as { readonly [field in 'ip4' | 'ip6' | 'dns' | 'port' | 'transport']?: unknown };
  return {
    ...(typeof ip4 === 'string' ? { ip4: unhex(ip4) } : {}),
    ...(typeof ip6 === 'string' ? { ip6: unhex(ip6) } : {}),
    ...(typeof dns === 'string' ? { dns } : {}),
    ...(typeof port === 'number' ? { port } : {}),
    ...(typeof transport === 'number' ? { transport } : {}),
  };
}

const CAPABILITIES_MAX = 64;
const ADDRESSES_MAX = 8;
const DNS_BYTES_MAX = 253;

/**
 * A hello envelope in order whose size in bytes is exactly `size`, filled up with capabilities that
 * nobody knows and with listen addresses; undefined when the bounds of chapter 04 do not allow it.
 */
export function helloOfSize(source: HelloSource, size: number): Uint8Array | undefined {
  const fields = helloFields(source);
  const own = fields.capabilities ?? [];
  const seal = (hello: HelloFields): Uint8Array => makeEnvelope(source.networkId, CONTEXT, source.identity.seed, makeHello(hello));
  const bare = seal(fields).length;
  const fillerBytes = makeHello({ ...fields, capabilities: [filler(0)] }).length - makeHello({ ...fields, capabilities: [] }).length;
  const addressBytes = (dns: number): number => makeHello({ ...fields, listenAddresses: [address(dns)] }).length - makeHello(fields).length;
  const full = addressBytes(DNS_BYTES_MAX);
  const byBytes = new Map(Array.from({ length: DNS_BYTES_MAX }, (_, i): [number, number] => [addressBytes(i + 1), i + 1]));
  // The payload's length field has one byte more from 128 bytes on, so try both.
  for (const growth of [0, 1]) {
    for (let fillers = CAPABILITIES_MAX - own.length; fillers >= 0; fillers--) {
      for (let addresses = ADDRESSES_MAX - 1; addresses >= 0; addresses--) {
        const missing = size - bare - growth - fillers * fillerBytes - addresses * full;
        const dns = missing === 0 ? 0 : byBytes.get(missing);
        if (dns === undefined) continue;
        const lengths = [...Array.from({ length: addresses }, () => DNS_BYTES_MAX), ...(dns === 0 ? [] : [dns])];
        const capabilities = sortCapabilities([...own, ...Array.from({ length: fillers }, (_, i) => filler(i))]);
        const hello = { ...fields, capabilities, listenAddresses: lengths.map(address) };
        const envelope = seal(hello);
        if (envelope.length === size)
          return hello.listenAddresses.every(isAddress) ? checked(envelope, hello, source.networkId) : undefined;
      }
    }
  }
  return undefined;
}

/** A capability of 38 bytes that no node has. */
function filler(index: number): string {
  return `unknown-${'x'.repeat(21)}-${String(index).padStart(2, '0')}/10000`;
}

function address(dnsBytes: number): AddressFields {
  return { dns: 'a'.repeat(dnsBytes), port: 65_535, transport: 1 };
}
