/**
 * Address tokens: made without memory for those who ask, remembered of those who are asked.
 * Spec: chapter 03, WIR-127 to WIR-131, WIR-145, WIR-146
 */
import { copyBytes, encodeUtf8, equalBytes, u64be } from '../bytes.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { siphash24 } from '../crypto/siphash.ts';
import type { Params } from '../params.ts';
import type { Endpoint, MonoMs } from '../types.ts';
import { NO_TOKEN } from '../wire/datagram.ts';
import { plainIp } from '../wire/subnet.ts';

/** One text for an address and port, whichever way the address is written. */
export function endpointKey({ ip, port }: Endpoint): string {
  return `${plainIp(ip)} ${port}`;
}

/** Gives tokens and recognises them. */
export interface TokenMint {
  /** Eight bytes that this address can show as long as the present secret or the next one lasts. */
  tokenFor(to: Endpoint, nowMs: MonoMs): Uint8Array;
  isValid(from: Endpoint, token: Uint8Array, nowMs: MonoMs): boolean;
}

const KEY_BYTES = 16;

/**
 * A token is SipHash-2-4 over address and port under a secret that changes every
 * `datagram.token_ms`; the secrets all come from one of 32 bytes that never leaves.
 */
export function createTokenMint(crypto: CryptoProvider, secret: Uint8Array, params: Params): TokenMint {
  const periodMs = params['datagram.token_ms'];

  function tokenOf(period: number, endpoint: Endpoint): Uint8Array {
    const key = crypto.hmacSha256(secret, u64be(period)).subarray(0, KEY_BYTES);
    return siphash24(key, encodeUtf8(endpointKey(endpoint)));
  }

  const periodAt = (nowMs: MonoMs): number => Math.floor(nowMs / periodMs);

  return {
    tokenFor: (to, nowMs) => tokenOf(periodAt(nowMs), to),
    isValid(from, token, nowMs) {
      if (equalBytes(token, NO_TOKEN)) return false;
      const period = periodAt(nowMs);
      if (equalBytes(token, tokenOf(period, from))) return true;
      return period > 0 && equalBytes(token, tokenOf(period - 1, from));
    },
  };
}

/** The tokens that others gave, newest last; at most `datagram.tokens_max` of them. */
export interface TokenPurse {
  keep(from: Endpoint, token: Uint8Array, nowMs: MonoMs): void;
  /** The newest token of the address, or zeros when there is none that is certainly valid. */
  tokenFor(to: Endpoint, nowMs: MonoMs): Uint8Array;
  readonly size: number;
}

/** A purse without tokens. */
export function createTokenPurse(params: Params): TokenPurse {
  const kept = new Map<string, { readonly token: Uint8Array; readonly atMs: MonoMs }>();
  return {
    keep(from, token, nowMs) {
      if (equalBytes(token, NO_TOKEN)) return;
      const key = endpointKey(from);
      kept.delete(key);
      kept.set(key, { token: copyBytes(token), atMs: nowMs });
      if (kept.size <= params['datagram.tokens_max']) return;
      const oldest = kept.keys().next().value;
      if (oldest !== undefined) kept.delete(oldest);
    },
    tokenFor(to, nowMs) {
      const key = endpointKey(to);
      const entry = kept.get(key);
      if (entry === undefined) return NO_TOKEN;
      if (nowMs - entry.atMs <= params['datagram.token_ms']) return entry.token;
      kept.delete(key);
      return NO_TOKEN;
    },
    get size() {
      return kept.size;
    },
  };
}
