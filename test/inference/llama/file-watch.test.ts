import { copyFile, mkdtemp, open, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { FileWatch } from '../../../src/inference/llama/file-watch.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';

const bytes = Buffer.from(Array.from({ length: 1_000_000 }, (_, at) => at % 251));

async function watched() {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-watch-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'model.gguf');
  await writeFile(path, bytes);
  const clock = virtualClock(1_000_000);
  const [told, logged]: [string[], string[]] = [[], []];
  const watch = new FileWatch({
    path,
    clock,
    log: (level, message) => logged.push(`${level} ${message}`),
    spoiled: ({ code, message }) => told.push(`${code} ${message}`),
  });
  await watch.begin();
  const look = async (): Promise<void> => {
    await clock.advance(1_000);
    await watch.look();
  };
  return { path, watch, told, logged, look, other: join(folder, 'other.gguf') };
}

it.each([
  ['its first bytes', 0],
  ['its middle', 507_000],
  ['its end', 999_000],
])('finds out that %s were written to, and says so once', async (_name, at) => {
  const { path, told, look } = await watched();
  await look();
  const file = await open(path, 'r+');
  await file.write(Buffer.alloc(20_000, 7), 0, Math.min(20_000, bytes.length - at), at);
  await file.close();
  await look();
  await look();
  expect(told).toEqual([
    expect.stringMatching(/^model_damaged .*model\.gguf was written to while it was in use: put another file in its place/),
  ]);
});

it('finds out that it was cut off', async () => {
  const { path, told, look } = await watched();
  await writeFile(path, bytes.subarray(0, 900_000));
  await look();
  expect(told).toHaveLength(1);
});

it('goes on with one that was touched, or written again as it was, and still finds out what comes later', async () => {
  const { path, told, logged, look } = await watched();
  await utimes(path, 1, 1);
  await look();
  await writeFile(path, bytes);
  await look();
  expect([told, logged]).toEqual([[], []]);
  await writeFile(path, bytes.toReversed());
  await look();
  expect(told).toHaveLength(1);
});

it.each(['replaced', 'removed'])('goes on where it was %s, which it says once', async (how) => {
  const { path, told, logged, look, other } = await watched();
  await copyFile(path, other);
  if (how === 'replaced') await rename(other, path);
  else await rm(path);
  await look();
  await look();
  expect(told).toEqual([]);
  expect(logged).toEqual([expect.stringMatching(/^warn the file of the model was replaced or removed: processes go on/)]);
});

it('looks once a second', async () => {
  const { path, watch, told, look } = await watched();
  await look();
  await writeFile(path, bytes.toReversed());
  expect(watch.look()).toBeUndefined();
  await look();
  expect(told).toHaveLength(1);
});
