import { describe, expect, test } from 'vitest';
import { concatBytes } from '../bytes.ts';
import type { PeerId } from '../types.ts';
import { elementField } from './fields.ts';
import { decodeRecordPush, decodeRecordReply, decodeRecordRequest, encodeRecordList, encodeRecordRequest } from './records-body.ts';

const ORIGIN = 'ab'.repeat(32) as PeerId;

describe('bodies of chapter 06', () => {
  test('records come back as they went', () => {
    const records = [Uint8Array.of(1, 2, 3), new Uint8Array(0), new Uint8Array(300).fill(7)];
    expect(decodeRecordPush(encodeRecordList({ records }))).toEqual({ ok: true, value: { records } });
  });

  test('WIR-046: a push of none or of 33 is over the limit, a reply may be empty', () => {
    const records = Array.from({ length: 33 }, (_, i) => Uint8Array.of(i));
    expect(decodeRecordPush(new Uint8Array(0))).toMatchObject({ ok: false, code: 'E_LIMIT' });
    expect(decodeRecordPush(encodeRecordList({ records }))).toMatchObject({ ok: false, code: 'E_LIMIT' });
    expect(decodeRecordReply(new Uint8Array(0))).toEqual({ ok: true, value: { records: [] } });
    expect(decodeRecordReply(encodeRecordList({ records }))).toMatchObject({ ok: false, code: 'E_LIMIT' });
  });

  test('labels come back as they went', () => {
    const labels = [
      { origin: ORIGIN, kind: 1, index: 0 },
      { origin: ORIGIN, kind: 0, index: 0 },
      { origin: ORIGIN, kind: 3, index: 15 },
    ];
    expect(decodeRecordRequest(encodeRecordRequest({ labels }))).toEqual({ ok: true, value: { labels } });
  });

  test('WIR-045: an origin of another size, or none, is malformed', () => {
    const label = (bytes: Uint8Array): Uint8Array => concatBytes(...elementField(1, bytes));
    expect(decodeRecordRequest(label(concatBytes(...elementField(1, new Uint8Array(31)))))).toMatchObject({ clause: 'WIR-045' });
    expect(decodeRecordRequest(label(new Uint8Array(0)))).toMatchObject({ clause: 'WIR-045' });
  });

  test('WIR-046: no label, or 33 of them', () => {
    const labels = Array.from({ length: 33 }, () => ({ origin: ORIGIN, kind: 1, index: 0 }));
    expect(decodeRecordRequest(new Uint8Array(0))).toMatchObject({ code: 'E_LIMIT' });
    expect(decodeRecordRequest(encodeRecordRequest({ labels }))).toMatchObject({ code: 'E_LIMIT' });
  });
});
