/** Cases of the verdict on an envelope, clause by clause. Spec: IDN-032 to IDN-041. */
import { concat, readLe, sha256, u8, unhex, utf8, writeLe } from '../../model/bytes.ts';
import { L, publicKey, sign } from '../../model/ed25519.ts';
import { type EnvelopeFields, encodeEnvelope, makeAppPayload, makeEnvelope, signingBytes } from '../../model/envelope.ts';
import { writeBytesField, writeVarintField } from '../../model/protobuf.ts';
import { bytesOf, type Draft, seedOf } from '../draft.ts';
import { APP, HELLO, KEY, NETWORK, SEED, signed } from './envelope-samples.ts';

const OTHER_NETWORK = utf8('carillon-conformance-2');

/** Contexts that chapter 02 reserves for later chapters. */
const RESERVED = [
  'transaction',
  'vote',
  'shred-root',
  'record',
  'provider',
  'value',
  'receipt',
  'manifest',
  'handoff',
  'evidence',
  'repair',
  'relay',
];

/** The fields in order, each written even if it has its default value. */
function explicit(fields: EnvelopeFields): readonly Uint8Array[] {
  return [
    writeBytesField(1, utf8(fields.context)),
    writeVarintField(2, fields.keyType),
    writeBytesField(3, fields.publicKey),
    writeBytesField(4, fields.payload),
    writeBytesField(5, fields.signature),
  ];
}

function refused(id: string, comment: string, clause: string, flag: string, against: string, bytes: Uint8Array, expected = 'app'): Draft {
  return { id, comment, clauses: [clause], flags: [flag], args: [NETWORK, expected, bytes], against };
}

function accepted(id: string, comment: string, clause: string, flag: string, bytes: Uint8Array, expected = 'app'): Draft {
  return { id, comment, clauses: [clause], flags: [flag], args: [NETWORK, expected, bytes] };
}

function structureCases(): readonly Draft[] {
  const good = encodeEnvelope(signed({}));
  const parts = explicit(signed({}));
  const [context = good, keyType = good, key = good, payload = good, signature = good] = parts;
  const bad = (id: string, comment: string, bytes: Uint8Array): Draft =>
    refused(`encoding-${id}`, comment, 'IDN-032', 'structure', 'reject E_STRUCTURE', bytes);
  return [
    accepted('app', 'context app', 'IDN-032', 'valid', good),
    accepted(
      'handshake',
      'context handshake',
      'IDN-040',
      'valid',
      encodeEnvelope(signed({ context: 'handshake', payload: HELLO })),
      'handshake',
    ),
    bad('trailing-zero', 'a byte of zero behind the envelope', concat(good, u8(0))),
    bad('unknown-field', 'a field 6', concat(good, writeVarintField(6, 1))),
    bad('fields-swapped', 'payload in front of the public key', concat(context, keyType, payload, key, signature)),
    bad('signature-first', 'the signature in front of everything', concat(signature, context, keyType, key, payload)),
    bad('signature-twice', 'the same signature twice', concat(good, signature)),
    bad('payload-twice', 'two payloads, of which a reader would take the last', concat(context, keyType, key, payload, payload, signature)),
    bad('key-type-overlong', 'key type 1 in two bytes', concat(context, unhex('108100'), key, payload, signature)),
    bad('key-type-0-written', 'key type 0 written out', concat(context, writeVarintField(2, 0), key, payload, signature)),
    bad('key-type-2-to-32', 'key type 2^32 + 1', concat(context, writeVarintField(2, 2 ** 32 + 1), key, payload, signature)),
    bad('tag-overlong', 'the tag of the context in two bytes', concat(unhex('8a00'), context.slice(1), keyType, key, payload, signature)),
    bad(
      'length-overlong',
      'the length of the context in two bytes',
      concat(unhex('0a8300'), utf8('app'), keyType, key, payload, signature),
    ),
    bad('cut-short', 'the last byte of the signature is missing', good.slice(0, -1)),
    bad('cut-behind-tag', 'nothing behind the tag of the signature', concat(context, keyType, key, payload, unhex('2a'))),
    bad('key-type-as-bytes', 'key type as bytes', concat(context, writeBytesField(2, u8(1)), key, payload, signature)),
    bad('context-not-utf8', 'a context that is no UTF-8', concat(writeBytesField(1, unhex('ff')), keyType, key, payload, signature)),
    bad('group', 'an empty group behind the envelope', concat(good, unhex('3334'))),
    bad('wire-type-7', 'a tag of wire type 7', concat(good, unhex('3f'))),
    bad(
      'signature-empty-written',
      'an empty signature written out',
      concat(context, keyType, key, payload, writeBytesField(5, new Uint8Array())),
    ),
    bad(
      'empty-context-written',
      'an empty context written out',
      concat(writeBytesField(1, new Uint8Array()), keyType, key, payload, signature),
    ),
  ];
}

function contextCases(): readonly Draft[] {
  const drafts: Draft[] = [];
  const forms: readonly (readonly [id: string, context: string, comment: string])[] = [
    ['empty', '', 'no context'],
    ['upper-case', 'App', 'an upper-case letter'],
    ['space', 'app ', 'a space behind it'],
    ['underscore', 'app_1', 'an underscore'],
    ['slash', 'app/chat', 'a slash'],
    ['nul', 'app\0', 'a byte of zero behind it'],
    ['non-ascii', 'äpp', 'a letter of two bytes'],
    ['bytes-65', 'a'.repeat(65), '65 bytes'],
  ];
  for (const [id, context, comment] of forms) {
    drafts.push(refused(`context-${id}`, comment, 'IDN-033', 'context', 'reject E_STRUCTURE', encodeEnvelope(signed({ context }))));
  }
  drafts.push(
    refused(
      'context-bytes-64',
      '64 bytes are a context, but not the expected one',
      'IDN-034',
      'context',
      'reject E_CONTEXT',
      encodeEnvelope(signed({ context: 'a'.repeat(64) })),
    ),
  );
  for (const [expected, payload] of [
    ['app', APP],
    ['handshake', HELLO],
  ] as const) {
    for (const other of [...RESERVED, expected === 'app' ? 'handshake' : 'app', 'other']) {
      drafts.push(
        refused(
          `${other}-as-${expected}`,
          `signed as ${other}, arrives where ${expected} belongs`,
          'IDN-034',
          'context',
          'reject E_CONTEXT',
          encodeEnvelope(signed({ context: other, payload })),
          expected,
        ),
      );
      const { signature } = signed({ context: other, payload });
      drafts.push(
        refused(
          `${other}-relabelled-${expected}`,
          `signed as ${other}, then labelled ${expected}`,
          'IDN-041',
          'context',
          'reject E_SIGNATURE',
          encodeEnvelope(signed({ context: expected, payload, signature })),
          expected,
        ),
      );
    }
    drafts.push(
      accepted(
        `${expected}-as-${expected}`,
        `signed as ${expected}, arrives where ${expected} belongs`,
        'IDN-034',
        'valid',
        encodeEnvelope(signed({ context: expected, payload })),
        expected,
      ),
    );
  }
  return drafts;
}

function keyCases(): readonly Draft[] {
  const drafts: Draft[] = [
    refused(
      'key-type-absent',
      'no key type, which is 0',
      'IDN-035',
      'key-type',
      'reject E_KEY_TYPE',
      encodeEnvelope(signed({ keyType: 0 })),
    ),
  ];
  for (const keyType of [2, 3, 127, 128, 255, 256, 2 ** 31, 2 ** 32 - 1]) {
    drafts.push(
      refused(
        `key-type-${keyType}`,
        `key type ${keyType}`,
        'IDN-036',
        'key-type',
        'ignore E_KEY_TYPE',
        encodeEnvelope(signed({ keyType })),
      ),
    );
  }
  const large = signed({ keyType: 2, publicKey: bytesOf('ml-dsa key', 1_952), signature: bytesOf('ml-dsa signature', 3_309) });
  drafts.push(
    refused(
      'key-type-2-sizes',
      'key type 2 with key and signature of other sizes',
      'IDN-036',
      'key-type',
      'ignore E_KEY_TYPE',
      encodeEnvelope(large),
    ),
    refused(
      'key-type-2-nothing',
      'key type 2 and no signature',
      'IDN-036',
      'key-type',
      'ignore E_KEY_TYPE',
      encodeEnvelope(signed({ keyType: 2, signature: new Uint8Array() })),
    ),
    accepted('key-type-1', 'key type 1', 'IDN-036', 'valid', encodeEnvelope(signed({}))),
    accepted('key-type-1-again', 'key type 1', 'IDN-035', 'valid', encodeEnvelope(signed({ payload: payloadOf('key type') }))),
    accepted(
      'sizes',
      'a key of 32 and a signature of 64 bytes',
      'IDN-037',
      'valid',
      encodeEnvelope(signed({ payload: payloadOf('sizes') })),
    ),
  );
  const good = signed({});
  for (const size of [0, 31, 33]) {
    const key = concat(KEY, u8(0)).slice(0, size);
    drafts.push(
      refused(
        `public-key-${size}`,
        `a public key of ${size} bytes`,
        'IDN-037',
        'structure',
        'reject E_STRUCTURE',
        encodeEnvelope(signed({ publicKey: key })),
      ),
    );
  }
  for (const size of [0, 63, 65]) {
    const signature = concat(good.signature, u8(0)).slice(0, size);
    drafts.push(
      refused(
        `signature-${size}`,
        `a signature of ${size} bytes`,
        'IDN-037',
        'structure',
        'reject E_STRUCTURE',
        encodeEnvelope(signed({ signature })),
      ),
    );
  }
  return drafts;
}

function payloadOf(data: string): Uint8Array {
  return makeAppPayload({ createdMs: 1_700_000_000_000, topic: 'app/chat', sequence: 2, data: utf8(data) });
}

function payloadCases(): readonly Draft[] {
  const rest = APP.slice(2);
  const version = (id: string, comment: string, payload: Uint8Array): Draft =>
    refused(`version-${id}`, comment, 'IDN-038', 'version', 'reject E_STRUCTURE', encodeEnvelope(signed({ payload })));
  const unknown = (id: string, comment: string, payload: Uint8Array, context = 'app'): Draft =>
    refused(
      `version-${id}`,
      comment,
      'IDN-039',
      'version',
      'ignore E_PAYLOAD_VERSION',
      encodeEnvelope(signed({ payload, context })),
      context,
    );
  const bad = (id: string, comment: string, payload: Uint8Array, context = 'app'): Draft =>
    refused(`payload-${id}`, comment, 'IDN-040', 'structure', 'reject E_STRUCTURE', encodeEnvelope(signed({ payload, context })), context);
  return [
    version('no-payload', 'no payload', new Uint8Array()),
    version('absent', 'the payload begins with field 2', rest),
    version('zero', 'version 0 written out', concat(unhex('0800'), rest)),
    version('overlong', 'version 1 in two bytes', concat(unhex('088100'), rest)),
    version('tag-overlong', 'the tag of the version in two bytes', concat(unhex('880001'), rest)),
    version('2-to-32', 'version 2^32', concat(unhex('088080808010'), rest)),
    version('2-to-32-plus-1', 'version 2^32 + 1', concat(unhex('088180808010'), rest)),
    version('cut-short', 'the payload ends inside the version', unhex('0881')),
    version('tag-alone', 'the payload ends behind the tag', unhex('08')),
    version('as-bytes', 'the version as bytes', concat(unhex('0a0101'), rest)),
    version('fixed', 'the version as four fixed bytes', concat(unhex('0d01000000'), rest)),
    version('second', 'the version behind created_ms', concat(APP.slice(2, 9), unhex('0801'), APP.slice(9))),
    accepted('version-1', 'version 1', 'IDN-038', 'valid', encodeEnvelope(signed({ payload: payloadOf('version') }))),
    accepted(
      'version-1-known',
      'version 1, the only one that this revision knows',
      'IDN-039',
      'valid',
      encodeEnvelope(signed({ payload: payloadOf('known') })),
    ),
    unknown('2', 'version 2', concat(unhex('0802'), rest)),
    unknown('127', 'version 127', concat(unhex('087f'), rest)),
    unknown('largest', 'version 2^32 − 1', concat(unhex('08ffffffff0f'), rest)),
    unknown('2-alone', 'version 2 and nothing else', unhex('0802')),
    unknown('2-garbage', 'version 2 and bytes that are no fields', concat(unhex('0802'), unhex('ffffffffffffffffffffffff'))),
    unknown('2-handshake', 'a hello of version 2', concat(unhex('0802'), HELLO.slice(2)), 'handshake'),
    bad('unknown-field', 'a field 6', concat(APP, writeVarintField(6, 1))),
    bad(
      'swapped',
      'topic in front of created_ms',
      concat(unhex('0801'), writeBytesField(3, utf8('app/chat')), writeVarintField(2, 1_700_000_000_000)),
    ),
    bad('version-twice', 'the version twice', concat(unhex('0801'), APP)),
    bad(
      'default-written',
      'an empty text of data written out',
      concat(makeAppPayload({ createdMs: 5, topic: 'app/a', sequence: 1, data: new Uint8Array() }), unhex('2a00')),
    ),
    bad(
      'overlong',
      'sequence 1 in two bytes',
      concat(makeAppPayload({ createdMs: 5, topic: 'app/a', sequence: 0, data: new Uint8Array() }), unhex('208100')),
    ),
    bad('cut-short', 'the last byte is missing', APP.slice(0, -1)),
    bad('wire-type', 'the topic as a number', concat(unhex('0801'), writeVarintField(2, 5), writeVarintField(3, 7))),
    bad('not-utf8', 'a topic that is no UTF-8', concat(unhex('0801'), writeVarintField(2, 5), writeBytesField(3, unhex('c3')))),
    bad('hello-as-app', 'a HandshakeHello where an AppPayload belongs', HELLO),
    bad('app-as-hello', 'an AppPayload where a HandshakeHello belongs', APP, 'handshake'),
    bad('hello-trailing', 'a byte of zero behind the hello', concat(HELLO, u8(0)), 'handshake'),
    bad(
      'hello-side-3',
      'a side that the schema does not name',
      concat(unhex('0801'), writeBytesField(2, bytesOf('static key', 32)), unhex('1803')),
      'handshake',
    ),
    bad(
      'hello-address',
      'an unknown field inside a listen address',
      concat(unhex('0801'), writeBytesField(8, concat(writeBytesField(1, new Uint8Array(4)), writeVarintField(6, 1)))),
      'handshake',
    ),
    bad(
      'hello-two-hosts',
      'a listen address with two hosts',
      concat(unhex('0801'), writeBytesField(8, concat(writeBytesField(1, new Uint8Array(4)), writeBytesField(3, utf8('a'))))),
      'handshake',
    ),
    accepted(
      'payload-version-alone',
      'an AppPayload of a version and nothing else',
      'IDN-040',
      'edge',
      encodeEnvelope(signed({ payload: unhex('0801') })),
    ),
  ];
}

function signatureCases(): readonly Draft[] {
  const good = signed({});
  const bad = (id: string, comment: string, flag: string, fields: EnvelopeFields): Draft =>
    refused(`signature-${id}`, comment, 'IDN-041', flag, 'reject E_SIGNATURE', encodeEnvelope(fields));
  const flip = (bytes: Uint8Array, index: number): Uint8Array => bytes.map((byte, i) => (i === index ? byte ^ 1 : byte));
  const lp = signingBytes(NETWORK, 'app', APP);
  const s = readLe(good.signature.slice(32));
  const identity = concat(u8(1), new Uint8Array(31));
  return [
    accepted('signature', 'a signature for this network, this context and this payload', 'IDN-041', 'valid', encodeEnvelope(good)),
    bad('last-bit', 'a bit of S is another', 'signature', { ...good, signature: flip(good.signature, 40) }),
    bad('first-bit', 'a bit of R is another', 'signature', { ...good, signature: flip(good.signature, 0) }),
    bad('other-key', "bob's key with alice's signature", 'signature', { ...good, publicKey: publicKey(seedOf('bob')) }),
    bad('other-payload', 'the payload of another message', 'signature', { ...good, payload: payloadOf('other') }),
    bad('s-plus-l', 'S + L', 'signature', { ...good, signature: concat(good.signature.slice(0, 32), writeLe(s + L, 32)) }),
    bad('small-order', 'key and R are the identity, S is 0', 'signature', {
      ...good,
      publicKey: identity,
      signature: concat(identity, new Uint8Array(32)),
    }),
    bad('zero', 'a signature of zero bytes', 'signature', { ...good, signature: new Uint8Array(64) }),
    bad('other-network', 'signed for another network', 'network', signed({}, OTHER_NETWORK)),
    bad('network-prefix', 'signed for a network whose id begins with this one', 'network', signed({}, concat(NETWORK, u8(0)))),
    bad(
      'no-network',
      'signed without the network id',
      'network',
      signed({ signature: sign(SEED, concat(utf8('carillon/v1'), u8(0), lp.slice(12 + 1 + NETWORK.length))) }),
    ),
    bad('payload-alone', 'the payload alone is signed', 'signature', signed({ signature: sign(SEED, APP) })),
    bad('hash-signed', 'the hash of the signing bytes is signed', 'signature', signed({ signature: sign(SEED, sha256(lp)) })),
    bad(
      'without-zero',
      'the byte of zero behind the domain is missing',
      'signature',
      signed({ signature: sign(SEED, concat(utf8('carillon/v1'), lp.slice(12))) }),
    ),
  ];
}

/** Two defects each: the clause with the lower number decides. */
function orderCases(): readonly Draft[] {
  const order = (id: string, comment: string, clause: string, against: string, bytes: Uint8Array): Draft =>
    refused(`order-${id}`, comment, clause, 'order', against, bytes);
  const version2 = concat(unhex('0802'), APP.slice(2));
  const none = new Uint8Array();
  return [
    order(
      'encoding-context',
      'not strictly encoded, and the wrong context',
      'IDN-032',
      'reject E_STRUCTURE',
      concat(encodeEnvelope(signed({ context: 'vote' })), u8(0)),
    ),
    order(
      'form-key-type',
      'a context that is none, and key type 2',
      'IDN-033',
      'reject E_STRUCTURE',
      encodeEnvelope(signed({ context: 'App', keyType: 2 })),
    ),
    order(
      'context-key-type-0',
      'the wrong context, and key type 0',
      'IDN-034',
      'reject E_CONTEXT',
      encodeEnvelope(signed({ context: 'vote', keyType: 0 })),
    ),
    order(
      'context-key-type-2',
      'the wrong context, and key type 2',
      'IDN-034',
      'reject E_CONTEXT',
      encodeEnvelope(signed({ context: 'vote', keyType: 2 })),
    ),
    order(
      'key-type-0-sizes',
      'key type 0, and a key of no bytes',
      'IDN-035',
      'reject E_KEY_TYPE',
      encodeEnvelope(signed({ keyType: 0, publicKey: none })),
    ),
    order(
      'key-type-2-version',
      'key type 2, and no payload',
      'IDN-036',
      'ignore E_KEY_TYPE',
      encodeEnvelope(signed({ keyType: 2, payload: none })),
    ),
    order(
      'sizes-version',
      'a key of 31 bytes, and payload version 2',
      'IDN-037',
      'reject E_STRUCTURE',
      encodeEnvelope(signed({ publicKey: KEY.slice(1), payload: version2 })),
    ),
    order(
      'version-signature',
      'payload version 2, and no valid signature',
      'IDN-039',
      'ignore E_PAYLOAD_VERSION',
      encodeEnvelope(signed({ payload: version2, signature: new Uint8Array(64) })),
    ),
    order(
      'payload-signature',
      'a payload that is not strict, and no valid signature',
      'IDN-040',
      'reject E_STRUCTURE',
      encodeEnvelope(signed({ payload: concat(APP, u8(0)), signature: new Uint8Array(64) })),
    ),
  ];
}

/** All cases, in the order of the clauses. */
export function verdictCases(): readonly Draft[] {
  return [
    ...structureCases(),
    ...contextCases(),
    ...keyCases(),
    ...payloadCases(),
    ...signatureCases(),
    ...orderCases(),
    accepted('context-form', 'a context of lower-case letters', 'IDN-033', 'valid', makeEnvelope(NETWORK, 'app', SEED, payloadOf('form'))),
  ];
}
