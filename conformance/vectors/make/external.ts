/**
 * Published vectors in the form of Evaluate. The expected values are the publishers'; where a file knows several right
 * answers, the strict predicate's is taken from the file's own flags. The model is only compared with them: a case on
 * which it disagrees stops the generator.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hex, u64be, unhex, utf8 } from '../../model/bytes.ts';
import { refusal } from '../../model/ed25519.ts';
import { evaluate } from '../../model/evaluate.ts';
import { strictFault } from '../../model/strict.ts';
import { type GeneratedFile, outcomeOf, REVISION } from '../draft.ts';
import type { VectorCase, VectorFile, VectorNote } from '../file.ts';
import { vectorsFolder } from '../load.ts';

interface External {
  readonly source: string;
  readonly commit: string;
}

interface Wycheproof<Group, Test> extends External {
  readonly notes: Readonly<Record<string, VectorNote>>;
  readonly testGroups: readonly (Group & { readonly tests: readonly (Test & WycheproofTest)[] })[];
}

interface WycheproofTest {
  readonly tcId: number;
  readonly comment: string;
  readonly flags: readonly string[];
  readonly result: 'valid' | 'invalid' | 'acceptable';
}

/** A file of `vectors/external`. Its shape is its publisher's and is not checked: the files never change. */
function readExternal<Shape extends External>(path: string): Shape {
  return JSON.parse(readFileSync(join(vectorsFolder(), 'external', path), 'utf8')) as Shape;
}

function externalFile(
  path: string,
  name: string,
  clauses: readonly string[],
  from: External,
  notes: Readonly<Record<string, VectorNote>>,
  cases: readonly VectorCase[],
): GeneratedFile {
  for (const one of cases) {
    const answer = outcomeOf(evaluate(name, one.args.map(unhex)));
    const expected = one.error === undefined ? { values: one.values } : { error: one.error };
    if (JSON.stringify(answer) !== JSON.stringify(expected)) throw new Error(`${path} ${one.id}: the model departs from the publisher`);
  }
  const used = new Set(cases.flatMap((one) => one.flags));
  const file: VectorFile = {
    schema: 1,
    revision: REVISION,
    function: name,
    clauses: [...clauses],
    notes: Object.fromEntries(Object.entries(notes).filter(([flag]) => used.has(flag))),
    source: { kind: 'external', ref: `${from.source} at ${from.commit}` },
    cases: [...cases],
  };
  return { path, file };
}

/** Wycheproof's notes without the fields that the form does not have. */
function notesOf(notes: Readonly<Record<string, VectorNote>>): Record<string, VectorNote> {
  return Object.fromEntries(
    Object.entries(notes).map(([flag, note]) => [
      flag,
      { bugType: note.bugType, description: note.description ?? flag, ...(note.effect === undefined ? {} : { effect: note.effect }) },
    ]),
  );
}

const ONE = hex(u64be(1));
const ZERO = hex(u64be(0));

function verifyCase(
  id: string,
  comment: string,
  flags: readonly string[],
  key: string,
  message: string,
  signature: string,
  valid: boolean,
): VectorCase {
  const clause = refusal(unhex(key), unhex(message), unhex(signature));
  const wrongSize = key.length !== 64 || signature.length !== 128;
  return {
    id,
    comment,
    clauses: [valid ? 'IDN-017' : (clause ?? 'IDN-016')],
    flags: [...flags],
    args: [key, message, signature],
    result: valid ? 'valid' : 'invalid',
    values: [valid ? ONE : ZERO],
    ...(wrongSize ? { mayRefuse: true as const } : {}),
  };
}

function ed25519Files(): readonly GeneratedFile[] {
  const verify = ['IDN-010', 'IDN-011', 'IDN-012', 'IDN-013', 'IDN-014', 'IDN-015', 'IDN-016', 'IDN-017'];
  const wycheproof = readExternal<Wycheproof<{ publicKey: { pk: string } }, { msg: string; sig: string }>>('wycheproof/ed25519_test.json');
  const cctv = readExternal<
    External & { cases: readonly { number: number; key: string; sig: string; msg: string; flags: readonly string[] | null }[] }
  >('ed25519/cctv-ed25519vectors.json');
  const speccheck = readExternal<
    External & {
      cases: readonly {
        index: number;
        message: string;
        pub_key: string;
        signature: string;
        property: string;
        libraries: Readonly<Record<string, string>>;
      }[];
    }
  >('ed25519/speccheck.json');
  return [
    externalFile(
      'identity/ed25519-wycheproof.json',
      'ed25519.verify',
      verify,
      wycheproof,
      notesOf(wycheproof.notes),
      wycheproof.testGroups.flatMap((group) =>
        group.tests.map((test) =>
          verifyCase(`tc-${test.tcId}`, test.comment, test.flags, group.publicKey.pk, test.msg, test.sig, test.result === 'valid'),
        ),
      ),
    ),
    externalFile(
      'identity/ed25519-cctv.json',
      'ed25519.verify',
      verify,
      cctv,
      CCTV_NOTES,
      cctv.cases.map(({ number, key, sig, msg, flags }) => {
        const valid = !(flags ?? []).some((flag) => CCTV_REFUSED.has(flag));
        return verifyCase(`case-${number}`, msg, flags ?? [], key, hex(utf8(msg)), sig, valid);
      }),
    ),
    externalFile(
      'identity/ed25519-speccheck.json',
      'ed25519.verify',
      verify,
      speccheck,
      {},
      speccheck.cases.map((one) =>
        verifyCase(
          `case-${one.index}`,
          one.property,
          [],
          one.pub_key,
          one.message,
          one.signature,
          one.libraries['dalek-verify_strict'] === 'V',
        ),
      ),
    ),
  ];
}

/** Flags with which the strict predicate refuses; the others are components that it takes. */
const CCTV_REFUSED: ReadonlySet<string> = new Set([
  'low_order_A',
  'low_order_R',
  'non_canonical_A',
  'non_canonical_R',
  'low_order_residue',
]);

const CCTV_NOTES: Readonly<Record<string, VectorNote>> = {
  low_order_A: { bugType: 'CONSENSUS_SPLIT', description: 'A is of small order: refused (IDN-013).' },
  low_order_R: { bugType: 'CONSENSUS_SPLIT', description: 'R is of small order: refused (IDN-015).' },
  non_canonical_A: { bugType: 'CONSENSUS_SPLIT', description: 'The encoding of A is not canonical: refused (IDN-012).' },
  non_canonical_R: { bugType: 'CONSENSUS_SPLIT', description: 'The encoding of R is not canonical: refused (IDN-014).' },
  low_order_residue: { bugType: 'CONSENSUS_SPLIT', description: 'The equation holds with the cofactor only: refused (IDN-016).' },
  low_order_component_A: { bugType: 'CONSENSUS_SPLIT', description: 'A has a component of small order: no reason to refuse (IDN-017).' },
  low_order_component_R: { bugType: 'CONSENSUS_SPLIT', description: 'R has a component of small order: no reason to refuse (IDN-017).' },
  reencoded_k: { bugType: 'CONSENSUS_SPLIT', description: 'The challenge was made from encodings other than the ones given.' },
};

function primitiveFiles(): readonly GeneratedFile[] {
  const x25519 = readExternal<Wycheproof<object, { public: string; private: string; shared: string }>>('wycheproof/x25519_test.json');
  const chacha = readExternal<
    Wycheproof<{ ivSize: number }, { key: string; iv: string; aad: string; msg: string; ct: string; tag: string }>
  >('wycheproof/chacha20_poly1305_test.json');
  const hkdf =
    readExternal<Wycheproof<object, { ikm: string; salt: string; info: string; size: number; okm: string }>>(
      'wycheproof/hkdf_sha256_test.json',
    );
  const sealed = chacha.testGroups.filter((group) => group.ivSize === 96).flatMap((group) => group.tests);
  return [
    externalFile(
      'session/x25519-wycheproof.json',
      'x25519',
      ['SES-001', 'SES-005'],
      x25519,
      notesOf(x25519.notes),
      x25519.testGroups
        .flatMap((group) => group.tests)
        .map((test) => {
          const isZero = /^0*$/.test(test.shared);
          return {
            id: `tc-${test.tcId}`,
            comment: test.comment,
            clauses: [isZero ? 'SES-005' : 'SES-001'],
            flags: [...test.flags],
            args: [test.private, test.public],
            result: isZero ? 'invalid' : 'valid',
            ...(isZero ? { error: 'E_ZERO_SECRET' } : { values: [test.shared] }),
          };
        }),
    ),
    externalFile(
      'session/chacha20poly1305-seal-wycheproof.json',
      'chacha20poly1305.seal',
      ['SES-001'],
      chacha,
      notesOf(chacha.notes),
      sealed
        .filter((test) => test.result === 'valid')
        .map((test) => ({ ...plain(test), args: [test.key, test.iv, test.aad, test.msg], result: 'valid', values: [test.ct + test.tag] })),
    ),
    externalFile(
      'session/chacha20poly1305-open-wycheproof.json',
      'chacha20poly1305.open',
      ['SES-001', 'SES-006'],
      chacha,
      notesOf(chacha.notes),
      sealed.map((test) => ({
        ...plain(test),
        clauses: [test.result === 'valid' ? 'SES-001' : 'SES-006'],
        args: [test.key, test.iv, test.aad, test.ct + test.tag],
        result: test.result === 'valid' ? 'valid' : 'invalid',
        ...(test.result === 'valid' ? { values: [test.msg] } : { error: 'E_DECRYPT' }),
      })),
    ),
    externalFile(
      'session/hkdf-sha256-wycheproof.json',
      'hkdf.sha256',
      ['SES-001'],
      hkdf,
      notesOf(hkdf.notes),
      hkdf.testGroups
        .flatMap((group) => group.tests)
        .filter((test) => test.result === 'valid')
        .map((test) => ({
          ...plain(test),
          args: [test.ikm, test.salt, test.info, hex(u64be(test.size))],
          result: 'valid',
          values: [test.okm],
        })),
    ),
  ];
}

function plain(test: WycheproofTest): Pick<VectorCase, 'id' | 'comment' | 'clauses' | 'flags'> {
  return { id: `tc-${test.tcId}`, comment: test.comment, clauses: ['SES-001'], flags: [...test.flags] };
}

interface NoiseVector {
  readonly protocol_name: string;
  readonly init_prologue: string;
  readonly init_static: string;
  readonly init_ephemeral: string;
  readonly resp_static: string;
  readonly resp_ephemeral: string;
  readonly handshake_hash?: string;
  readonly messages: readonly { readonly payload: string; readonly ciphertext: string }[];
}

/** The XX vectors of both publishers; their other patterns are held against the model alone. */
function noiseFiles(): readonly GeneratedFile[] {
  return ['cacophony', 'snow'].flatMap((publisher) => {
    const from = readExternal<External & { vectors: readonly NoiseVector[] }>(`noise/${publisher}-25519-chachapoly-sha256.json`);
    const vectors = from.vectors.filter((vector) => vector.protocol_name === 'Noise_XX_25519_ChaChaPoly_SHA256');
    return externalFile(
      `session/noise-xx-${publisher}.json`,
      'noise.xx',
      ['SES-001'],
      from,
      {
        'hash-by-model': {
          bugType: 'BASIC',
          description: 'The publisher gives no handshake hash; it is the model’s. The messages are the publisher’s.',
        },
      },
      vectors.map((vector, index): VectorCase => {
        const args = [
          vector.init_prologue,
          vector.init_static,
          vector.init_ephemeral,
          vector.resp_static,
          vector.resp_ephemeral,
          ...vector.messages.map((message) => message.payload),
        ];
        const answer = evaluate('noise.xx', args.map(unhex));
        const byModel = 'values' in answer && answer.values[0] !== undefined ? hex(answer.values[0]) : '';
        return {
          id: `vector-${index}`,
          comment: `${vector.protocol_name}, ${vector.messages.length} messages`,
          clauses: ['SES-001'],
          flags: vector.handshake_hash === undefined ? ['hash-by-model'] : [],
          args,
          result: 'valid',
          values: [vector.handshake_hash ?? byModel, ...vector.messages.map((message) => message.ciphertext)],
        };
      }),
    );
  });
}

/** Bytes that no protobuf reader takes are no strict encoding of anything. */
function malformedFile(): GeneratedFile {
  const from = readExternal<External & { cases: readonly { name: string; hex: string }[] }>('protobuf/malformed-wire.json');
  const clauses = ['IDN-051', 'IDN-053', 'IDN-055', 'IDN-056'];
  return externalFile(
    'identity/strict-malformed-wire.json',
    'strict.check',
    clauses,
    from,
    {},
    from.cases.map(
      (one): VectorCase => ({
        id: one.name.toLowerCase().replaceAll('_', '-'),
        comment: one.name,
        clauses: [strictFault('AppPayload', unhex(one.hex)) ?? 'IDN-055'],
        flags: [],
        args: [hex(utf8('AppPayload')), one.hex],
        result: 'invalid',
        error: 'E_STRUCTURE',
      }),
    ),
  );
}

/** All files that hold published vectors. */
export function externalFiles(): readonly GeneratedFile[] {
  return [...ed25519Files(), ...primitiveFiles(), ...noiseFiles(), malformedFile()];
}
