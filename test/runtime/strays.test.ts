import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const program = fileURLToPath(new URL('strays/program.ts', import.meta.url));
const run = (...args: readonly string[]): Promise<Ended> =>
  new Promise((resolve) => {
    const child = execFile(process.execPath, [program, ...args], (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr });
    });
  });

it('fails the record whose call throws where nobody awaits it, and nothing else', async () => {
  const { code, stdout, stderr } = await run();
  expect(JSON.parse(stdout)).toEqual({ done: 4, failed: 2, failuresByCode: { project_threw: 2 } });
  expect(stderr).toMatch(/in\/\d@\d.*too late.*after its call had ended/);
  expect(code).toBe(0);
});

it('leaves to Node what was thrown outside of calls', async () => {
  const { code, stdout, stderr } = await run('outside');
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toContain('Error: not from a call');
});
