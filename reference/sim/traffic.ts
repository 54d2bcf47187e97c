/** How much the nodes of a world have sent. */
import { readFrame } from '../core/wire/frame.ts';

/** Messages and bytes of one node or of all; a datagram is a message. */
export interface Traffic {
  bytes: number;
  messages: number;
  datagrams: number;
  datagramBytes: number;
}

/** Frames of one kind that were sent in sessions, and their bytes with their headers. */
export interface KindTraffic {
  frames: number;
  bytes: number;
}

/** Nothing sent. */
export function noTraffic(): Traffic {
  return { bytes: 0, messages: 0, datagrams: 0, datagramBytes: 0 };
}

/** Counts the frames of a plaintext by kind. */
export function countKinds(into: Map<number, KindTraffic>, plaintext: Uint8Array): void {
  for (let offset = 0; offset < plaintext.length; ) {
    const frame = readFrame(plaintext, offset);
    if (!frame.ok) return;
    const known = into.get(frame.kind);
    if (known === undefined) into.set(frame.kind, { frames: 1, bytes: frame.size });
    else {
      known.frames += 1;
      known.bytes += frame.size;
    }
    offset = frame.next;
  }
}
