import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('carillon.ts', import.meta.url));
const RUN_MS_MAX = 50_000;
const directory = mkdtempSync(join(tmpdir(), 'carillon-cli-'));
const bare = mkdtempSync(join(directory, 'bare-'));
afterAll(() => rmSync(directory, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function carillon(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], { cwd: directory, env: { ...process.env, ...env }, timeout: RUN_MS_MAX });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
}

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

/** An error line: one line, with code and four parts. */
const ERROR_LINE = /^\[E_[A-Z_]+\] [^\n]+\n$/;

describe('help and version', () => {
  test('are shown on standard output, exit code 0', async () => {
    const [help, version, ofConform] = await Promise.all([carillon(['--help']), carillon(['--version']), carillon(['help', 'conform'])]);
    expect(help).toMatchObject({ code: 0, err: '' });
    for (const command of [
      'conform',
      'doctor',
      'replay',
      'vectors',
      'clauses',
      'report',
      'mutants',
      'node',
      'devnet',
      'peers',
      'sim',
      'keygen',
    ])
      expect(help.out).toContain(`  ${command} `);
    expect(version.out).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(ofConform.out).toContain('--write-baseline');
  });

  test('no command at all is a usage error that shows the help', async () => {
    const { code, err } = await carillon([]);
    expect(code).toBe(2);
    expect(err).toContain('Commands:');
  });
});

describe.concurrent('usage and file errors: exit code 2, one line, no stack trace', () => {
  const wrong: readonly (readonly [name: string, args: readonly string[], line: RegExp])[] = [
    ['an unknown command', ['confrom'], /unknown command.*did you mean conform\?/],
    ['an unknown flag', ['conform', '--sed', '7'], /unknown option '--sed'.*did you mean --seed\?/],
    ['a flag without its value', ['conform', '--seed'], /argument missing.*see carillon conform --help/],
    ['a number out of range', ['conform', '--jobs', '0'], /--jobs <count> is not usable; expected an integer from 1 to 64; found "0"/],
    ['a level that does not exist', ['conform', '--level', 'wrie'], /--level is not usable/],
    ['a shard that does not exist', ['conform', '--shard', '3/2'], /--shard is not usable/],
    ['a format that does not exist', ['conform', '--format', 'htlm'], /did you mean html\?/],
    ['a class that does not exist', ['conform', '--class', 'light'], /--class is not usable; expected app, full, validator/],
    ['a shard before the first', ['conform', '--shard', '0/3'], /--shard is not usable/],
    ['no time at all', ['conform', '--time-limit', '0'], /--time-limit <seconds> is not usable/],
    ['a seed that cannot be repeated', ['conform', '--seed', 'a b'], /--seed is not usable/],
    ['a check that does not exist', ['conform', '--list', '--only', 'no.such.check'], /--only names nothing/],
    ['two adapters', ['conform', '--adapter', 'tcp://127.0.0.1:1', '--exec', 'true'], /--adapter and --exec are both given/],
    ['a URL without prepared files', ['conform', '--url', 'ws://127.0.0.1:1'], /--url stands alone/],
    ['an address without its scheme', ['doctor', '--adapter', '127.0.0.1:9000'], /--adapter is not usable; expected tcp:\/\/HOST:PORT/],
    ['a port that does not exist', ['conform', '--adapter', 'tcp://127.0.0.1:99999'], /--adapter is not usable/],
    ['no command line', ['conform', '--exec', ''], /--exec is not usable/],
    ['a URL of another scheme', ['conform', '--url', 'http://127.0.0.1:1', '--prepared', '.'], /--url is not usable/],
    ['prepared files without a URL', ['doctor', '--prepared', '.'], /--prepared stands alone/],
    ['a level without a target', ['conform', '--exec', 'true', '--level', 'wire'], /there is no target for level wire/],
    ['a baseline of a narrowed run', ['conform', '--only', '*', '--write-baseline', 'b.toml'], /--write-baseline needs a full run/],
    ['a baseline that does not exist', ['conform', '--baseline', 'none.toml'], /^\[E_FILE\].*none\.toml/],
    ['a prepared directory that is empty', ['conform', '--url', 'ws://127.0.0.1:1', '--prepared', '.'], /^\[E_FILE\]/],
    ['a trace that does not exist', ['replay', 'none.jsonl'], /^\[E_FILE\].*none\.jsonl/],
    ['no trace', ['replay'], /missing required argument 'file'; expected the argument; found nothing;/],
    ['too many arguments', ['replay', 'a', 'b'], /too many arguments.*found a, b;/],
    ['a node without a network', ['node'], /^\[E_CONFIG\] flags: network_id: expected /],
    ['a scenario that does not exist', ['sim', 'gossip.sprad'], /expected list or a name [^\n]*did you mean gossip\.spread\?/],
    ['a scenario with a parameter of another', ['sim', 'gossip.spread', '--set', 'moons=2'], /expected one of nodes, links/],
    ['a scenario out of its range', ['sim', 'gossip.spread', '--nodes', '1'], /expected a number from 2 to 10000; found 1/],
    ['a parameter without a number', ['sim', 'gossip.spread', '--set', 'nodes=many'], /--set <name=number> is not usable/],
    ['no scenario', ['sim'], /missing required argument/],
    ['a devnet of one', ['devnet', '--nodes', '1'], /--nodes <count> is not usable; expected an integer from 2 to 500/],
    ['a devnet of no preset', ['devnet', '--preset', 'mian'], /--preset <name> is not usable/],
    ['peers of nobody', ['peers'], /required option '--http <url>' not specified/],
    ['a node at a wrong address', ['node', '--listen', 'nowhere'], /^\[E_USAGE\] --listen: expected HOST:PORT/],
    ['a key where a file is', ['keygen', '.'], /^\[E_KEY_FILE\] /],
    ['an empty list of checks', ['conform', '--only', ','], /--only names nothing/],
    ['flags that leave nothing', ['conform', '--only', 'gossip.prune.expires', '--level', 'vectors'], /no check is selected/],
    ['a baseline that is a directory', ['conform', '--baseline', '.'], /^\[E_FILE\] \. cannot be read/],
    ['a directory in the place of a new baseline', ['conform', '--write-baseline', '.'], /^\[E_FILE\] \. cannot be written/],
    ['results where no directory can be', ['conform', '--report-dir', '/dev/null/x'], /^\[E_FILE\].*cannot hold results/],
    ['help for no command', ['help', 'confrom'], /unknown command 'confrom'/],
    ['a report of no result file', ['report', 'render', 'none.jsonl'], /^\[E_FILE\] none\.jsonl cannot be read/],
    ['a report of no known form', ['report', 'render', 'x', '--format', 'pdf'], /expected html, junit, markdown; found "pdf"/],
    ['a catalogue without mutants', ['mutants', '--catalogue', bare], /there is no patch to run/],
    ['doctor for a socket', ['doctor', '--url', 'ws://127.0.0.1:1', '--prepared', '.'], /doctor examines adapters/],
    ['a mutant that does not exist', ['mutants', '--only', 'no-such-mutant'], /--only names nothing/],
    ['a catalogue that does not exist', ['mutants', '--catalogue', 'none'], /^\[E_FILE\]/],
  ];
  test.each(wrong)('%s', async (_, args, line) => {
    const { code, out, err } = await carillon(args);
    expect(err).toMatch(ERROR_LINE);
    expect(err).toMatch(line);
    expect({ code, out }).toEqual({ code: 2, out: '' });
  });

  test('result lines of another form', async () => {
    for (const [name, text] of Object.entries({
      'null.jsonl': 'null\n',
      'thin.jsonl': '{"type":"run","schema":1}\n',
      'bytes.jsonl': '\x00\x1b[31m',
    })) {
      const { code, err } = await carillon(['report', 'render', file(name, text)]);
      expect({ code, err }).toEqual({
        code: 2,
        err: expect.stringMatching(/^\[E_FILE\] [^\n]+ is not a result file; [^\n]*line 1[^\n]*\n$/),
      });
    }
  });

  test('a malformed baseline, and a malformed trace', async () => {
    const baseline = file('bad.toml', '[[expected]]\ncheck = "no.such"\nreason = "x"\nlink = "https://example.org"\n');
    const trace = file('bad.jsonl', '{"type":"result"}\n');
    const [ofBaseline, ofTrace] = await Promise.all([carillon(['conform', '--baseline', baseline]), carillon(['replay', trace])]);
    expect(ofBaseline).toMatchObject({ code: 2, err: expect.stringMatching(/^\[E_BASELINE\] .*\n$/) });
    expect(ofTrace).toMatchObject({ code: 2, err: expect.stringMatching(/^\[E_TRACE\] .*line 1.*\n$/) });
  });

  test('a stack trace comes with CARILLON_DEBUG=1', async () => {
    expect((await carillon(['conform', '--level', 'x'], { CARILLON_DEBUG: '1' })).err).toContain('\n    at ');
  });
});

describe('targets', () => {
  test('that cannot be reached or do not start: exit code 3', async () => {
    const runs = await Promise.all([
      carillon(['conform', '--adapter', 'tcp://127.0.0.1:1', '--level', 'vectors']),
      carillon(['doctor', '--adapter', 'unix:none.sock']),
      carillon(['conform', '--exec', 'exit 9', '--level', 'vectors']),
    ]);
    for (const run of runs) expect(run).toMatchObject({ code: 3, out: '', err: expect.stringMatching(/^\[E_UNREACHABLE\] [^\n]+\n$/) });
    expect(runs[2]?.err).toContain('exit code 9');
  });

  test('that do not answer Hello, or are no node: exit code 3', async () => {
    const server = createHttpServer((_, response) => response.end('hello'));
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    try {
      const prepared = join(directory, 'web');
      await carillon(['conform', '--prepare', prepared]);
      const leaving = `${process.execPath} -e "require('net').connect(process.env.CARILLON_ADAPTER.split(':')[2]).once('data', () => process.exit(9))"`;
      const [web, exit] = await Promise.all([
        carillon(['conform', '--url', `ws://127.0.0.1:${port}`, '--prepared', prepared]),
        carillon(['conform', '--exec', leaving]),
      ]);
      expect(web).toMatchObject({
        code: 3,
        out: '',
        err: expect.stringMatching(/^\[E_UNREACHABLE\] cannot reach the node[^\n]+200[^\n]+\n$/),
      });
      expect(exit).toMatchObject({
        code: 3,
        out: '',
        err: expect.stringMatching(/^\[E_UNREACHABLE\][^\n]+Hello[^\n]+exit code 9[^\n]+\n$/),
      });
    } finally {
      server.close();
    }
  });

  test('that do not speak the adapter protocol: exit code 4', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    try {
      const run = await carillon(['conform', '--adapter', `tcp://127.0.0.1:${port}`, '--level', 'vectors']);
      expect(run).toMatchObject({ code: 4, err: expect.stringMatching(/^\[E_ADAPTER\] [^\n]+\n$/) });
    } finally {
      server.close();
    }
  });
});

describe('prepared files', () => {
  test('are written once and named', async () => {
    const prepared = join(directory, 'network');
    const first = await carillon(['conform', '--prepare', prepared]);
    expect(first).toMatchObject({ code: 0, err: '' });
    const network = readFileSync(join(prepared, 'network.toml'), 'utf8');
    expect(network).toContain('preset = "conformance"');
    expect(readFileSync(join(prepared, 'node.key'), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
    await carillon(['conform', '--prepare', prepared]);
    expect(readFileSync(join(prepared, 'network.toml'), 'utf8')).toBe(network);
  });

  test('with nobody at the address: exit code 3', async () => {
    const prepared = join(directory, 'lonely');
    await carillon(['conform', '--prepare', prepared]);
    const run = await carillon(['conform', '--url', 'ws://127.0.0.1:1', '--prepared', prepared]);
    expect(run).toMatchObject({ code: 3, err: expect.stringMatching(/^\[E_UNREACHABLE\]/) });
  });
});
