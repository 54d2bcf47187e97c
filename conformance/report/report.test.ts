import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { mergeResults } from './merge.ts';
import { groupLines, readResults } from './read.ts';
import { checkLine, resultLines } from './report.fixture.ts';
import { renderReport } from './write.ts';

/** The part of playwright-core that is used: its own types need the DOM's, which nothing else here does. */
interface Locator {
  first(): Locator;
  locator(selector: string): Locator;
  click(): Promise<void>;
  fill(text: string): Promise<void>;
  count(): Promise<number>;
  textContent(): Promise<string | null>;
}
interface Page {
  on(event: 'console', listener: (message: { type(): string; text(): string }) => void): void;
  on(event: 'pageerror', listener: (error: Error) => void): void;
  goto(url: string): Promise<unknown>;
  locator(selector: string): Locator;
}
interface Browser {
  newPage(): Promise<Page>;
  close(): Promise<void>;
}
const { chromium } = createRequire(import.meta.url)('playwright-core') as {
  chromium: { launch(options: { executablePath: string; args: string[] }): Promise<Browser> };
};

const clauses = [
  { id: 'GSP-040', chapter: '05', actor: 'node', text: 'A node MUST push <at once>.' },
  { id: 'GSP-041', chapter: '05', actor: 'node', text: 'A node MUST NOT echo.' },
  { id: 'GSP-042', chapter: '05', actor: 'node', text: 'Nothing checks this.' },
];
const html = renderReport('html', resultLines(), clauses);
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));
const hasXmllint = spawnSync('xmllint', ['--version']).error === undefined;

describe('the HTML report', () => {
  test('stands alone: no outside resource, and no text of a node becomes markup', () => {
    expect(html).not.toMatch(/(?:src|href)="(?!#|data:)/);
    expect(html).not.toMatch(/https?:\/\//);
    expect(html).not.toContain('<script>alert');
    expect(html.match(/<script>/g)).toHaveLength(1);
  });

  test('shows chapters in order and every verdict by its name', () => {
    expect([...html.matchAll(/<td>chapter (\d\d)<\/td>/g)].map((match) => match[1])).toEqual(['01', '05', '19']);
    for (const label of ['failed', 'variant', 'untestable', 'inconclusive', 'crashed', 'harness error', 'not applicable'])
      expect(html).toContain(`>${label}</span>`);
  });

  test.skipIf(CHROMIUM === undefined)(
    'opens from a disk without a console error, and leads from a failure to its replay line (skipped where Chromium is not installed)',
    async () => {
      const directory = mkdtempSync(join(tmpdir(), 'carillon-report-'));
      const browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args: ['--no-sandbox'] });
      try {
        writeFileSync(join(directory, 'report.html'), html);
        const page = await browser.newPage();
        const errors: string[] = [];
        page.on('console', (message) => {
          if (message.type() === 'error') errors.push(message.text());
        });
        page.on('pageerror', (error) => errors.push(String(error)));
        await page.goto(pathToFileURL(join(directory, 'report.html')).href);
        await page.locator('#failures + table a').first().click();
        const section = page.locator('details:target');
        for (const text of ['Expected', 'Observed', 'Stimulus', 'Replay', 'carillon -- replay'])
          expect(await section.textContent()).toContain(text);
        expect(await section.locator('svg.sequence').count()).toBe(1);
        await page.locator('#filter').fill('gossip.variant');
        expect(await page.locator('details.check:visible').count()).toBe(1);
        expect(errors).toEqual([]);
      } finally {
        await browser.close();
        rmSync(directory, { recursive: true, force: true });
      }
    },
  );
});

describe('the JUnit report', () => {
  const xml = renderReport('junit', resultLines(), clauses);

  test('counts failures, errors and skips as it lists them', () => {
    expect(xml.match(/<failure /g)).toHaveLength(3);
    expect(xml.match(/<error /g)).toHaveLength(2);
    expect(xml.match(/<skipped /g)).toHaveLength(1);
    expect(xml).toContain('tests="9" failures="3" errors="2"');
    expect(xml).not.toContain('\u0007');
  });

  test.skipIf(!hasXmllint)('is valid by its schema (skipped where xmllint is not installed)', () => {
    const checked = spawnSync('xmllint', ['--noout', '--schema', join(import.meta.dirname, 'junit.xsd'), '-'], {
      input: xml,
      encoding: 'utf8',
    });
    expect(checked.stderr).toContain('- validates');
    expect(checked.status).toBe(0);
  });
});

describe('the Markdown summary', () => {
  test('lists what needs attention with its replay line', () => {
    const markdown = renderReport('markdown', resultLines(), clauses);
    expect(markdown).toContain('| failed | GSP-040 | `gossip.failed` (adapter) |');
    expect(markdown).toContain('carillon -- replay reports/conform/traces/x.jsonl');
  });
});

describe('merging shards', () => {
  const passed = checkLine('gossip.a', 'passed');
  const failed = checkLine('gossip.b', 'failed');

  test('puts the checks of all shards together and keeps the worse of two verdicts', () => {
    const first = groupLines(resultLines([passed, checkLine('gossip.b', 'passed')], '1/2'));
    const second = groupLines(resultLines([failed], '2/2'));
    const merged = groupLines(mergeResults([first, second]));
    expect(merged.checks.map(({ id, verdict }) => `${id} ${verdict}`)).toEqual(['gossip.a passed', 'gossip.b failed']);
    expect(merged.end.summary).toMatchObject({ checks: 2, passed: 1, failed: 1 });
    expect(merged.end.exitCode).toBe(1);
    expect(merged.run.filters).toEqual({});
  });

  test('refuses results of different targets', () => {
    const [run, ...rest] = resultLines([passed]);
    if (run?.type !== 'run') throw new Error('a run line comes first');
    const other = groupLines([{ ...run, target: { ...run.target, version: '2' } }, ...rest]);
    expect(() => mergeResults([groupLines(resultLines([passed])), other])).toThrow(/target/);
  });

  test('refuses a file that was cut short', () => {
    const text = resultLines([passed])
      .slice(0, -1)
      .map((line) => JSON.stringify(line))
      .join('\n');
    expect(() => readResults(text, 'shard.jsonl')).toThrow(/shard.jsonl is not a result file.*cut short/);
  });
});
