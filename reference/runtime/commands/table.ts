/** Tables in a terminal. */

/** Rows under a head, in columns as wide as their widest cell; the numbered columns are set to the right. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[], right: ReadonlySet<number> = new Set()): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => [...(row[column] ?? '')].length)));
  const pad = (text: string, column: number): string => {
    const gap = ' '.repeat(Math.max(0, (widths[column] ?? 0) - [...text].length));
    return right.has(column) ? `${gap}${text}` : `${text}${gap}`;
  };
  return all.map((row) => row.map(pad).join('  ').trimEnd()).join('\n');
}
