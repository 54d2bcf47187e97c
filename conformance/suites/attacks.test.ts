import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { suites } from './index.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const section = readme.slice(readme.indexOf('\n## Attacks'), readme.indexOf('\n## Rooms'));
const rows = section.split('\n').flatMap((line) => {
  const [, attack, where] = /^\| ([^|]+) \| (.+) \|$/.exec(line) ?? [];
  return attack === undefined || where === undefined || attack === 'attack'
    ? []
    : [{ attack, where, ids: where.match(/`[a-z0-9.-]+`/g)?.map((id) => id.slice(1, -1)) ?? [] }];
});
const checks = suites.flatMap((suite) => suite.checks);

test('the table of attacks names checks that exist, or gives a reason', () => {
  const known = new Set(checks.map(({ id }) => id));
  expect(rows.length).toBeGreaterThan(40);
  expect(rows.flatMap(({ ids }) => ids.filter((id) => !known.has(id)))).toEqual([]);
  expect(rows.filter(({ where, ids }) => ids.length === 0 && where.length < 20)).toEqual([]);
});

test('an attack that a check of chapters 01 to 04 names has a row, which names the check', () => {
  const missing = checks
    .filter(({ id }) => /^(conventions|identity|wire|session)\./.test(id))
    .flatMap(({ id, attacks = [] }) =>
      attacks.filter((attack) => !rows.some((row) => row.attack === attack && row.ids.includes(id))).map((attack) => `${attack}: ${id}`),
    );
  expect(missing).toEqual([]);
});
