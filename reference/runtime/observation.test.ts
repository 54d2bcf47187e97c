/** What an operator sees: log, metrics, the HTTP window. */
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type HttpWindow, openHttp } from './http.ts';
import { createLog } from './log.ts';
import { createMetrics, METRICS } from './metrics.ts';
import { VERSION } from './version.ts';

describe('log', () => {
  test('lines are JSON with a level by name and a time', () => {
    const lines: string[] = [];
    const log = createLog('info', { write: (line) => void lines.push(line) });
    log.info({ peer: 'crl1x' }, 'session open');
    log.debug('too much');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'info', peer: 'crl1x', msg: 'session open' });
  });

  test('SES-025 secrets that are handed over by mistake are not written', () => {
    const lines: string[] = [];
    const log = createLog('trace', { write: (line) => void lines.push(line) });
    log.info({ seed: 'tell-tale', config: { identitySeed: 'tell-tale', key: 'tell-tale', node: { secret: 'tell-tale' } } }, 'start');
    expect(lines.join('')).not.toContain('tell-tale');
    expect(lines.join('')).toContain('[secret]');
  });

  test('silent is silent', () => {
    const lines: string[] = [];
    createLog('silent', { write: (line) => void lines.push(line) }).fatal('x');
    expect(lines).toEqual([]);
  });
});

describe('metrics', () => {
  test('names begin with carillon_, counters end in _total, and no name comes twice', () => {
    const infos = Object.values(METRICS);
    expect(new Set(infos.map((info) => info.name)).size).toBe(infos.length);
    for (const info of infos) {
      expect(info.name).toMatch(/^carillon_[a-z_]+$/);
      expect(info.name.endsWith('_total')).toBe(info.kind === 'counter');
      expect(info.meaning).not.toBe('');
    }
  });

  test('a gauge that is cleared shows what was set since', () => {
    const metrics = createMetrics();
    metrics.set('overlay', 1, ['naive', 'leaf']);
    metrics.clear('overlay');
    metrics.set('overlay', 1, ['kademlia', 'leaf']);
    expect(metrics.text().match(/^carillon_overlay_info.*$/gm)).toEqual(['carillon_overlay_info{strategy="kademlia",role="leaf"} 1']);
  });

  test('the text has help, type, labels and every sample', () => {
    const metrics = createMetrics();
    metrics.add('ended', ['E_RATE']);
    metrics.add('ended', ['E_RATE'], 2);
    metrics.add('ended', ['a"b\\c\nd']);
    metrics.set('sessions', 7);
    metrics.set('sessions', 5);
    metrics.observe('handle', 0.5, ['tick']);
    metrics.observe('handle', 5000, ['tick']);
    const text = metrics.text();
    expect(text).toContain('# TYPE carillon_sessions_ended_total counter\n');
    expect(text).toContain('carillon_sessions_ended_total{code="E_RATE"} 3\n');
    expect(text).toContain('carillon_sessions_ended_total{code="a\\"b\\\\c\\nd"} 1\n');
    expect(text).toContain('\ncarillon_sessions 5\n');
    expect(text).toContain('carillon_handle_seconds_bucket{input="tick",le="0.0001"} 0\n');
    expect(text).toContain('carillon_handle_seconds_bucket{input="tick",le="0.001"} 1\n');
    expect(text).toContain('carillon_handle_seconds_bucket{input="tick",le="1"} 1\n');
    expect(text).toContain('carillon_handle_seconds_bucket{input="tick",le="+Inf"} 2\n');
    expect(text).toContain('carillon_handle_seconds_sum{input="tick"} 5.0005\n');
    expect(text).toContain('carillon_handle_seconds_count{input="tick"} 2\n');
    expect(text).toContain('\ncarillon_delivered_total 0\n');
    expect(text.endsWith('\n')).toBe(true);
    expect(metrics.get('ended', ['E_RATE'])).toBe(3);
  });
});

describe('the HTTP window', () => {
  let http: HttpWindow | undefined;
  let isHealthy = true;
  afterEach(() => http?.close());

  async function open(): Promise<string> {
    isHealthy = true;
    http = await openHttp(
      { host: '127.0.0.1', port: 0 },
      {
        health: async () => ({ isHealthy, detail: { status: isHealthy ? 'ok' : 'stopping' } }),
        metricsText: () => 'carillon_sessions 1\n',
        peers: async () => [{ peer: 'crl1x' }],
      },
    );
    return http.url;
  }

  test('shows health, metrics and peers', async () => {
    const url = await open();
    const health = await fetch(`${url}/health`);
    expect([health.status, await health.json()]).toEqual([200, { status: 'ok' }]);
    isHealthy = false;
    expect((await fetch(`${url}/health`)).status).toBe(503);
    const metrics = await fetch(`${url}/metrics`);
    expect([metrics.headers.get('content-type'), await metrics.text()]).toEqual([
      'text/plain; version=0.0.4; charset=utf-8',
      'carillon_sessions 1\n',
    ]);
    expect(await (await fetch(`${url}/peers?x=1`)).json()).toEqual({ peers: [{ peer: 'crl1x' }] });
    const head = await fetch(`${url}/peers`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  test('has nothing else', async () => {
    const url = await open();
    expect((await fetch(`${url}/`)).status).toBe(404);
    expect((await fetch(`${url}/peers`, { method: 'POST' })).status).toBe(405);
  });

  test('does not answer a page that reaches loopback under another name', async () => {
    const url = new URL(await open());
    const status = (host: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        request({ host: '127.0.0.1', port: url.port, path: '/peers', headers: { Host: host } }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end();
      });
    expect(await status('rebound.example.org')).toBe(403);
    expect(await status('127.0.0.1.example.org')).toBe(403);
    expect(await status('localhost:1')).toBe(200);
    expect(await status('[::1]:1')).toBe(200);
  });
});

test('the version is that of the package', () => {
  const manifest: unknown = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
  expect(manifest).toMatchObject({ version: VERSION });
});
