import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { thisMachine } from '../../../src/transport/kafka/machine.ts';
import type { ProcessName } from '../../../src/transport/kafka/member-name.ts';

const knowsBeginnings = process.platform === 'linux' && existsSync('/proc/sys/kernel/random/boot_id');

function self(): ProcessName {
  const found = thisMachine().self;
  if (!found) throw new Error('this machine cannot be told from others');
  return found;
}

/** A process that lives until it is killed, and what it says of itself. */
async function another(): Promise<{ name: ProcessName; kill: (signal: NodeJS.Signals) => Promise<void> }> {
  const module = new URL('../../../src/transport/kafka/machine.ts', import.meta.url).href;
  const script = `import(${JSON.stringify(module)}).then(({ thisMachine }) => console.log(JSON.stringify(thisMachine().self))); setInterval(() => 0, 1e6);`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    name: JSON.parse(String(text)) as ProcessName,
    kill: async (signal) => {
      const exit = once(child, 'exit');
      child.kill(signal);
      await exit;
    },
  };
}

describe('this machine', () => {
  it('names this process, and tells nothing of it but its number', () => {
    expect(self()).toEqual({
      machine: expect.stringMatching(/^[0-9a-f]{12}$/) as string,
      pid: process.pid,
      begun: expect.any(String) as string,
    });
    expect(JSON.stringify(self())).not.toContain(hostname());
  });

  it('knows another process of its own while that lives, and that it is gone when it is', async () => {
    const { name, kill } = await another();
    expect(name.machine).toBe(self().machine);
    expect(thisMachine().isGone(name)).toBe(false);
    await kill('SIGKILL');
    expect(thisMachine().isGone(name)).toBe(true);
  });

  it.skipIf(!knowsBeginnings)('takes a number that is in use again for another process', async () => {
    const { name, kill } = await another();
    expect(thisMachine().isGone({ ...name, begun: '1' })).toBe(true);
    expect(thisMachine().isGone({ ...self(), begun: '1' })).toBe(true);
    await kill('SIGKILL');
  });

  it.each([
    ['this process', {}],
    ['somebody else’s process', { pid: 1, begun: '' }],
    ['a process of another machine', { machine: '000000000000', pid: 2 ** 30 }],
  ])('does not say that %s is gone', (_case, change) => {
    expect(thisMachine().isGone({ ...self(), ...change })).toBe(false);
  });
});
