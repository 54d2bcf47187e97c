/** A message sequence diagram of a shrunk trace as SVG, without scripts or outside resources. */
import type { DiagramLine } from './result.ts';

const LANE_WIDTH = 190;
const TOP = 46;
const ROW = 26;
const LEFT = 84;
/** Rows that are drawn; what is cut is said below. */
const ROWS_MAX = 60;

/** The diagram, or an empty text when there is nothing to draw. Marked rows are those where the clause was broken. */
export function sequenceDiagram(lines: readonly DiagramLine[]): string {
  if (lines.length === 0) return '';
  const shown = lines.slice(0, ROWS_MAX);
  const actors = [...new Set(shown.flatMap((line) => [line.from, line.to]))];
  const x = (actor: string): number => LEFT + LANE_WIDTH / 2 + actors.indexOf(actor) * LANE_WIDTH;
  const width = LEFT + actors.length * LANE_WIDTH;
  const height = TOP + shown.length * ROW + 24;
  const lanes = actors
    .map(
      (actor) =>
        `<text class="actor" x="${x(actor)}" y="20" text-anchor="middle">${escapeHtml(actor)}</text><line class="lane" x1="${x(actor)}" y1="28" x2="${x(actor)}" y2="${height - 8}"/>`,
    )
    .join('');
  const rows = shown.map((line, index) => row(line, TOP + index * ROW, x)).join('');
  const cut = lines.length > shown.length ? `<p class="cut">${lines.length - shown.length} more lines are in the trace file.</p>` : '';
  return `<svg class="sequence" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="message sequence">${lanes}${rows}</svg>${cut}`;
}

function row(line: DiagramLine, y: number, x: (actor: string) => number): string {
  const time = `<text class="time" x="4" y="${y + 4}">${formatMs(line.atMs)}</text>`;
  const mark = line.marked ? ' marked' : '';
  const from = x(line.from);
  const to = x(line.to);
  if (from === to)
    return `${time}<circle class="dot${mark}" cx="${from}" cy="${y}" r="4"/><text class="label${mark}" x="${from + 10}" y="${y + 4}">${escapeHtml(line.label)}</text>`;
  const direction = Math.sign(to - from);
  const tip = to - direction * 2;
  const head = `${tip},${y} ${tip - direction * 8},${y - 4} ${tip - direction * 8},${y + 4}`;
  return (
    `${time}<line class="arrow${mark}" x1="${from}" y1="${y}" x2="${tip}" y2="${y}"/><polygon class="head${mark}" points="${head}"/>` +
    `<text class="label${mark}" x="${(from + to) / 2}" y="${y - 5}" text-anchor="middle">${escapeHtml(shorten(line.label))}</text>`
  );
}

function formatMs(ms: number): string {
  return ms >= 10_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms)} ms`;
}

function shorten(label: string): string {
  return label.length > 44 ? `${label.slice(0, 43)}…` : label;
}

/** Text for HTML and XML. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
