import { describe, expect, test } from 'vitest';
import { encodeBody } from '../model/bodies.ts';
import { concat, utf8 } from '../model/bytes.ts';
import { encodeFrame, frameNamed, splitPlaintext } from '../model/frame.ts';
import { writeBytesField, writeTag, writeVarintField } from '../model/protobuf.ts';
import { judgeBody, judgeHeader } from './session-outcome.ts';

const GOSSIP = new Set(['gossip/1']);
const ID = new Uint8Array(32).fill(7);
const NONCE = writeBytesField(1, new Uint8Array(8).fill(1));

function header(kind: number, requestId: number, body: Uint8Array = new Uint8Array(), capabilities: ReadonlySet<string> = GOSSIP) {
  const [frame] = splitPlaintext(encodeFrame(kind, requestId, body)).frames;
  if (frame === undefined) throw new Error('no frame');
  const outcome = judgeHeader(frame, capabilities);
  return outcome.type === 'close' ? outcome.clause : outcome.type;
}

function body(name: string, bytes: Uint8Array): string {
  const outcome = judgeBody(frameNamed(name), bytes);
  return outcome.type === 'read' ? 'read' : `${outcome.type} ${outcome.clause}`;
}

describe('judgeHeader', () => {
  test('WIR-026 and WIR-027 go by the last bit of an unknown kind', () => {
    expect(header(9, 0)).toBe('leftAside');
    expect(header(0xffff_ffff, 5)).toBe('leftAside');
    expect(header(10, 0)).toBe('WIR-027');
    expect(header(0, 0)).toBe('WIR-027');
  });

  test('WIR-028 asks for the capability, and gossip/1 takes direct/1 away', () => {
    expect(header(36, 0)).toBe('known');
    expect(header(36, 0, undefined, new Set())).toBe('WIR-028');
    expect(header(48, 0, undefined, new Set(['direct/1']))).toBe('known');
    expect(header(48, 0, undefined, new Set(['direct/1', 'gossip/1']))).toBe('WIR-028');
  });

  test('WIR-029 counts what follows the length field', () => {
    expect(header(2, 1, new Uint8Array(62))).toBe('known');
    expect(header(2, 1, new Uint8Array(63))).toBe('WIR-029');
    expect(header(36, 0, new Uint8Array(1_278))).toBe('known');
    expect(header(36, 0, new Uint8Array(1_279))).toBe('WIR-029');
  });

  test('WIR-030 and WIR-031 go by the kind', () => {
    expect(header(2, 0)).toBe('WIR-030');
    expect(header(4, 0)).toBe('WIR-030');
    expect(header(6, 1)).toBe('WIR-031');
    expect(header(42, 1)).toBe('WIR-031');
  });
});

describe('judgeBody', () => {
  test('reads bodies in order, with fields that nobody knows', () => {
    expect(body('Ping', NONCE)).toBe('read');
    expect(body('Ping', concat(writeVarintField(99, 1), NONCE))).toBe('read');
    expect(body('Ping', concat(writeBytesField(1, ID), NONCE))).toBe('read');
    expect(body('Ihave', encodeBody('Ihave', { topic: 'app/x', ids: [ID] }))).toBe('read');
  });

  test('WIR-040 to WIR-043 close on what is no protobuf', () => {
    expect(body('Ping', NONCE.slice(0, -1))).toBe('close WIR-040');
    expect(body('Ping', concat(NONCE, Uint8Array.of(0x02, 0)))).toBe('close WIR-041');
    expect(body('Ping', concat(NONCE, writeTag(15, 7)))).toBe('close WIR-042');
    expect(body('Ping', concat(NONCE, writeTag(15, 0), new Uint8Array(10).fill(0x81), Uint8Array.of(1)))).toBe('close WIR-043');
  });

  test('WIR-044 to WIR-046 and GSP-001 close on what fields hold', () => {
    const ids = writeBytesField(2, ID);
    expect(body('Ihave', concat(writeBytesField(1, Uint8Array.of(0xff)), ids))).toBe('close WIR-044');
    const topic = writeBytesField(1, utf8('app/x'));
    expect(body('Ihave', concat(writeBytesField(1, Uint8Array.of(0xff)), topic, ids))).toBe('close WIR-044');
    expect(body('Ihave', concat(writeBytesField(1, utf8('NO')), topic, ids))).toBe('read');
    expect(body('Ping', new Uint8Array())).toBe('close WIR-045');
    expect(body('Iwant', writeBytesField(1, ID.slice(1)))).toBe('close WIR-045');
    expect(body('Iwant', new Uint8Array())).toBe('close WIR-046');
    expect(body('Prune', encodeBody('Prune', { origins: Array.from({ length: 33 }, () => ID), backoffMs: 1 }))).toBe('close WIR-046');
    expect(body('Prune', encodeBody('Prune', { origins: Array.from({ length: 32 }, () => ID), backoffMs: 1 }))).toBe('read');
    expect(body('Ihave', concat(writeBytesField(1, utf8('App/x')), ids))).toBe('close GSP-001');
  });

  test('WIR-049 and WIR-050 leave a choice', () => {
    const group = concat(writeTag(14, 3), writeTag(14, 4));
    expect(body('Ping', concat(group, NONCE))).toBe('either WIR-049');
    expect(body('Ping', concat(writeVarintField(1, 5), NONCE))).toBe('either WIR-050');
    expect(body('Ping', writeVarintField(1, 5))).toBe('close WIR-045');
  });

  test('WIR-049 also for groups deeper than the reader goes; unfinished ones are cut short', () => {
    const deep = concat(new Uint8Array(5_000).fill(0x73), new Uint8Array(5_000).fill(0x74));
    expect(body('Iwant', concat(writeBytesField(1, ID), deep))).toBe('either WIR-049');
    expect(body('Iwant', concat(writeBytesField(1, ID), new Uint8Array(9_000).fill(0x73)))).toBe('close WIR-040');
  });

  test('a Push is looked into', () => {
    const item = writeBytesField(2, concat(writeVarintField(1, 1), writeBytesField(2, Uint8Array.of(1))));
    const topic = writeBytesField(1, utf8('app/x'));
    expect(body('Push', concat(topic, item))).toBe('read');
    expect(body('Push', concat(topic, writeBytesField(2, Uint8Array.of(0x80))))).toBe('close WIR-040');
    expect(body('Push', concat(topic, writeBytesField(2, writeBytesField(1, Uint8Array.of(1)))))).toBe('either WIR-050');
  });
});
