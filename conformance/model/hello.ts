/** The HandshakeHello: written, read, and judged by SES-016 to SES-024. Spec: chapter 04. */
import { compare, concat, text, utf8 } from './bytes.ts';
import { allBytes, lastBytes, lastNumber, readFields, writeBytes, writeBytesField, writeNumber } from './protobuf.ts';
import { strictFault } from './strict.ts';

/** Where a node can be reached: exactly one host; `transport` 1 is ws, 2 wss, 3 udp. */
export interface AddressFields {
  readonly ip4?: Uint8Array;
  readonly ip6?: Uint8Array;
  readonly dns?: string;
  readonly port?: number;
  readonly transport?: number;
}

/** A hello's fields but for the version; lists default to empty, numbers to 0. */
export interface HelloFields {
  /** Payload version, 1 if absent. */
  readonly version?: number;
  readonly staticKey: Uint8Array;
  readonly side: 'initiator' | 'responder';
  readonly minorMin?: number;
  readonly minorMax?: number;
  readonly capabilities?: readonly string[];
  readonly roles?: number;
  readonly listenAddresses?: readonly AddressFields[];
}

/** A hello as it was read. */
export type Hello = Required<HelloFields>;

/** The strict encoding of a HandshakeHello, whatever its fields hold. */
export function makeHello(fields: HelloFields): Uint8Array {
  return concat(
    writeNumber(1, fields.version ?? 1),
    writeBytes(2, fields.staticKey),
    writeNumber(3, fields.side === 'initiator' ? 1 : 2),
    writeNumber(4, fields.minorMin ?? 0),
    writeNumber(5, fields.minorMax ?? 0),
    ...(fields.capabilities ?? []).map((capability) => writeBytesField(6, utf8(capability))),
    writeNumber(7, fields.roles ?? 0),
    ...(fields.listenAddresses ?? []).map((address) => writeBytesField(8, encodeAddress(address))),
  );
}

/** The strict encoding of an Address; a host that is given is written, even empty. */
export function encodeAddress(address: AddressFields): Uint8Array {
  return concat(
    address.ip4 === undefined ? new Uint8Array() : writeBytesField(1, address.ip4),
    address.ip6 === undefined ? new Uint8Array() : writeBytesField(2, address.ip6),
    address.dns === undefined ? new Uint8Array() : writeBytesField(3, utf8(address.dns)),
    writeNumber(4, address.port ?? 0),
    writeNumber(5, address.transport ?? 0),
  );
}

/** A hello's fields, or undefined when the bytes are not its strict encoding in version 1, or it has no side. */
export function readHello(bytes: Uint8Array): Hello | undefined {
  const { fields } = readFields(bytes);
  if (fields === undefined || strictFault('HandshakeHello', bytes) !== undefined) return undefined;
  const side = lastNumber(fields, 3);
  if (lastNumber(fields, 1) !== 1n || side === 0n) return undefined;
  return {
    version: 1,
    staticKey: lastBytes(fields, 2),
    side: side === 1n ? 'initiator' : 'responder',
    minorMin: Number(lastNumber(fields, 4)),
    minorMax: Number(lastNumber(fields, 5)),
    capabilities: allBytes(fields, 6).map((capability) => text(capability) ?? ''),
    roles: Number(lastNumber(fields, 7)),
    listenAddresses: allBytes(fields, 8).map(readAddress),
  };
}

function readAddress(bytes: Uint8Array): AddressFields {
  const fields = readFields(bytes).fields ?? [];
  const host = fields.find((field) => field.number <= 3);
  return {
    ...(host?.number === 1 ? { ip4: host.bytes } : {}),
    ...(host?.number === 2 ? { ip6: host.bytes } : {}),
    ...(host?.number === 3 ? { dns: text(host.bytes) ?? '' } : {}),
    port: Number(lastNumber(fields, 4)),
    transport: Number(lastNumber(fields, 5)),
  };
}

/** Whether host and port are of the form that `common.proto` gives. Spec: SES-024. */
export function isAddress(address: AddressFields): boolean {
  const hosts = [
    address.ip4?.length === 4,
    address.ip6?.length === 16,
    address.dns !== undefined && /^[a-z0-9.-]{1,253}$/.test(address.dns),
  ];
  const given = [address.ip4, address.ip6, address.dns].filter((host) => host !== undefined);
  const port = address.port ?? 0;
  return given.length === 1 && hosts.includes(true) && port >= 1 && port <= 65_535;
}

/** Whether a capability list is in order. Spec: SES-021, `session.capabilities_max`. */
export function areCapabilities(capabilities: readonly string[], most = 64): boolean {
  if (capabilities.length > most) return false;
  if (!capabilities.every((capability) => /^[a-z0-9-]{1,32}\/(0|[1-9][0-9]{0,4})$/.test(capability))) return false;
  return capabilities.every((capability, index) => {
    const before = capabilities[index - 1];
    return before === undefined || compare(utf8(before), utf8(capability)) < 0;
  });
}

/** The capabilities of a session: what both hold, and never both `gossip/1` and `direct/1`. Spec: SES-022, SES-026. */
export function intersectCapabilities(one: readonly string[], other: readonly string[]): readonly string[] {
  const both = one.filter((capability) => other.includes(capability));
  return both.includes('gossip/1') ? both.filter((capability) => capability !== 'direct/1') : both;
}

/** The highest minor version in both ranges, or undefined when there is none. Spec: SES-019, SES-020. */
export function sessionMinor(
  one: { readonly min: bigint | number; readonly max: bigint | number },
  other: { readonly min: bigint | number; readonly max: bigint | number },
): bigint | undefined {
  const [low, high] = [
    BigInt(one.min) > BigInt(other.min) ? one.min : other.min,
    BigInt(one.max) < BigInt(other.max) ? one.max : other.max,
  ];
  if (BigInt(one.min) > BigInt(one.max) || BigInt(other.min) > BigInt(other.max)) return undefined;
  return BigInt(low) > BigInt(high) ? undefined : BigInt(high);
}
