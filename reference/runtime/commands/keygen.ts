/** `carillon keygen`: makes a key file and says whose it is. */
import type { Command } from 'commander';

async function makeKey(file: string): Promise<number> {
  const [{ createKeyFile }, { nativeCrypto }, { derivePeerId, formatPeerId }, { KEY_TYPE_ED25519 }, { Problem }] = await Promise.all([
    import('../keys.ts'),
    import('../crypto-native.ts'),
    import('../../core/wire/peer-id.ts'),
    import('../../core/wire/envelope.ts'),
    import('../problem.ts'),
  ]);
  try {
    const seed = createKeyFile(file);
    const peer = derivePeerId(nativeCrypto, KEY_TYPE_ED25519, nativeCrypto.ed25519PublicKey(seed));
    process.stdout.write(`${formatPeerId(peer)}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    process.stderr.write(`carillon keygen: ${error.message}\n`);
    return error.exitCode;
  }
}

/** Adds the command `keygen` to the program. */
export function registerKeygen(program: Command): void {
  program
    .command('keygen')
    .description('make a key file (64 hexadecimal digits, mode 0600) and print its PeerId')
    .argument('<file>', 'where to write it; a file that is there is never replaced')
    .action(async (file: string) => {
      process.exitCode = await makeKey(file);
    });
}

export { registerKeygen as register };
