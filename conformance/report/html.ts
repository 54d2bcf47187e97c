/** The HTML report: one file that works from a disk, with the failures first and two clicks from any clause to its trace. */
import { escapeHtml as e, sequenceDiagram } from './diagram.ts';
import { SCRIPT, STYLE } from './html-style.ts';
import { needsAttention, VERDICT_ORDER, VERDICTS, worstFirst } from './order.ts';
import type { RunResult } from './read.ts';
import type { CheckLine, FailureDetail } from './result.ts';

/** Text and witness of a clause, for the sections and the matrix. */
export interface ClauseText {
  readonly id: string;
  readonly chapter: string;
  readonly actor: string;
  readonly text: string;
}

/** The report as one HTML document. `clauses` are all of the spec, in order. */
export function renderHtml(result: RunResult, clauses: readonly ClauseText[]): string {
  const { run, checks, end } = result;
  const attention = worstFirst(checks).filter(needsAttention);
  const title = `${run.target.name} ${run.target.version}: ${attention.length === 0 && end.exitCode === 0 ? 'conforms' : `${attention.length} checks need attention`}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${e(title)}</title><link rel="icon" href="data:,"><style>${STYLE}</style></head>
<body>${header(result, attention)}
<main>${failures(attention)}${summaryTable(result)}${matrix(checks, clauses)}${sections(checks, clauses)}</main>
<footer>Carillon kit ${e(run.kitVersion)}, spec ${e(run.specVersion)}, adapter protocol ${run.adapterVersion}. Started ${e(run.startedAt)}, took ${(end.summary.durationMs / 1_000).toFixed(1)} s. Seed <code>${e(run.seed)}</code>.</footer>
<script>${SCRIPT}</script></body></html>
`;
}

function header({ run, end }: RunResult, attention: readonly CheckLine[]): string {
  const good = end.exitCode === 0;
  const counts = VERDICT_ORDER.flatMap((verdict) => {
    const count = countOf(end.summary, verdict);
    return count > 0 ? [`${count} ${VERDICTS[verdict].label}`] : [];
  }).join(', ');
  const filters = Object.entries(run.filters);
  return `<header><h1>${e(run.target.name)} ${e(run.target.version)}</h1>
<p class="meta">${e(run.target.language)}, class ${e(run.target.conformanceClass)}, spec ${e(run.target.specVersion)}, clock ${e(run.target.clock)}, randomness ${e(run.target.randomness)}, capabilities ${e(run.target.capabilities.join(', ') || 'none')}; levels ${e(run.levels.join(', '))}</p>
<div class="banner ${good ? 'good' : 'bad'}"><b>${good ? 'Conforms' : 'Does not conform'}</b>: ${end.summary.checks} checks, ${e(counts)}.${attention.length > 0 ? ` <a href="#failures">${attention.length} need attention</a>.` : ''}${filters.length > 0 ? ` <span class="muted">Only a part was run: ${e(filters.map(([key, value]) => `${key} ${value}`).join(', '))}.</span>` : ''}</div></header>`;
}

function countOf(summary: RunResult['end']['summary'], verdict: CheckLine['verdict']): number {
  return verdict === 'warned' ? 0 : summary[verdict];
}

function failures(attention: readonly CheckLine[]): string {
  if (attention.length === 0) return '';
  const rows = attention
    .map(
      (line) =>
        `<tr><td>${verdictCell(line)}</td><td><a href="#${anchor(line)}">${e(line.failure?.clause ?? line.clauses[0] ?? '')}</a></td><td><a href="#${anchor(line)}"><code>${e(line.id)}</code></a><br><span class="muted">${e(line.level)}</span></td><td>${e(line.failure?.observed ?? line.reason ?? line.title)}</td></tr>`,
    )
    .join('');
  return `<h2 id="failures">What needs attention</h2><table><thead><tr><th>verdict</th><th>clause</th><th>check</th><th>observed</th></tr></thead><tbody>${rows}</tbody></table>`;
}

function verdictCell(line: CheckLine): string {
  const style = VERDICTS[line.verdict];
  const excused =
    line.baseline === 'expected'
      ? ' <span class="muted">(baseline)</span>'
      : line.baseline === 'stale'
        ? ' <span class="bad">(stale baseline entry)</span>'
        : line.baseline === 'flaky'
          ? ' <span class="muted">(may flake)</span>'
          : '';
  return `<span class="verdict ${style.tone}">${style.label}</span>${excused}`;
}

function summaryTable({ end }: RunResult): string {
  const rows = (
    groups: Readonly<Record<string, { readonly checks: number; readonly passed: number; readonly failed: number }>>,
    label: string,
  ): string =>
    Object.entries(groups)
      .sort(([a], [b]) => a.localeCompare(b)) // keys that look like numbers would come first
      .map(
        ([name, counts]) =>
          `<tr><td>${label} ${e(name)}</td><td class="n">${counts.checks}</td><td class="n good">${counts.passed}</td><td class="n ${counts.failed > 0 ? 'bad' : 'muted'}">${counts.failed}</td></tr>`,
      )
      .join('');
  return `<h2>Summary</h2><table><thead><tr><th></th><th class="n">checks</th><th class="n">passed</th><th class="n">failed</th></tr></thead><tbody>${rows(end.summary.byChapter, 'chapter')}${rows(end.summary.byLevel, 'level')}</tbody></table>`;
}

/** Tone of a clause: the worst of what its checks said. */
function matrix(checks: readonly CheckLine[], clauses: readonly ClauseText[]): string {
  const chapters = [...new Set(clauses.map((clause) => clause.chapter))];
  const groups = chapters.map((chapter) => {
    const cells = clauses
      .filter((clause) => clause.chapter === chapter)
      .map((clause) => {
        const own = worstFirst(
          checks.filter((line) => line.failure?.clause === clause.id || (line.failure === undefined && line.clauses.includes(clause.id))),
        );
        const worst = own[0];
        const tone = worst === undefined ? 'muted' : VERDICTS[worst.verdict].tone;
        const tip = `${clause.id}: ${clause.text}${worst === undefined ? ' (no check ran)' : ` (${VERDICTS[worst.verdict].label})`}`;
        return worst === undefined
          ? `<a class="muted" title="${e(tip)}">${clause.id}</a>`
          : `<a class="${tone}" href="#${anchor(worst)}" title="${e(tip)}">${clause.id}</a>`;
      })
      .join('');
    return `<h3>Chapter ${e(chapter)}</h3><div class="matrix">${cells}</div>`;
  });
  return `<h2>Clauses</h2><p class="muted">Each clause shows the worst verdict of its checks and leads to that check. Faint: no check ran.</p>${groups.join('')}`;
}

function sections(checks: readonly CheckLine[], clauses: readonly ClauseText[]): string {
  const byId = new Map(clauses.map((clause) => [clause.id, clause]));
  const list = worstFirst(checks).map((line) => section(line, byId));
  return `<h2>Checks</h2><div class="controls"><input id="filter" type="search" placeholder="Filter by id, clause or word" aria-label="filter"><label><input id="red" type="checkbox"> only what needs attention</label></div>${list.join('')}`;
}

function section(line: CheckLine, clauses: ReadonlyMap<string, ClauseText>): string {
  const red = needsAttention(line);
  const search = `${line.id} ${line.title} ${line.clauses.join(' ')} ${line.verdict} ${line.level}`.toLowerCase();
  const quotes = (line.failure === undefined ? line.clauses : [line.failure.clause])
    .map((id) => {
      const clause = clauses.get(id);
      return clause === undefined ? '' : `<blockquote><b>${e(id)}</b> (${e(clause.actor)}) ${e(clause.text)}</blockquote>`;
    })
    .join('');
  return `<details class="check" id="${anchor(line)}" data-red="${red ? 1 : 0}" data-search="${e(search)}"${red ? ' open' : ''}><summary>${verdictCell(line)}<span class="title">${e(line.title)}</span><span class="id muted">${e(line.id)}</span></summary>
<p class="meta">level ${e(line.level)}, ${line.keyword}, clauses ${e(line.clauses.join(', '))}; ${line.runs} ${line.runs === 1 ? 'run' : 'runs'} in ${Math.round(line.durationMs)} ms${line.required ? '' : '; not in the required set, does not score'}</p>
${line.reason === undefined ? '' : `<p>${e(line.reason)}</p>`}${quotes}${line.failure === undefined ? '' : failureDetail(line.failure)}</details>`;
}

function failureDetail(failure: FailureDetail): string {
  const shrunk = failure.stepsBeforeShrinking > failure.steps ? `, shrunk from ${failure.stepsBeforeShrinking}` : '';
  const diagram = sequenceDiagram(failure.diagram);
  return `<div class="pair"><div><h3>Expected</h3><p>${e(failure.expected)}</p></div><div><h3>Observed</h3><p class="bad">${e(failure.observed)}</p></div></div>
<h3>Stimulus (${failure.steps} steps${shrunk})</h3><pre>${e(failure.stimulus.join('\n'))}</pre>
${diagram === '' ? '' : `<h3>Messages</h3><div class="scroll">${diagram}</div>`}
<h3>Replay</h3><pre>${e(failure.replay)}</pre>${failure.traceFile === undefined ? '' : `<p class="meta">Trace file <code>${e(failure.traceFile)}</code>, seed <code>${e(failure.seed)}</code></p>`}${failure.flaky ? '<p class="warn">Flaky: of equal runs only some failed.</p>' : ''}`;
}

function anchor(line: CheckLine): string {
  return `${line.id}--${line.level}`;
}
