/**
 * The reference node under test, as a program. It connects back to the address in
 * `CARILLON_ADAPTER`, or listens with `--listen`. Native primitives are put in here, so this file
 * reaches into the runtime; `--crypto portable` has the portable ones judged instead.
 */
import { parseArgs } from 'node:util';
import { portableCrypto } from '../core/crypto/portable.ts';
import { nativeCrypto } from '../runtime/crypto-native.ts';
import { SPEC_VERSION, VERSION } from '../runtime/version.ts';
import { type AdapterAddress, connectBack, listenForKits, parseAdapterAddress, type ServeOptions } from './server.ts';

const EXIT_USAGE = 2;
const EXIT_UNREACHABLE = 3;
const EXIT_PROTOCOL = 4;
const EXIT_INTERNAL = 70;

function complain(line: string): void {
  process.stderr.write(`carillon adapter: ${line}\n`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function usage(found: string): number {
  complain(
    `E_USAGE: expected --listen tcp://HOST:PORT or unix:/PATH, or such an address in CARILLON_ADAPTER, and --crypto native or portable; found ${found}; start it through carillon conform, or give an address`,
  );
  return EXIT_USAGE;
}

/** Serves until the kit goes, or until a signal for a listening adapter; resolves with the exit code. */
export async function runAdapter(args: readonly string[]): Promise<number> {
  let flags: { listen?: string; crypto?: string };
  try {
    flags = parseArgs({ args: [...args], options: { listen: { type: 'string' }, crypto: { type: 'string' } }, strict: true }).values;
  } catch (error) {
    return usage(messageOf(error));
  }
  const cryptoName = flags.crypto ?? 'native';
  if (cryptoName !== 'native' && cryptoName !== 'portable') return usage(`--crypto ${cryptoName}`);
  const { CARILLON_ADAPTER } = process.env;
  const text = flags.listen ?? CARILLON_ADAPTER;
  const address = text === undefined ? undefined : parseAdapterAddress(text);
  if (address === undefined) return usage(text === undefined ? 'neither' : JSON.stringify(text));
  const options: ServeOptions = {
    crypto: cryptoName === 'native' ? nativeCrypto : portableCrypto,
    identity: { name: 'carillon-reference', version: VERSION, specVersion: SPEC_VERSION },
    complain,
    fail: (error) => {
      complain(error instanceof Error ? (error.stack ?? error.message) : String(error));
      process.exit(EXIT_INTERNAL);
    },
  };
  return flags.listen === undefined ? serveOne(address, options) : serveMany(address, options);
}

async function serveOne(address: AdapterAddress, options: ServeOptions): Promise<number> {
  try {
    return (await connectBack(address, options)) ? 0 : EXIT_PROTOCOL;
  } catch (error) {
    complain(`E_UNREACHABLE: expected a kit that listens at CARILLON_ADAPTER; found ${messageOf(error)}; start the kit first`);
    return EXIT_UNREACHABLE;
  }
}

async function serveMany(address: AdapterAddress, options: ServeOptions): Promise<number> {
  try {
    const listener = await listenForKits(address, options);
    process.stdout.write(`${listener.address}\n`);
    await new Promise<void>((resolve) => {
      process.once('SIGINT', () => resolve());
      process.once('SIGTERM', () => resolve());
    });
    await listener.close();
    return 0;
  } catch (error) {
    complain(`E_UNREACHABLE: expected an address to listen at; found ${messageOf(error)}; choose another one`);
    return EXIT_UNREACHABLE;
  }
}
