import { create, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { AttachedSchema, DetachSchema, RoleSchema, RouteSchema } from '../../../proto/gen/carillon/v1/overlay_pb.ts';
import { OverlayRole } from '../../../proto/gen/carillon/v1/records_pb.ts';
import { concatBytes, fromHex } from '../bytes.ts';
import type { KnownContact, PeerId } from '../types.ts';
import { elementField, varintField } from './fields.ts';
import {
  decodeAttach,
  decodeAttached,
  decodeDetach,
  decodeRole,
  decodeRoute,
  encodeAttached,
  encodeDetach,
  encodeRole,
  encodeRoute,
} from './overlay-body.ts';

const PEER = '07'.repeat(32) as PeerId;
const CONTACT: KnownContact = { peer: PEER, addresses: [] };
const peerId = fromHex(PEER) ?? new Uint8Array();

test('bodies are written as the library writes them, and read back', () => {
  expect(encodeRole({ role: 'supernode' })).toEqual(toBinary(RoleSchema, create(RoleSchema, { role: OverlayRole.SUPERNODE })));
  for (const role of ['none', 'leaf', 'candidate', 'supernode'] as const) {
    expect(decodeRole(encodeRole({ role }))).toEqual({ ok: true, value: { role } });
  }
  const attached = { accepted: true, alternatives: [CONTACT] };
  expect(encodeAttached(attached)).toEqual(
    toBinary(AttachedSchema, create(AttachedSchema, { accepted: true, alternatives: [{ peerId }] })),
  );
  expect(decodeAttached(encodeAttached(attached))).toEqual({ ok: true, value: attached });
  const detach = { alternatives: [CONTACT, CONTACT] };
  expect(encodeDetach(detach)).toEqual(toBinary(DetachSchema, create(DetachSchema, { alternatives: [{ peerId }, { peerId }] })));
  expect(decodeDetach(encodeDetach(detach))).toEqual({ ok: true, value: detach });
  const route = { target: PEER, hops: 300, envelope: Uint8Array.of(1, 2) };
  expect(encodeRoute(route)).toEqual(
    toBinary(RouteSchema, create(RouteSchema, { target: peerId, hops: 300, envelope: Uint8Array.of(1, 2) })),
  );
  expect(decodeRoute(encodeRoute(route))).toEqual({ ok: true, value: route });
});

test('OVL-039: a number that is not named, large or negative, is no role', () => {
  expect(decodeRole(concatBytes(...varintField(1, 4)))).toEqual({ ok: true, value: { role: 'none' } });
  expect(decodeRole(concatBytes(...varintField(1, 2n ** 64n - 1n)))).toEqual({ ok: true, value: { role: 'none' } });
});

test('WIR-045, WIR-046: sizes of ids and the number of contacts', () => {
  const nine = Array.from({ length: 9 }, () => CONTACT);
  expect(decodeAttached(encodeAttached({ accepted: false, alternatives: nine }))).toMatchObject({ code: 'E_LIMIT', clause: 'WIR-046' });
  expect(decodeDetach(encodeDetach({ alternatives: nine }))).toMatchObject({ code: 'E_LIMIT', clause: 'WIR-046' });
  expect(decodeDetach(encodeDetach({ alternatives: nine.slice(1) })).ok).toBe(true);
  expect(decodeRoute(new Uint8Array())).toMatchObject({ code: 'E_MALFORMED', clause: 'WIR-045' });
  expect(decodeRoute(concatBytes(...elementField(1, new Uint8Array(33))))).toMatchObject({ clause: 'WIR-045' });
});

test('WIR-040, WIR-047: bytes that end inside a field, and fields that nobody knows', () => {
  for (const decode of [decodeRole, decodeAttach, decodeAttached, decodeDetach, decodeRoute]) {
    expect(decode(Uint8Array.of(0x0a, 5, 1))).toMatchObject({ ok: false, code: 'E_MALFORMED', clause: 'WIR-040' });
  }
  expect(decodeAttach(concatBytes(...varintField(9, 1)))).toEqual({ ok: true, value: {} });
});
