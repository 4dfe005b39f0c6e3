import { mkdtemp, open, rename, copyFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { embeddedModelFile } from '../helpers/embedded-model.ts';
import { type ModelScene, openModelScene } from '../proofs/service-faults/open-model-scene.ts';

const file = await embeddedModelFile();
const eventually = (holds: () => void | Promise<void>): Promise<void> => vi.waitFor(holds, { timeout: 30_000, interval: 20 });
const long = `${'The mill stands by the river, and its wheel turns all day. '.repeat(24)}What stands by the river?`;

async function scene(): Promise<ModelScene> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-served-'));
  const opened = await openModelScene(folder);
  onTestFinished(async () => {
    await opened.service.close();
    await rm(folder, { recursive: true });
  });
  return opened;
}

describe.skipIf(file.path === undefined)('a service with two workers of the embedded model', () => {
  it('gives what a killed worker had not begun to answer to a new one, ends what it had begun with an error, and goes on with a worker less where their file was replaced', async () => {
    const { path, pool, stream, logged, service, isReady } = await scene();
    const begun = stream('Tell a long story about a mill.', 300);
    await eventually(() => expect(begun.answer()).not.toBe(''));
    const before = stream(long, 12);
    await eventually(async () => expect((await pool.activity()).running).toBe(2));
    expect(before.answer()).toBe('');
    for (const pid of pool.pids) process.kill(pid, 'SIGKILL');
    expect(await Promise.all([begun.ended, before.ended])).toEqual(['model_crashed', 'whole']);
    expect(before.text()).toContain('"attempt":2');
    const undisturbed = stream(long, 12);
    await undisturbed.ended;
    expect(before.answer()).toBe(undisturbed.answer());
    await eventually(() => expect(pool.pids).toHaveLength(2));
    await eventually(async () => expect((await service.state()).models[0]).toMatchObject({ slots: 2, restarts: 2 }));
    // another file in the place of theirs
    await copyFile(path, `${path}.new`);
    await rename(`${path}.new`, path);
    process.kill(pool.pids[0] ?? 0, 'SIGKILL');
    await eventually(async () => expect((await service.state()).models[0]).toMatchObject({ slots: 1 }));
    expect(logged.at(-1)).toMatch(/is lost, and cannot be started again .*has changed since it was looked at/);
    expect([await stream('Name a colour.', 4).ended, await isReady()]).toEqual(['whole', true]);
  });

  it('says no nonsense when the file is written to under its workers, but what is wrong', async () => {
    const { path, stream, isReady, logged, pool } = await scene();
    const running = stream('Tell a long story about a mill.', 300);
    await eventually(() => expect(running.answer()).not.toBe(''));
    const handle = await open(path, 'r+');
    const { size } = await handle.stat();
    await handle.write(Buffer.alloc(40_000_000, 0x5a), 0, 40_000_000, size - 40_000_000);
    await handle.close();
    expect(await running.ended).toBe('model_crashed');
    expect([await stream('Name a colour.', 4).ended, await isReady(), pool.pids]).toEqual(['model_damaged', false, []]);
    expect(logged.filter((line) => line.includes('was written to while it was in use'))).toHaveLength(2);
  });
});
