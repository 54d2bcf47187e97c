/** Chapter 04 by vectors: Noise and its primitives, versions, capabilities, rates. */
import type { VectorCheck } from '../runner/check.ts';
import { vectorCheck } from '../vectors/checks.ts';

const RATES = 'session/rate-admit.json';
const X25519 = 'session/x25519-wycheproof.json';
const OPEN = 'session/chacha20poly1305-open-wycheproof.json';

export const checks: readonly VectorCheck[] = [
  vectorCheck({
    id: 'session.noise.prologue',
    title: 'The prologue binds the network',
    file: 'session/prologue.json',
    clauses: ['SES-001'],
  }),
  vectorCheck({
    id: 'session.noise.xx',
    title: 'Handshake and transport messages are those of Noise XX',
    file: 'session/noise-xx.json',
    clauses: ['SES-001'],
  }),
  vectorCheck({
    id: 'session.noise.cacophony',
    title: "Cacophony's XX handshake",
    file: 'session/noise-xx-cacophony.json',
    clauses: ['SES-001'],
  }),
  vectorCheck({ id: 'session.noise.snow', title: "Snow's XX handshake", file: 'session/noise-xx-snow.json', clauses: ['SES-001'] }),
  vectorCheck({ id: 'session.noise.x25519', title: "Wycheproof's X25519 results", file: X25519, clauses: ['SES-001'] }),
  vectorCheck({ id: 'session.noise.zero-secret', title: 'A shared secret of zero bytes is none', file: X25519, clauses: ['SES-005'] }),
  vectorCheck({
    id: 'session.noise.seal',
    title: "Wycheproof's ChaCha20-Poly1305 ciphertexts",
    file: 'session/chacha20poly1305-seal-wycheproof.json',
    clauses: ['SES-001'],
  }),
  vectorCheck({ id: 'session.noise.open', title: "Wycheproof's ChaCha20-Poly1305 plaintexts", file: OPEN, clauses: ['SES-001'] }),
  vectorCheck({ id: 'session.noise.forged', title: 'A ciphertext with another tag does not open', file: OPEN, clauses: ['SES-006'] }),
  vectorCheck({
    id: 'session.noise.hkdf',
    title: "Wycheproof's HKDF results",
    file: 'session/hkdf-sha256-wycheproof.json',
    clauses: ['SES-001'],
  }),
  vectorCheck({
    id: 'session.minor.none',
    title: 'Ranges without a common minor version make no session',
    file: 'session/minor.json',
    clauses: ['SES-019'],
  }),
  vectorCheck({
    id: 'session.minor.highest',
    title: 'The highest common minor version is used',
    file: 'session/minor.json',
    clauses: ['SES-020'],
  }),
  vectorCheck({
    id: 'session.capabilities.form',
    title: 'A capability list that is not in order makes no session',
    file: 'session/capabilities.json',
    clauses: ['SES-021'],
  }),
  vectorCheck({
    id: 'session.capabilities.common',
    title: 'A session has the capabilities that both hold',
    file: 'session/capabilities.json',
    clauses: ['SES-022'],
  }),
  vectorCheck({
    id: 'session.capabilities.one-way',
    title: 'With gossip/1 in common, direct/1 is taken out',
    file: 'session/capabilities.json',
    clauses: ['SES-026'],
  }),
  vectorCheck({ id: 'session.rate.charge', title: 'What passes is charged, what does not is not', file: RATES, clauses: ['SES-060'] }),
  vectorCheck({
    id: 'session.rate.burst',
    title: 'A bucket starts full, holds twice the rate and no more',
    file: RATES,
    clauses: ['SES-061'],
  }),
  vectorCheck({
    id: 'session.rate.refill',
    title: 'A bucket is refilled by the millisecond, without rounding',
    file: RATES,
    clauses: ['SES-062'],
  }),
];
