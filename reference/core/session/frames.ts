/** What the kind of a frame decides before its body is looked at. Spec: WIR-026 to WIR-032, SES-060. */
import type { ClauseId, ErrorName } from '../types.ts';
import { FRAME_KINDS, type FrameClass, type FrameReading } from '../wire/frame.ts';

/** A frame whose header has been read. */
export type ReadFrame = Extract<FrameReading, { readonly ok: true }>;

/** The class that pays for kinds that a node does not know and leaves aside. Spec: SES-060 */
const CLASS_OF_UNKNOWN: FrameClass = 'data';

/** What becomes of a frame: it goes on to the rate buckets of a class, to be used or left aside after them, or ends the session. */
export type Screening =
  | { readonly outcome: 'use' | 'leave'; readonly class: FrameClass }
  | { readonly outcome: 'close'; readonly code: ErrorName; readonly clause: ClauseId };

function close(code: ErrorName, clause: ClauseId): Screening {
  return { outcome: 'close', code, clause };
}

/**
 * Applies the rules of the frame's kind in the order of their numbers. `waits` says whether a request
 * with that id waits for this kind of answer. Frames that are left aside are charged like others, so
 * that nothing that a peer sends is free.
 */
export function screenFrame(
  frame: Pick<ReadFrame, 'kind' | 'requestId' | 'length'>,
  capabilities: ReadonlySet<string>,
  waits: (kind: number, requestId: number) => boolean,
): Screening {
  const row = FRAME_KINDS.get(frame.kind);
  if (row?.datagram === 'only') return close('E_UNKNOWN_KIND', 'WIR-114');
  const known = row !== undefined && (row.needs === undefined || capabilities.has(row.needs));
  if (!known) {
    if (frame.kind % 2 === 1) return { outcome: 'leave', class: CLASS_OF_UNKNOWN };
    return close('E_UNKNOWN_KIND', row === undefined ? 'WIR-027' : 'WIR-028');
  }
  if (frame.length > row.lengthMax) return close('E_FRAME_SIZE', 'WIR-029');
  if (row.exchange === 'notice') {
    if (frame.requestId !== 0) return close('E_REQUEST_ID', 'WIR-031');
  } else if (frame.requestId === 0) {
    return close('E_REQUEST_ID', 'WIR-030');
  }
  const awaited = row.exchange !== 'reply' || waits(frame.kind, frame.requestId);
  return { outcome: awaited ? 'use' : 'leave', class: row.class };
}
