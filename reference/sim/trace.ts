/** A hash of everything that the nodes of a world did, in order: two runs that agree on it did the same. */
import { sha256 } from '@noble/hashes/sha2.js';
import { encodeUtf8, toHex } from '../core/bytes.ts';
import type { NodeEffect } from '../core/machine.ts';

const BUFFER_BYTES = 65_536;
/** Time, node and size, 8 bytes each. */
const NUMBERS_BYTES = 24;

/** Takes in effects one after the other. */
export interface Trace {
  record(nowMs: number, node: number, effect: NodeEffect): void;
  /** 64 hexadecimal digits for all so far. */
  hash(): string;
}

/** A trace of nothing yet. Small writes are gathered: a hash is quick with much at a time. */
export function createTrace(): Trace {
  const state = sha256.create();
  const buffer = new Uint8Array(BUFFER_BYTES);
  const view = new DataView(buffer.buffer);
  let used = 0;

  function flush(): void {
    state.update(buffer.subarray(0, used));
    used = 0;
  }

  function write(bytes: Uint8Array): void {
    if (used + bytes.length > BUFFER_BYTES) flush();
    if (bytes.length > BUFFER_BYTES) state.update(bytes);
    else {
      buffer.set(bytes, used);
      used += bytes.length;
    }
  }

  function record(nowMs: number, node: number, effect: NodeEffect): void {
    const link = 'link' in effect ? effect.link : 0;
    const code = 'code' in effect ? (effect.code ?? '') : '';
    const data = 'data' in effect ? effect.data : undefined;
    if (used + NUMBERS_BYTES > BUFFER_BYTES) flush();
    view.setFloat64(used, nowMs);
    view.setFloat64(used + 8, node);
    view.setFloat64(used + 16, data?.length ?? 0);
    used += NUMBERS_BYTES;
    const to = effect.type === 'datagram' ? `${effect.to.ip}:${effect.to.port}` : '';
    write(encodeUtf8(`${effect.type} ${link} ${code} ${to}\n`));
    if (data !== undefined) write(data);
  }

  return {
    record,
    hash: () => {
      flush();
      return toHex(state.clone().digest());
    },
  };
}
