/** How a session is ended in words: which codes travel, and when the peer may come back. Spec: chapter 04, "GoAway". */
import { ErrorCode, type ErrorName } from '../types.ts';
import { encodeGoAway } from '../wire/body.ts';
import { encodeFrame, KIND_GO_AWAY } from '../wire/frame.ts';

/** Codes of this number and above are not told to a peer. Spec: ERR-001 */
const LOCAL_CODES_FROM = 32;

/** A peer that broke the protocol is not wanted back at once; one that did nothing wrong is. */
const RETRY_AFTER_FAULT_MS = 60_000;

const RETRY_AFTER_MS: Partial<Record<ErrorName, number>> = {
  // Long enough for a restart.
  E_SHUTDOWN: 5_000,
  // A slow link may be well again soon.
  E_PING_TIMEOUT: 5_000,
  // The other session is in use: nothing to wait for.
  E_DUPLICATE_SESSION: 0,
  // Places become free as sessions end.
  E_BUSY: 30_000,
  // At the presets' factors a bad count halves in little more than a minute.
  E_SCORE: 300_000,
};

/** The name of a code, or undefined for one that this revision does not name. Spec: SES-073 */
export function errorNameOf(code: number): ErrorName | undefined {
  const entry = Object.entries(ErrorCode).find(([, number]) => number === code);
  return entry === undefined || code === ErrorCode.E_NONE ? undefined : (entry[0] as ErrorName);
}

/** The frame of a GoAway, or undefined when the code does not travel. `retryAfterMs` is what suits the code if absent. Spec: CNV-011, ERR-001, ERR-002 */
export function encodeGoAwayFrame(code: ErrorName, retryAfterMs?: number): Uint8Array | undefined {
  const number = ErrorCode[code];
  if (number >= LOCAL_CODES_FROM) return undefined;
  const wait = retryAfterMs ?? RETRY_AFTER_MS[code] ?? RETRY_AFTER_FAULT_MS;
  return encodeFrame(KIND_GO_AWAY, 0, encodeGoAway({ code: number, retryAfterMs: BigInt(wait) }));
}

/** How long a peer asks not to be dialled, in ms, at most `capMs`. Spec: SES-072 */
export function retryAfter(retryAfterMs: bigint, capMs: number): number {
  return retryAfterMs > BigInt(capMs) ? capMs : Number(retryAfterMs);
}
