/** Chapter 02 by vectors: PeerIds, the signature predicate, envelopes, strict encoding. */
import type { VectorCheck } from '../runner/check.ts';
import { vectorCheck } from '../vectors/checks.ts';

const STRICT_SIGNATURES = 'identity/ed25519-strict.json';
const PREDICATE = ['IDN-016', 'IDN-010', 'IDN-011', 'IDN-012', 'IDN-013', 'IDN-014', 'IDN-015', 'IDN-017'];
const JUDGE = 'identity/envelope-judge.json';
const STRICT = 'identity/strict-check.json';

/** One check for a clause each: id, title, clause. */
type Row = readonly [id: string, title: string, clause: string];

const SIGNATURES: readonly Row[] = [
  ['identity.signature.size', 'Keys and signatures of another size are refused', 'IDN-010'],
  ['identity.signature.large-s', 'A signature whose S is not below L is refused', 'IDN-011'],
  ['identity.signature.key-encoding', 'A public key whose encoding is not canonical, or no point, is refused', 'IDN-012'],
  ['identity.signature.key-small-order', 'A public key of small order is refused', 'IDN-013'],
  ['identity.signature.r-encoding', 'An R whose encoding is not canonical, or no point, is refused', 'IDN-014'],
  ['identity.signature.r-small-order', 'An R of small order is refused', 'IDN-015'],
  ['identity.signature.equation', 'A signature is refused when the equation does not hold, even if it holds with the cofactor', 'IDN-016'],
  ['identity.signature.accepted', 'Every other signature is valid, components of small order or not', 'IDN-017'],
];

const VERDICTS: readonly Row[] = [
  ['identity.envelope.encoding', 'An envelope that is not strictly encoded is rejected', 'IDN-032'],
  ['identity.envelope.context-form', 'A context that is not of the form is rejected', 'IDN-033'],
  ['identity.envelope.context', 'An envelope signed for another purpose is rejected', 'IDN-034'],
  ['identity.envelope.key-type-0', 'Key type 0 is rejected', 'IDN-035'],
  ['identity.envelope.key-type-unknown', 'Key types from 2 are ignored', 'IDN-036'],
  ['identity.envelope.sizes', 'A key or a signature of another size is rejected', 'IDN-037'],
  ['identity.envelope.version-form', 'A payload that does not begin with a version is rejected', 'IDN-038'],
  ['identity.envelope.version-unknown', 'A payload version that is not known is ignored', 'IDN-039'],
  ['identity.envelope.payload', "A payload that is not its message's strict encoding is rejected", 'IDN-040'],
  ['identity.envelope.signature', 'An envelope whose signature is refused is rejected', 'IDN-041'],
];

const ENCODING: readonly Row[] = [
  ['identity.strict.order', 'Fields that do not ascend are rejected', 'IDN-050'],
  ['identity.strict.unknown-field', 'Fields that the schema does not name are rejected', 'IDN-051'],
  ['identity.strict.repeated-field', 'A singular field that occurs twice is rejected', 'IDN-052'],
  ['identity.strict.minimal', 'Tags, lengths and values that are not minimal are rejected', 'IDN-053'],
  ['identity.strict.default-value', 'A default value that is written out is rejected', 'IDN-054'],
  ['identity.strict.truncated', 'Bytes that end inside a field are rejected', 'IDN-055'],
  ['identity.strict.wire-type', 'Another wire type than the schema gives is rejected', 'IDN-056'],
  ['identity.strict.utf8', 'A text that is not UTF-8 is rejected', 'IDN-057'],
  ['identity.strict.enum', 'An enum number that the schema does not name is rejected', 'IDN-058'],
  ['identity.strict.uint32', 'A 32-bit field of 2^32 or above is rejected', 'IDN-059'],
  ['identity.strict.uint64', '64-bit fields stay exact over their whole range', 'IDN-060'],
];

function perClause(rows: readonly Row[], file: string): readonly VectorCheck[] {
  return rows.map(([id, title, clause]) => vectorCheck({ id, title, file, clauses: [clause] }));
}

export const checks: readonly VectorCheck[] = [
  vectorCheck({
    id: 'identity.hash.sha256',
    title: 'SHA-256, on which every id rests',
    file: 'conventions/sha256.json',
    clauses: ['IDN-001'],
  }),
  vectorCheck({
    id: 'identity.peer-id.derive',
    title: 'A PeerId is the hash of key type and key',
    file: 'identity/peer-id-derive.json',
    clauses: ['IDN-001'],
  }),
  vectorCheck({
    id: 'identity.peer-id.format',
    title: 'A PeerId is written in lower-case bech32m',
    file: 'identity/peer-id-format.json',
    clauses: ['IDN-002'],
  }),
  vectorCheck({
    id: 'identity.peer-id.parse',
    title: 'A PeerId text that is not exactly of the form is refused',
    file: 'identity/peer-id-parse.json',
    clauses: ['IDN-003'],
  }),
  ...perClause(SIGNATURES, STRICT_SIGNATURES),
  vectorCheck({
    id: 'identity.signature.wycheproof',
    title: "Wycheproof's Ed25519 signatures",
    file: 'identity/ed25519-wycheproof.json',
    clauses: PREDICATE,
  }),
  vectorCheck({
    id: 'identity.signature.cctv',
    title: "CCTV's combinations of small order, encodings and residues",
    file: 'identity/ed25519-cctv.json',
    clauses: PREDICATE,
  }),
  vectorCheck({
    id: 'identity.signature.speccheck',
    title: 'The signatures on which libraries are known to differ',
    file: 'identity/ed25519-speccheck.json',
    clauses: PREDICATE,
  }),
  vectorCheck({
    id: 'identity.signature.sign',
    title: 'Signing is deterministic, by RFC 8032',
    file: 'identity/ed25519-sign.json',
    clauses: ['IDN-018'],
  }),
  vectorCheck({
    id: 'identity.signature.public-key',
    title: 'The public key of a seed, by RFC 8032',
    file: 'identity/ed25519-public-key.json',
    clauses: ['IDN-018'],
  }),
  vectorCheck({
    id: 'identity.envelope.signing-bytes',
    title: 'What is signed binds network, context and payload',
    file: 'identity/envelope-signing-bytes.json',
    clauses: ['IDN-030'],
  }),
  vectorCheck({
    id: 'identity.envelope.seal',
    title: 'A sealed envelope is the same everywhere',
    file: 'identity/envelope-seal.json',
    clauses: ['IDN-030'],
  }),
  vectorCheck({
    id: 'identity.envelope.id',
    title: 'The id covers everything but the signature',
    file: 'identity/envelope-id.json',
    clauses: ['IDN-031'],
  }),
  ...perClause(VERDICTS, JUDGE),
  ...perClause(ENCODING, STRICT),
  vectorCheck({
    id: 'identity.strict.malformed',
    title: 'Bytes that no protobuf reader takes are rejected',
    file: 'identity/strict-malformed-wire.json',
    clauses: ['IDN-055', 'IDN-051', 'IDN-053', 'IDN-056'],
  }),
  vectorCheck({
    id: 'identity.app.encode',
    title: 'An AppPayload is encoded strictly',
    file: 'identity/app-encode.json',
    clauses: ['IDN-040', 'IDN-060'],
  }),
  vectorCheck({
    id: 'identity.app.decode',
    title: '64-bit numbers of an AppPayload come back exact',
    file: 'identity/app-decode.json',
    clauses: ['IDN-060'],
  }),
  vectorCheck({
    id: 'identity.app.decode-strict',
    title: 'An AppPayload that is not strictly encoded is not decoded',
    file: 'identity/app-decode.json',
    clauses: ['IDN-050', 'IDN-051', 'IDN-052', 'IDN-053', 'IDN-054', 'IDN-055', 'IDN-056', 'IDN-057'],
  }),
];
