import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { PRESET_NAMES } from './parameter-table.ts';
import { makeParams, PARAMETER_TABLE, type Params, PRESETS, RELATIONS } from './params.ts';

const chapter = readFileSync(new URL('../../spec/19-parameters.md', import.meta.url), 'utf8');

function cellsOf(line: string): readonly string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** The rows of the chapter's parameter tables: name, unit, five values, range, clause, meaning. */
const rows = chapter
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map(cellsOf)
  .filter((cells) => cells.length === 10);

/** The chapter's relations, as code over its names. */
const relationTexts = chapter
  .slice(chapter.indexOf('## Relations'))
  .split('\n')
  .filter((line) => line.startsWith('|') && line.includes('`'))
  .map((line) => cellsOf(line)[0] ?? '');

/** Evaluates `a · n ≥ b · (c + n)` as the chapter writes it: sums of products with comparisons between them. */
function evaluateRelation(text: string, params: Params): boolean {
  const classes = text.includes('<class>') ? ['control', 'consensus', 'sync', 'inventory', 'data'] : [''];
  return classes.every((name) => {
    const plain = text.replace(' for every class', '').replaceAll('<class>', name).replaceAll(',', '').replaceAll('`', '');
    const [first = '', ...rest] = plain.split(/ (≥|≤|<) /);
    let left = evaluateSide(first, params);
    for (let index = 0; index < rest.length; index += 2) {
      const right = evaluateSide(rest[index + 1] ?? '', params);
      const holds = rest[index] === '<' ? left < right : rest[index] === '≥' ? left >= right : left <= right;
      if (!holds) return false;
      left = right;
    }
    return true;
  });
}

function evaluateSide(text: string, params: Params): number {
  const inner = /^(.*)\((.*)\)(.*)$/.exec(text);
  if (inner !== null) return evaluateSide(`${inner[1]}${evaluateSide(inner[2] ?? '', params)}${inner[3]}`, params);
  return text
    .split(' + ')
    .map((term) => term.split(' · ').map((factor) => atomOf(factor.trim(), params)))
    .reduce((sum, factors) => sum + factors.reduce((product, factor) => product * factor, 1), 0);
}

function atomOf(text: string, params: Params): number {
  if (/^-?[0-9.]+$/.test(text)) return Number(text);
  const info = PARAMETER_TABLE.find((row) => row.name === text);
  if (info === undefined) throw new Error(`no parameter ${text}`);
  return Number(params[info.name]);
}

function messageOf(overrides: Readonly<Record<string, string>>): string {
  const result = makeParams('main', overrides);
  expect(result.ok).toBe(false);
  return result.ok ? '' : `${result.code} ${result.message}`;
}

describe('the table of chapter 19', () => {
  test('has the same names in the same order here', () => {
    expect(rows.length).toBeGreaterThan(50);
    expect(PARAMETER_TABLE.map((row) => `\`${row.name}\``)).toEqual(rows.map((cells) => cells[0]));
  });

  test.each(rows)('%s has the same unit, values, range, clause and meaning here', (...cells) => {
    const info = PARAMETER_TABLE.find((row) => `\`${row.name}\`` === cells[0]);
    if (info === undefined) throw new Error('not in the table');
    expect(info.unit).toBe(cells[1]);
    expect(PRESET_NAMES.map((preset) => String(info.values[preset]))).toEqual(cells.slice(2, 7));
    const [least, most] = info.range ?? [];
    expect(info.range === undefined ? '-' : least === most ? `${least}` : `${least}-${most}`).toBe(cells[7]);
    expect([info.clause, info.meaning]).toEqual(cells.slice(8));
  });

  test('every preset lies in its ranges and keeps every relation', () => {
    for (const preset of PRESET_NAMES) {
      expect(makeParams(preset)).toEqual({ ok: true, params: PRESETS[preset] });
      for (const { name, range } of PARAMETER_TABLE) {
        const value = Number(PRESETS[preset][name]);
        if (range !== undefined) expect(value >= range[0] && value <= range[1], `${preset} ${name}`).toBe(true);
      }
    }
  });

  test('every relation of the chapter stands here in its order, and none besides', () => {
    const plain = relationTexts.flatMap((text) => {
      const names = text.includes('<class>') ? ['control', 'consensus', 'sync', 'inventory', 'data'] : [''];
      return names.map((name) => text.replace(' for every class', '').replaceAll('<class>', name).replaceAll('`', '').replaceAll(',', ''));
    });
    expect(RELATIONS.map((relation) => relation.text)).toEqual(plain);
  });

  test('every relation decides as the chapter does, on both sides of its edge', () => {
    let broken = 0;
    for (const info of PARAMETER_TABLE) {
      if (info.range === undefined) continue;
      for (const value of [info.range[0], info.range[1]]) {
        const params = { ...PRESETS.conformance, [info.name]: value };
        const byChapter = relationTexts.every((text) => evaluateRelation(text, params));
        const here = makeParams('conformance', { [info.name]: String(value) });
        expect(here.ok, `${info.name} = ${value}`).toBe(byChapter);
        if (!byChapter) broken += 1;
      }
    }
    expect(broken).toBeGreaterThan(8);
  });
});

describe('PRM-001', () => {
  test('a value within its range replaces the preset’s, and no other changes', () => {
    const result = makeParams('main', { 'session.ping_interval_ms': '1000', 'gossip.mode': 'off', 'score.first_weight': '0.25' });
    expect(result).toEqual({
      ok: true,
      params: { ...PRESETS.main, 'session.ping_interval_ms': 1000, 'gossip.mode': 'off', 'score.first_weight': 0.25 },
    });
  });

  test('an unknown name is refused, with a name that may be meant', () => {
    expect(messageOf({ 'session.ping_interval': '1000' })).toBe(
      'E_CONFIG expected a parameter name of chapter 19; found "session.ping_interval"; did you mean session.ping_interval_ms?',
    );
    expect(messageOf({ ping_interval_ms: '1000' })).toContain('did you mean session.ping_interval_ms?');
    expect(messageOf({ nonsense: '1' })).toContain('spec/19-parameters.md');
    expect(messageOf({ toString: '1' })).toContain('found "toString"');
  });

  test('a value outside its range, not whole, or not a number is refused', () => {
    expect(messageOf({ 'session.ping_interval_ms': '999' })).toBe(
      'E_CONFIG expected session.ping_interval_ms to be a whole number from 1000 to 600000 (ms); found "999"; set it within that, or leave it out for 15000',
    );
    for (const text of ['600001', '1000.5', '', ' 1000', '1e3', '0x400', 'NaN', '-1000', '1_000', '+1000']) {
      expect(messageOf({ 'session.ping_interval_ms': text })).toContain(`found ${JSON.stringify(text)}`);
    }
    expect(messageOf({ 'identity.context_bytes_max': '65' })).toContain('the number 64, which is fixed');
    expect(messageOf({ 'clock.future_ms_max': '-0' })).toContain('found "-0"');
    expect(messageOf({ 'score.first_decay': '1.1' })).toContain('a number from 0 to 1 (factor)');
    expect(messageOf({ 'gossip.mode': 'on' })).toContain('one of off, alongside, only');
  });

  test('a broken relation is refused, with the values that break it', () => {
    expect(messageOf({ 'gossip.seen_ttl_ms': '60499' })).toBe(
      'E_CONFIG expected gossip.seen_ttl_ms ≥ clock.past_ms_max + clock.future_ms_max; found gossip.seen_ttl_ms = 60499, ' +
        'clock.past_ms_max = 60000, clock.future_ms_max = 500; change one of them so that the relation holds',
    );
    expect(makeParams('main', { 'gossip.seen_ttl_ms': '60500' }).ok).toBe(true);
    expect(makeParams('main', { 'gossip.seen_ttl_ms': '60000', 'clock.future_ms_max': '0' }).ok).toBe(true);
  });
});
