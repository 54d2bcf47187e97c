/** The bodies of the overlay's frames: a total decoder and an encoder each. Spec: chapter 09, WIR-040 to WIR-050 */
import { OverlayRole } from '../../../proto/gen/carillon/v1/records_pb.ts';
import { concatBytes, copyBytes, toHex } from '../bytes.ts';
import type { KnownContact, PeerId } from '../types.ts';
import { type Decoded, ID_BYTES, idBytes } from './body.ts';
import { decodeContact, encodeContact } from './contact.ts';
import { bytesField, elementField, FieldReader, varintField, WIRE_LENGTH, WIRE_VARINT } from './fields.ts';

/** What a peer says that it is; `none` takes no part in the hierarchy. */
export type RoleName = 'none' | 'leaf' | 'candidate' | 'supernode';

/** Frame kind 96. */
export interface Role {
  readonly role: RoleName;
}

/** Frame kind 100: the answer to an Attach, which has no fields. */
export interface Attached {
  readonly accepted: boolean;
  /** 0 to 8. */
  readonly alternatives: readonly KnownContact[];
}

/** Frame kind 102. */
export interface Detach {
  /** 0 to 8. */
  readonly alternatives: readonly KnownContact[];
}

/** Frame kind 104. */
export interface Route {
  readonly target: PeerId;
  readonly hops: number;
  readonly envelope: Uint8Array;
}

export const ALTERNATIVES_MAX = 8;

const ROLE_NUMBERS: Readonly<Record<RoleName, OverlayRole>> = {
  none: OverlayRole.UNSPECIFIED,
  leaf: OverlayRole.LEAF,
  candidate: OverlayRole.CANDIDATE,
  supernode: OverlayRole.SUPERNODE,
};
const ROLE_NAMES: ReadonlyMap<number, RoleName> = new Map(Object.entries(ROLE_NUMBERS).map(([name, number]) => [number, name as RoleName]));

type Refusal = Extract<Decoded<never>, { readonly ok: false }>;

/** Calls `take` for each well-formed field; what it returns, or the reader's own fault, ends the reading. */
function walk(bytes: Uint8Array, take: (field: FieldReader) => Refusal | undefined): Refusal | undefined {
  const reader = new FieldReader(bytes);
  while (reader.next()) {
    const fault = take(reader);
    if (fault !== undefined) return fault;
  }
  return reader.fault === undefined ? undefined : { ok: false, code: 'E_MALFORMED', clause: reader.fault };
}

/** A number that this revision does not name means no role (OVL-039). */
export function decodeRole(body: Uint8Array): Decoded<Role> {
  let role: RoleName = 'none';
  const fault = walk(body, (field) => {
    if (field.number === 1 && field.wireType === WIRE_VARINT) role = ROLE_NAMES.get(field.int32()) ?? 'none';
    return undefined;
  });
  return fault ?? { ok: true, value: { role } };
}

/** An Attach says nothing; unknown fields are ignored. */
export function decodeAttach(body: Uint8Array): Decoded<Record<string, never>> {
  return walk(body, () => undefined) ?? { ok: true, value: {} };
}

/** A flag in field 1, if `hasFlag`, and contacts in the field behind it. */
function readContacts(body: Uint8Array, hasFlag: boolean): Decoded<Attached> {
  const number = hasFlag ? 2 : 1;
  let accepted = false;
  const alternatives: KnownContact[] = [];
  const fault = walk(body, (field) => {
    if (hasFlag && field.number === 1 && field.wireType === WIRE_VARINT) accepted = field.uint64() !== 0n;
    if (field.number !== number || field.wireType !== WIRE_LENGTH) return undefined;
    const contact = decodeContact(field.content());
    if (!contact.ok) return contact;
    alternatives.push(contact.value);
    return undefined;
  });
  if (fault !== undefined) return fault;
  if (alternatives.length > ALTERNATIVES_MAX) return { ok: false, code: 'E_LIMIT', clause: 'WIR-046' };
  return { ok: true, value: { accepted, alternatives } };
}

export function decodeAttached(body: Uint8Array): Decoded<Attached> {
  return readContacts(body, true);
}

export function decodeDetach(body: Uint8Array): Decoded<Detach> {
  const read = readContacts(body, false);
  return read.ok ? { ok: true, value: { alternatives: read.value.alternatives } } : read;
}

export function decodeRoute(body: Uint8Array): Decoded<Route> {
  let target: Uint8Array | undefined;
  let hops = 0;
  let envelope: Uint8Array = new Uint8Array();
  const fault = walk(body, (field) => {
    if (field.number === 1 && field.wireType === WIRE_LENGTH) target = field.content();
    else if (field.number === 2 && field.wireType === WIRE_VARINT) hops = field.uint32();
    else if (field.number === 3 && field.wireType === WIRE_LENGTH) envelope = copyBytes(field.content());
    return undefined;
  });
  if (fault !== undefined) return fault;
  if (target?.length !== ID_BYTES) return { ok: false, code: 'E_MALFORMED', clause: 'WIR-045' };
  return { ok: true, value: { target: toHex(target) as PeerId, hops, envelope } };
}

export function encodeRole({ role }: Role): Uint8Array {
  return concatBytes(...varintField(1, ROLE_NUMBERS[role]));
}

export function encodeAttach(): Uint8Array {
  return new Uint8Array();
}

export function encodeAttached({ accepted, alternatives }: Attached): Uint8Array {
  const contacts = alternatives.flatMap((contact) => elementField(2, encodeContact(contact)));
  return concatBytes(...varintField(1, accepted ? 1 : 0), ...contacts);
}

export function encodeDetach({ alternatives }: Detach): Uint8Array {
  return concatBytes(...alternatives.flatMap((contact) => elementField(1, encodeContact(contact))));
}

export function encodeRoute({ target, hops, envelope }: Route): Uint8Array {
  return concatBytes(...bytesField(1, idBytes(target)), ...varintField(2, hops), ...bytesField(3, envelope));
}
