/** Colours for a stream: NO_COLOR wins, then FORCE_COLOR, then whether the stream is a terminal. */
import pc from 'picocolors';

export type Colors = ReturnType<typeof pc.createColors>;

/** Colour functions; all of them the identity where colours are not wanted. */
export function colorsFor(stream: { readonly isTTY?: boolean }, env: Readonly<Record<string, string | undefined>> = process.env): Colors {
  const { NO_COLOR, FORCE_COLOR, TERM } = env;
  if (NO_COLOR !== undefined && NO_COLOR !== '') return pc.createColors(false);
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return pc.createColors(FORCE_COLOR !== '0' && FORCE_COLOR !== 'false');
  return pc.createColors(stream.isTTY === true && TERM !== 'dumb');
}
