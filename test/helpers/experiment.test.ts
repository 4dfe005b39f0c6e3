import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runExperiments } from './experiment.ts';

describe('npm run prove and npm run bench', () => {
  let folder: string;
  let printed: string[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-test-'));
    printed = [];
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
    const finding = (pass: boolean): string => JSON.stringify({ what: 'resident set', measured: '90 MB', passes: '<= 80 MB', pass });
    const file = (name: string, run: string): string =>
      `export const name = '${name}';\nexport const summary = 'shows ${name}';\nexport const run = ${run};\n`;
    await writeFile(join(folder, 'holds.ts'), file('holds', `async ({ short }) => ({ measured: [${finding(true)}], pass: short })`));
    await writeFile(join(folder, 'breaks.ts'), file('breaks', `async () => ({ measured: [${finding(false)}], pass: true })`));
  });

  afterEach(async () => {
    vi.restoreAllMocks();
    process.exitCode = undefined;
    await rm(folder, { recursive: true, force: true });
  });

  const outcomes = [
    { argv: ['holds', '--short'], exitCode: undefined, says: 'holds: holds' },
    { argv: ['holds'], exitCode: 1, says: 'holds: DOES NOT HOLD' },
    { argv: ['breaks', '--short'], exitCode: 1, says: 'FAILED  resident set  90 MB     <= 80 MB' },
    { argv: [], exitCode: undefined, says: 'npm run prove -- holds    shows holds' },
    { argv: ['nothing'], exitCode: 2, says: 'there is no "nothing" here' },
  ];
  it.each(outcomes)('$argv ends with $exitCode', async ({ argv, exitCode, says }) => {
    await runExperiments('prove', folder, argv);
    expect(process.exitCode).toBe(exitCode);
    expect(printed.join('')).toContain(says);
  });

  it('gives machines one line of JSON', async () => {
    await runExperiments('prove', folder, ['breaks', '--json']);
    expect(printed).toHaveLength(1);
    expect(JSON.parse(printed.join(''))).toMatchObject({ name: 'breaks', pass: false, measured: [{ measured: '90 MB', pass: false }] });
  });

  it('refuses a file that is no experiment', async () => {
    await writeFile(join(folder, 'odd.ts'), 'export const name = "other";\n');
    await expect(runExperiments('prove', folder, [])).rejects.toThrow('odd.ts must export name ("odd"), summary and run');
  });
});
