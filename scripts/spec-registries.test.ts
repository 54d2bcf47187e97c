/** Chapter 19 holds the registries of metrics and configuration keys; the reference keeps to them. Chapter 03 holds the kinds. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { FRAMES } from '../conformance/model/frame.ts';
import { CONFIG_KEYS } from '../reference/runtime/config-schema.ts';
import { METRICS } from '../reference/runtime/metrics.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const parameters = read('spec/19-parameters.md');

function cellsOf(line: string): readonly string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll('`', ''));
}

function tableIn(markdown: string, section: string): readonly (readonly string[])[] {
  const from = markdown.indexOf(`\n## ${section}\n`);
  const to = markdown.indexOf('\n## ', from + 1);
  const lines = markdown.slice(from, to === -1 ? undefined : to).split('\n');
  return lines
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map(cellsOf);
}

describe('registries', () => {
  test('every metric of the node is in chapter 19, and no other', () => {
    const described = tableIn(parameters, 'Metrics').map(([type = '', name = '', labels = '', , meaning = '']) => ({
      name,
      kind: type,
      labels: labels === '–' ? [] : labels.split(', '),
      meaning,
    }));
    expect(described).toEqual(
      Object.values(METRICS).map(({ name, kind, labels, meaning }) => ({ name, kind, labels: [...labels], meaning })),
    );
  });

  test('every configuration key of the node is in chapter 19, and no other', () => {
    const described = tableIn(parameters, 'Configuration keys').map(([table = '', key = '']) => {
      if (table === 'top level') return key;
      if (table === '[parameters]') return 'parameters';
      const list = /^\[\[(\w+)\]\]$/.exec(table)?.[1];
      return list === undefined ? `${table.slice(1, -1)}.${key}` : `${list}[].${key}`;
    });
    expect([...described].sort()).toEqual([...CONFIG_KEYS].sort());
  });

  test('the defaults of chapter 19 are those of the example file', () => {
    const example = parse(read('reference/runtime/carillon.example.toml')) as Record<string, Record<string, unknown>>;
    const defaults = tableIn(parameters, 'Configuration keys').filter(([table = '']) => /^\[(?:listen|http|bootstrap|log)\]$/.test(table));
    expect(defaults.length).toBe(11);
    for (const [table = '', key = '', , value = ''] of defaults) {
      expect([table, key, example[table.slice(1, -1)]?.[key]]).toEqual([table, key, JSON.parse(value)]);
    }
  });

  test('chapter 03 and the model have the same kinds with the same rules', () => {
    const rows = tableIn(read('spec/03-wire.md'), 'Frames').map(
      ([kind = '', name = '', frameClass = '', size = '', request = '', needs = '', , datagram = '–']) => ({
        kind: Number(kind),
        name,
        class: frameClass,
        lengthMax: Number(size.replaceAll(',', '')),
        requestId: request.split(',')[0],
        answeredBy: /answered by (\d+)/.exec(request)?.[1],
        needs: needs === '–' ? undefined : needs,
        datagram: datagram === '–' ? undefined : datagram,
      }),
    );
    const known = FRAMES.map((frame) => ({ ...frame, answeredBy: frame.answeredBy === undefined ? undefined : String(frame.answeredBy) }));
    expect(rows).toEqual(known);
  });
});
