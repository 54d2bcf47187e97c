/**
 * Reads the chapters: every clause, every parameter, every error code, as data.
 *
 * The chapters are the source; `spec/clauses.json` and `spec/parameters.json` are written from what
 * this file returns, for readers that do not want to parse Markdown.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The five ways in which a clause can be shown to hold, chapter 01. */
export const WITNESSES = ['vector', 'suite', 'sim', 'type', 'review'] as const;
export type Witness = (typeof WITNESSES)[number];

export const KEYWORDS = ['MUST NOT', 'MUST', 'SHOULD NOT', 'SHOULD', 'MAY'] as const;
export type Keyword = (typeof KEYWORDS)[number];

export interface Clause {
  readonly id: string;
  /** Two digits. */
  readonly chapter: string;
  readonly actor: string;
  readonly keyword: Keyword;
  /** One paragraph without Markdown emphasis on the id and the actor. */
  readonly text: string;
  readonly witness: Witness;
  /** Name of the error registry that goes with the reaction, if the clause names one. */
  readonly code: string | undefined;
  /** Why nobody can see it; there for `review` and `type`. */
  readonly reason: string | undefined;
  /** First 16 hexadecimal digits of SHA-256 of the text: shows that a clause has changed. */
  readonly textHash: string;
}

export interface Parameter {
  readonly name: string;
  readonly unit: string;
  /** By preset: main, tower, chat, devnet, conformance. */
  readonly values: Readonly<Record<string, number | string>>;
  readonly range: string;
  readonly clause: string;
  readonly meaning: string;
}

/** A place in a chapter that does not follow chapter 01. */
export interface SpecProblem {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

export interface Spec {
  readonly revision: string;
  readonly clauses: readonly Clause[];
  readonly parameters: readonly Parameter[];
  readonly problems: readonly SpecProblem[];
}

const CLAUSE_START = /^\*\*([A-Z]{3}-\d{3})\*\* \(([^)]+)\) (.*)$/;
const CHAPTER_FILE = /^(\d{2})-[a-z]+(?:-[a-z]+)*\.md$/;
const UPPER_KEYWORD = /\b(MUST|SHOULD|MAY|SHALL|REQUIRED|RECOMMENDED|OPTIONAL)\b/;

/** Reads all chapters below `directory`. Never throws on their content: what is wrong is in `problems`. */
export function readSpec(directory: string): Spec {
  const clauses: Clause[] = [];
  const problems: SpecProblem[] = [];
  let parameters: readonly Parameter[] = [];
  let revision = '';
  for (const file of readdirSync(directory).sort()) {
    const chapter = CHAPTER_FILE.exec(file)?.[1];
    if (chapter === undefined) continue;
    const markdown = readFileSync(join(directory, file), 'utf8');
    clauses.push(...readClauses(file, chapter, markdown, problems));
    revision ||= /^\|\s*draft\s*\|\s*(\S+)\s*\|/m.exec(markdown)?.[1] ?? '';
    if (chapter === '19') parameters = readParameters(markdown);
  }
  reportRepeatedIds(clauses, problems);
  return { revision, clauses, parameters, problems };
}

function readClauses(file: string, chapter: string, markdown: string, problems: SpecProblem[]): Clause[] {
  const clauses: Clause[] = [];
  const lines = markdown.split('\n');
  let inFence = false;
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    if (line.startsWith('```')) inFence = !inFence;
    if (inFence) continue;
    const start = CLAUSE_START.exec(line);
    if (start === null) {
      // Chapter 01 defines the keywords, so it may name them.
      if (chapter !== '01' && UPPER_KEYWORD.test(line.replaceAll(/`[^`]*`/g, ''))) {
        problems.push({ file, line: index + 1, message: 'an upper-case keyword stands outside a clause' });
      }
      continue;
    }
    const startLine = index + 1;
    const text = [start[3] ?? ''];
    let witnessLine: string | undefined;
    while (++index < lines.length) {
      const next = lines[index] ?? '';
      if (next.startsWith('witness:')) {
        witnessLine = next;
        break;
      }
      if (next.trim() === '') break;
      text.push(next.trim());
    }
    const clause = makeClause(start[1] ?? '', chapter, start[2] ?? '', text.join(' '), witnessLine);
    if (typeof clause === 'string') problems.push({ file, line: startLine, message: `${start[1]}: ${clause}` });
    else clauses.push(clause);
  }
  return clauses;
}

function makeClause(id: string, chapter: string, actor: string, text: string, witnessLine: string | undefined): Clause | string {
  if (witnessLine === undefined) return 'has no witness line';
  const [kind, ...rest] = witnessLine.slice('witness:'.length).split('·');
  const witness = WITNESSES.find((name) => name === kind?.trim());
  if (witness === undefined) return `witness "${kind?.trim()}" is none of ${WITNESSES.join(', ')}`;
  const keyword = KEYWORDS.find((word) => new RegExp(`\\b${word}\\b`).test(text));
  if (keyword === undefined) return 'has no keyword';
  const tail = rest.map((part) => part.trim());
  const code = tail
    .find((part) => part.startsWith('code:'))
    ?.slice('code:'.length)
    .trim();
  const reason = tail.find((part) => part !== '' && !part.startsWith('code:'));
  if ((witness === 'review' || witness === 'type') && reason === undefined) return `witness ${witness} needs a reason`;
  const textHash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return { id, chapter, actor, keyword, text, witness, code, reason, textHash };
}

function reportRepeatedIds(clauses: readonly Clause[], problems: SpecProblem[]): void {
  const seen = new Set<string>();
  for (const { id, chapter } of clauses) {
    if (seen.has(id)) problems.push({ file: chapter, line: 0, message: `${id} is there twice` });
    seen.add(id);
  }
}

/** The rows of every table of chapter 19 that begins with a parameter name. */
export function readParameters(markdown: string): Parameter[] {
  const parameters: Parameter[] = [];
  let header: string[] = [];
  for (const line of markdown.split('\n')) {
    if (!line.startsWith('|')) continue;
    const cells = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    if (cells[0] === 'name') header = cells;
    const name = /^`([a-z_]+\.[a-z_.]+)`$/.exec(cells[0] ?? '')?.[1];
    if (name === undefined || header[0] !== 'name') continue;
    const at = (column: string): string => cells[header.indexOf(column)] ?? '';
    const values = Object.fromEntries(['main', 'tower', 'chat', 'devnet', 'conformance'].map((preset) => [preset, readValue(at(preset))]));
    parameters.push({ name, unit: at('unit'), values, range: at('range'), clause: at('clause'), meaning: at('meaning') });
  }
  return parameters;
}

function readValue(text: string): number | string {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

/** Text of `spec/clauses.json`. */
export function clausesJson(spec: Spec): string {
  return `${JSON.stringify({ revision: spec.revision, clauses: spec.clauses }, null, 1)}\n`;
}

/** Text of `spec/parameters.json`. */
export function parametersJson(spec: Spec): string {
  return `${JSON.stringify({ revision: spec.revision, parameters: spec.parameters }, null, 1)}\n`;
}
