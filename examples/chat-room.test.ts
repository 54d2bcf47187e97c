import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, test } from 'vitest';
import { Devnet } from '../reference/index.ts';
import { type ChatLine, ChatRoom, validateChat } from './chat-room.ts';

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 30_000;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error('it did not come about within 30 s');
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

describe('a chat room', () => {
  test('everybody hears what is said to all, one hears what is said to one, and all see who is there', async () => {
    await using net = await Devnet.start({ nodes: 4, bootstrap: 'one', preset: 'devnet', validate: (_, message) => validateChat(message) });
    const names = ['alice', 'bob', 'carol', 'dave'];
    const heard: ChatLine[][] = names.map(() => []);
    const rooms = net.nodes.map((node, index) => {
      const room = new ChatRoom({ ...node, publish: async () => undefined }, 'lobby', names[index] ?? '');
      room.onLine((line) => heard[index]?.push(line));
      return room;
    });
    const [alice, bob] = rooms;
    if (alice === undefined || bob === undefined) throw new Error('no rooms');
    expect(await Promise.all(rooms.map((room) => room.join()))).toEqual([true, true, true, true]);
    expect((await alice.members()).map(({ peer }) => peer).sort()).toEqual(
      net.nodes
        .slice(1)
        .map(({ peerId }) => peerId)
        .sort(),
    );

    await alice.say('hello');
    await until(() => heard.slice(1).every((lines) => lines.length === 1));
    await bob.tell('alice', 'for you');
    await until(() => heard[0]?.length === 1);
    expect(heard.map((lines) => lines.map(({ name, text, isPrivate }) => `${name}${isPrivate ? '!' : ''}: ${text}`))).toEqual([
      ['bob!: for you'],
      ['alice: hello'],
      ['alice: hello'],
      ['alice: hello'],
    ]);
    await expect(bob.tell('nobody', 'x')).rejects.toThrow('nobody here is called nobody');
    await expect(bob.say('\u001b[2J')).rejects.toThrow('control characters');
  });

  test('what no chat sends reaches nobody', async () => {
    const judge = (data: Uint8Array) => validateChat({ topic: 'app/lobby', data } as Parameters<typeof validateChat>[0]);
    const text = (line: string) => new TextEncoder().encode(line);
    expect(judge(text('bob\nhi'))).toBe('accept');
    for (const bad of [text(''), text('hi'), text('Bob\nhi'), text('bob\n'), text('bob\n\u0007'), text(`bob\n${'x'.repeat(2100)}`)]) {
      expect(judge(bad)).toBe('reject');
    }
    expect(judge(Uint8Array.of(98, 10, 0xff))).toBe('reject');
  });

  test('two terminals talk to each other, and end at /quit and at the end of input', async () => {
    const start = (...flags: string[]) => {
      const child = spawn(process.execPath, ['examples/chat.ts', ...flags], { stdio: ['pipe', 'pipe', 'inherit'] });
      const lines: string[] = [];
      createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
      return { child, lines, ended: once(child, 'exit') };
    };
    const alice = start('--name', 'alice');
    await until(() => alice.lines.length > 0);
    const bob = start('--name', 'bob', '--bootstrap', /ws:\S+/.exec(alice.lines[0] ?? '')?.[0] ?? '');
    await until(() => [alice, bob].every(({ lines }) => lines.some((line) => line.startsWith('* session'))));
    bob.child.stdin.write('hello\n');
    await until(() => alice.lines.includes('bob: hello'));
    alice.child.stdin.write('/tell bob hi\n/quit\n');
    await until(() => bob.lines.includes('alice (to you): hi'));
    bob.child.stdin.end();
    expect(await Promise.all([alice.ended, bob.ended])).toEqual([
      [0, null],
      [0, null],
    ]);
  }, 120_000);
});
