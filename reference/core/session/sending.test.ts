import { describe, expect, test } from 'vitest';
import { portableCrypto } from '../crypto/portable.ts';
import { createRng } from '../rng.ts';
import { KIND_PUSH } from '../wire/frame.ts';
import { CipherState } from '../wire/noise.ts';
import { createOutbox } from './outbox.ts';
import { createPings } from './ping.ts';
import { createQuestions } from './questions.ts';
import { createRates } from './rates.ts';
import { flushSession, sendFrame } from './sending.ts';
import { linkOf, NETWORK, paramsOf, peerOf, seedOf } from './session.fixture.ts';
import { createSessionState, type Session, type SessionState } from './state.ts';

const KEY = new Uint8Array(32).fill(8);
const NOW = { monoMs: 0, wallMs: 1_700_000_000_000 };

/** An established session whose sending cipher has one nonce left. */
function almostSpent(): { readonly state: SessionState; readonly session: Session } {
  const params = paramsOf();
  const state = createSessionState({
    params,
    crypto: portableCrypto,
    rng: createRng(seedOf('rng')),
    networkId: NETWORK,
    identitySeed: seedOf('node'),
    self: peerOf('node'),
  });
  const session: Session = {
    link: linkOf(1),
    peer: peerOf('peer'),
    direction: 'inbound',
    address: '10.0.0.1',
    dialled: undefined,
    capabilities: new Set(['gossip/1']),
    establishedMs: 0,
    usedMs: 0,
    ciphers: { send: new CipherState(portableCrypto, KEY, 2n ** 64n - 2n), receive: new CipherState(portableCrypto, KEY) },
    rates: createRates(params, 0),
    outbox: createOutbox(params, 0),
    pings: createPings(params, 0),
    questions: createQuestions(),
    releaseMs: undefined,
  };
  state.sessions.set(session.link, session);
  state.byPeer.set(session.peer, session);
  return { state, session };
}

/** Sends one frame and gives the types of what came of it. */
function sendOne({ state, session }: ReturnType<typeof almostSpent>): readonly string[] {
  state.out = [];
  sendFrame(state, session, KIND_PUSH, { bytes: Uint8Array.of(3, KIND_PUSH, 0, 0) });
  flushSession(state, session, NOW);
  return state.out.map(({ type }) => type);
}

describe('SES-031: a session whose nonces are used up', () => {
  test('sends the last message that has one, then ends without another', () => {
    const spent = almostSpent();
    expect(sendOne(spent)).toEqual(['message']);
    expect(spent.state.sessions.size).toBe(1);
    expect(sendOne(spent)).toEqual(['close', 'sessionEnded', 'sessionDown']);
    expect([spent.state.sessions.size, spent.state.byPeer.size]).toEqual([0, 0]);
  });
});
