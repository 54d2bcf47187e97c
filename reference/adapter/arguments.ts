/** Reading the arguments of Evaluate: wrong number or size is refused, and says which. Spec: chapter 23, "Evaluate" */
import { decodeUtf8, u64be } from '../core/bytes.ts';

/** Why a request cannot be carried out as it stands. */
export class RefusedArguments extends Error {}

/** The arguments of one call. Every reader throws `RefusedArguments`. */
export class Arguments {
  readonly #values: readonly Uint8Array[];

  constructor(values: readonly Uint8Array[]) {
    this.#values = values;
  }

  get count(): number {
    return this.#values.length;
  }

  bytes(index: number, size?: number): Uint8Array {
    const value = this.#values[index];
    if (value === undefined) throw new RefusedArguments(`argument ${index} is missing`);
    if (size !== undefined && value.length !== size) {
      throw new RefusedArguments(`argument ${index} has ${value.length} bytes instead of ${size}`);
    }
    return value;
  }

  u64(index: number): bigint {
    const value = this.bytes(index, 8);
    return new DataView(value.buffer, value.byteOffset).getBigUint64(0);
  }

  /** A u64 of at most `max`, as a number. */
  number(index: number, max: number): number {
    const value = this.u64(index);
    if (value > BigInt(max)) throw new RefusedArguments(`argument ${index} is ${value}, above ${max}`);
    return Number(value);
  }

  text(index: number): string {
    const value = decodeUtf8(this.bytes(index));
    if (value === undefined) throw new RefusedArguments(`argument ${index} is not UTF-8`);
    return value;
  }

  /** Texts joined by line feeds; none when the argument is empty. */
  lines(index: number): readonly string[] {
    const value = this.text(index);
    return value === '' ? [] : value.split('\n');
  }

  /** 1 to 32 bytes. */
  networkId(index: number): Uint8Array {
    const value = this.bytes(index);
    if (value.length < 1 || value.length > 32) throw new RefusedArguments(`argument ${index} is a network id of ${value.length} bytes`);
    return value;
  }

  /** All arguments from `index` on. */
  rest(index: number): readonly Uint8Array[] {
    return this.#values.slice(index);
  }
}

/** 8 bytes big-endian. */
export function u64(value: bigint | number): Uint8Array {
  return u64be(value);
}
