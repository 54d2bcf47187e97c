import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeUtf8 } from '../../core/bytes.ts';
import { defineConfig } from '../config.ts';
import { startNode } from '../node-host.ts';

const ROOT = join(import.meta.dirname, '../../..');

const MAIN = join(ROOT, 'bin/carillon.ts');

let directory: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'carillon-commands-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

interface Run {
  readonly child: ChildProcess;
  readonly output: { out: string; err: string };
  readonly exit: Promise<number | null>;
  line(): Promise<string>;
}

function run(...args: string[]): Run {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  const output = { out: '', err: '' };
  const first = Promise.withResolvers<string>();
  child.stdout?.on('data', (piece: Buffer) => {
    output.out += piece.toString();
    const [line, ...rest] = output.out.split('\n');
    if (rest.length > 0) first.resolve(line ?? '');
  });
  child.stderr?.on('data', (piece: Buffer) => {
    output.err += piece.toString();
  });
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
  void exit.then(() => first.reject(new Error(`it ended: ${output.err}`)));
  first.promise.catch(() => undefined);
  return { child, output, exit, line: () => first.promise };
}

describe('carillon keygen', () => {
  test('makes a key and prints whose it is, and replaces nothing', async () => {
    const file = join(directory, 'node.key');
    const made = run('keygen', file);
    expect(await made.exit).toBe(0);
    expect(made.output.out).toMatch(/^crl1[a-z0-9]+\n$/);
    const before = readFileSync(file, 'utf8');
    const again = run('keygen', file);
    expect(await again.exit).toBe(2);
    expect(again.output.err).toMatch(/^\[E_KEY_FILE\] [^\n]+\n$/);
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect(made.output.out + made.output.err + again.output.err).not.toContain(before.trim());
  });
});

describe('carillon node', () => {
  function prepare(): { readonly network: string; readonly key: string } {
    const network = join(directory, 'network.toml');
    const key = join(directory, 'node.key');
    writeFileSync(network, 'network_id = "prepared"\npreset = "conformance"\n');
    writeFileSync(key, 'ab'.repeat(32), { mode: 0o600 });
    return { network, key };
  }

  test('runs with the files that conform --prepare writes, says where, and ends with 0 on SIGTERM', async () => {
    const { network, key } = prepare();
    const node = run('node', '--network-file', network, '--key', key, '--listen', '127.0.0.1:0', '--log-level', 'info');
    const ready = await node.line();
    const [, url, peerId] = /^ready url=(ws:\/\/127\.0\.0\.1:\d+) peer_id=(crl1[a-z0-9]+)$/.exec(ready) ?? [];
    if (url === undefined || peerId === undefined) throw new Error(ready);
    const peer = await startNode(defineConfig({ networkId: 'prepared', preset: 'conformance' }));
    const established = new Promise<void>((resolve) => peer.on('established', () => resolve()));
    peer.connect(url);
    await established;
    await peer.publish('app/chat', encodeUtf8('x'));
    const ended = new Promise<string | undefined>((resolve) => peer.on('sessionEnded', ({ code }) => resolve(code)));
    node.child.kill('SIGTERM');
    expect(await node.exit).toBe(0);
    expect(await ended).toBe('E_SHUTDOWN');
    await peer.stop();
    expect(node.output.out).toBe(`${ready}\n`);
    expect(node.output.err).toContain('"session open"');
    expect(node.output.err).not.toContain('abababab');
  });

  test('CNV-002 runs with a patch by the same hook as the adapter', async () => {
    const { network, key } = prepare();
    const hook = join(ROOT, 'reference/adapter/patch-hook.ts');
    const patch = join(ROOT, 'reference/adapter/mutants/uvarint-non-minimal.toml');
    const script = join(directory, 'print.mjs');
    writeFileSync(
      script,
      `import { readUvarint } from '${ROOT}/reference/core/wire/uvarint.ts';\nconsole.log(readUvarint(Uint8Array.of(0x80, 0), 0)?.next);\n`,
    );
    const patched = spawn(process.execPath, ['--import', hook, script], {
      env: { ...process.env, CARILLON_PATCH: patch },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(patched);
    let out = '';
    patched.stdout?.on('data', (piece: Buffer) => {
      out += piece.toString();
    });
    await new Promise((resolve) => patched.once('close', resolve));
    expect(out).toBe('2\n');
    const node = spawn(
      process.execPath,
      ['--import', hook, MAIN, 'node', '--network-file', network, '--key', key, '--listen', '127.0.0.1:0', '--log-level', 'silent'],
      {
        env: { ...process.env, CARILLON_PATCH: patch },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    children.push(node);
    const line = await new Promise<string>((resolve) => node.stdout?.once('data', (piece: Buffer) => resolve(piece.toString())));
    expect(line).toMatch(/^ready url=/);
    node.kill('SIGINT');
    expect(await new Promise((resolve) => node.once('close', resolve))).toBe(0);
  });

  test('a flag, a configuration and a key that are wrong end with 2, a code and a way out', async () => {
    const { network, key } = prepare();
    const flag = run('node', '--network-file', network, '--key', key, '--listen', 'nowhere');
    expect(await flag.exit).toBe(2);
    expect(flag.output.err).toMatch(/^\[E_USAGE\] --listen: expected HOST:PORT/);
    const config = run('node', '--network-file', network, '--key', key, '--preset', 'nope');
    expect(await config.exit).toBe(2);
    expect(config.output.err).toMatch(/^\[E_CONFIG\] --preset: preset: expected one of /);
    chmodSync(key, 0o644);
    const open = run('node', '--network-file', network, '--key', key, '--listen', '127.0.0.1:0');
    expect(await open.exit).toBe(2);
    expect(open.output.err).toMatch(/^\[E_KEY_FILE\] .*mode 0644; close it to others with: chmod 600/);
    for (const { output } of [flag, config, open]) expect(output.out).toBe('');
  });

  test('a port in use ends with 2 and says so', async () => {
    const { network, key } = prepare();
    const first = run('node', '--network-file', network, '--key', key, '--listen', '127.0.0.1:0', '--log-level', 'silent');
    const port = /:(\d+) /.exec(await first.line())?.[1];
    const second = run('node', '--network-file', network, '--key', key, '--listen', `127.0.0.1:${port}`, '--log-level', 'silent');
    expect(await second.exit).toBe(2);
    expect(second.output.err).toMatch(/^\[E_CONFIG\] 127\.0\.0\.1:\d+: expected a free port; found another process/);
    first.child.kill('SIGINT');
    expect(await first.exit).toBe(0);
  });
});

describe('carillon devnet', () => {
  test('its nodes find each other from one address', async () => {
    const devnet = run('devnet', '--nodes', '4', '--once', '--json');
    expect(await devnet.exit).toBe(0);
    const report = JSON.parse(devnet.output.out) as { complete: boolean; nodes: { known: number; url: string }[] };
    expect(report.complete).toBe(true);
    expect(report.nodes.map(({ known }) => known)).toEqual([3, 3, 3, 3]);
    expect(new Set(report.nodes.map(({ url }) => url)).size).toBe(4);
  });

  test('over two processes, with a table, until it is stopped; and peers shows what a node has', async () => {
    const devnet = run('devnet', '--nodes', '4', '--processes', '2', '--http-base-port', '0');
    const head = await devnet.line();
    expect(head).toMatch(/^node +url +http +peer +sessions +known +knows all after$/);
    const http = /http:\/\/127\.0\.0\.1:\d+/.exec(devnet.output.out)?.[0] ?? '';
    const [peers, json] = [run('peers', '--http', http), run('peers', '--http', http, '--json')];
    expect([await peers.exit, await json.exit, peers.output.err]).toEqual([0, 0, '']);
    expect(peers.output.out).toMatch(
      /^peer +address +dir +role +region +rtt ms +score +topology +health +table +record\ncrl1[a-z0-9]{50,} /,
    );
    const rows = (JSON.parse(json.output.out) as { peers: Record<string, unknown>[] }).peers;
    expect(Object.keys(rows[0] ?? {})).toEqual(
      expect.arrayContaining([
        'peer',
        'address',
        'direction',
        'capabilities',
        'role',
        'region',
        'rttMs',
        'score',
        'topology',
        'inTable',
        'hasRecord',
      ]),
    );
    const health = (await (await fetch(`${http}/health`)).json()) as Record<string, unknown>;
    expect(health).toMatchObject({ status: 'ok', known_peers: 3, overlay: { role: expect.any(String) }, mempool: { transactions: 0 } });
    devnet.child.kill('SIGINT');
    expect(await devnet.exit).toBe(0);
  });

  test('a taken port, and ports beyond the last', async () => {
    const beyond = run('devnet', '--nodes', '20', '--base-port', '65530');
    const holder = run('devnet', '--nodes', '2', '--http-base-port', '0', '--json');
    const { nodes } = JSON.parse(await holder.line()) as { nodes: { url: string }[] };
    const port = nodes[0]?.url.split(':').at(-1) ?? '';
    const taken = run('devnet', '--nodes', '2', '--base-port', port);
    expect([await beyond.exit, await taken.exit]).toEqual([2, 2]);
    expect(beyond.output.err).toMatch(/^\[E_USAGE\] --base-port: expected a port of at most 65516, [^\n]+\n$/);
    expect(taken.output.err).toMatch(/^\[E_CONFIG\] 127\.0\.0\.1:\d+: expected a free port; [^\n]+\n$/);
  });
});

describe('carillon peers', () => {
  test('says why there is nothing to show', async () => {
    const port = await new Promise<number>((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => {
        const address = server.address();
        server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0));
      });
    });
    const runs = [run('peers', '--http', `127.0.0.1:${port}`), run('peers', '--http', 'ftp://x'), run('peers')];
    expect(await Promise.all(runs.map((each) => each.exit))).toEqual([3, 2, 2]);
    expect(runs[0]?.output.err).toMatch(/^\[E_UNREACHABLE\] http:\/\/127\.0\.0\.1:\d+\/peers: expected a node [^\n]*ECONNREFUSED[^\n]*\n$/);
    expect(runs[1]?.output.err).toMatch(/^\[E_USAGE\] --http: expected http:\/\/HOST:PORT; [^\n]+\n$/);
  });
});
