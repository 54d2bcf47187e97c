/** Messages on a byte stream: a 4-byte big-endian length, then so many bytes. Spec: chapter 23 and `adapter.proto` */

/** Longest message in either direction. */
export const MESSAGE_BYTES_MAX: number = 16 * 1024 * 1024;

const HEADER_BYTES = 4;

/** A length that no message may have. */
export class OversizeMessage extends Error {}

/** A message with its length in front. Throws `OversizeMessage`. */
export function frameMessage(message: Uint8Array): Uint8Array {
  if (message.length > MESSAGE_BYTES_MAX)
    throw new OversizeMessage(`a message of ${message.length} bytes; at most ${MESSAGE_BYTES_MAX} are allowed`);
  const framed = new Uint8Array(HEADER_BYTES + message.length);
  new DataView(framed.buffer).setUint32(0, message.length);
  framed.set(message, HEADER_BYTES);
  return framed;
}

/** Puts messages together from pieces of any size; holds at most one unfinished message. */
export class MessageReader {
  #header = new Uint8Array(HEADER_BYTES);
  #headerSize = 0;
  #body: Uint8Array | undefined;
  #bodySize = 0;

  /** Whether a message has begun and not ended. */
  get isInside(): boolean {
    return this.#headerSize > 0;
  }

  /** Takes a piece and calls `onMessage` for each message that it ends. Throws `OversizeMessage` before any byte of such a message is kept. */
  push(piece: Uint8Array, onMessage: (message: Uint8Array) => void): void {
    let offset = 0;
    while (offset < piece.length || this.#isWhole()) {
      offset += this.#takeHeader(piece, offset);
      if (this.#body === undefined) continue;
      const part = piece.subarray(offset, offset + this.#body.length - this.#bodySize);
      this.#body.set(part, this.#bodySize);
      this.#bodySize += part.length;
      offset += part.length;
      if (!this.#isWhole()) continue;
      const message = this.#body;
      this.#body = undefined;
      this.#bodySize = 0;
      this.#headerSize = 0;
      onMessage(message);
    }
  }

  #isWhole(): boolean {
    return this.#body !== undefined && this.#bodySize === this.#body.length;
  }

  /** Bytes of the piece that went into the header. */
  #takeHeader(piece: Uint8Array, offset: number): number {
    if (this.#body !== undefined) return 0;
    const part = piece.subarray(offset, offset + HEADER_BYTES - this.#headerSize);
    this.#header.set(part, this.#headerSize);
    this.#headerSize += part.length;
    if (this.#headerSize === HEADER_BYTES) {
      const size = new DataView(this.#header.buffer).getUint32(0);
      if (size > MESSAGE_BYTES_MAX) throw new OversizeMessage(`a length of ${size} bytes; at most ${MESSAGE_BYTES_MAX} are allowed`);
      this.#body = new Uint8Array(size);
    }
    return part.length;
  }
}
