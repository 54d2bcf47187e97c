/** How a worked example is written: named bytes, bytes taken apart, tables. */
import { hex } from '../conformance/model/bytes.ts';

/** Bytes of one line of an example. */
const LINE_BYTES = 32;
const NAME_WIDTH = 24;

/** Several texts as one fenced block. */
export function fence(...parts: readonly string[]): string {
  return ['```text', parts.join('\n'), '```'].join('\n');
}

/** A Markdown table with columns of even width, as the chapters have them. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** A name and what stands behind it. Bytes are broken into lines of 32. */
export function field(name: string, value: Uint8Array | string, note?: string): string {
  const lines = typeof value === 'string' ? [value] : linesOf(value);
  const remark = note ?? (typeof value === 'string' ? undefined : sizeText(value.length));
  return lines
    .map(
      (line, index) =>
        `${(index === 0 ? name : '').padEnd(NAME_WIDTH)}${line}${index === 0 && remark !== undefined ? `  (${remark})` : ''}`,
    )
    .join('\n');
}

/**
 * Bytes taken apart: a line for each part, its bytes and what they mean. Throws a RangeError when the
 * sizes are not those of the bytes; a size of `rest` takes what is left, one of 0 names what is absent.
 */
export function dissect(title: string, bytes: Uint8Array, parts: readonly (readonly [size: number | 'rest', meaning: string])[]): string {
  const lines = [`${title}  (${sizeText(bytes.length)})`];
  const width = Math.max(NAME_WIDTH - 4, ...parts.map(([, meaning]) => meaning.length));
  let offset = 0;
  for (const [size, meaning] of parts) {
    const end = size === 'rest' ? bytes.length : offset + size;
    if (end > bytes.length) throw new RangeError(`${title}: ${meaning} ends behind the bytes`);
    const rows = linesOf(bytes.slice(offset, end));
    lines.push(...rows.map((row, index) => `  ${(index === 0 ? meaning : '').padEnd(width)}  ${row}`));
    offset = end;
  }
  if (offset !== bytes.length) throw new RangeError(`${title}: ${bytes.length - offset} bytes are not explained`);
  return lines.join('\n');
}

/** `1 byte`, `32 bytes`. */
export function sizeText(size: number): string {
  return `${group(size)} ${size === 1 ? 'byte' : 'bytes'}`;
}

/** Thousands apart. */
export function group(value: number | bigint): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

function linesOf(bytes: Uint8Array): readonly string[] {
  const lines: string[] = [];
  for (let offset = 0; offset < bytes.length; offset += LINE_BYTES) lines.push(hex(bytes.slice(offset, offset + LINE_BYTES)));
  return lines.length === 0 ? ['(none)'] : lines;
}
