import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AvroOutput } from '../../src/cli/avro-output.ts';
import { avroFile } from '../../src/codec/avro/avro-file.ts';
import { virtualClock } from '../../src/virtual-clock.ts';
import { allOf } from '../helpers/all-of.ts';

const schema = { type: 'record', name: 'Item', fields: [{ name: 'n', type: 'int' }] } as const;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-avro-output-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const numbersIn = async (path: string): Promise<readonly number[]> =>
  (await allOf(avroFile({ schema }).read(createReadStream(path)))).map(({ n }) => n);

describe('an Avro file that is written while its values come', () => {
  it('takes the place of no other', async () => {
    const path = join(folder, 'items.avro');
    await writeFile(path, 'months of work');
    await expect(AvroOutput.open(path, schema, virtualClock(0))).rejects.toThrow(/items\.avro has 14 bytes in it, which would be lost/);
    expect(await readFile(path, 'utf8')).toBe('months of work');
    await writeFile(path, '');
    await (await AvroOutput.open(path, schema, virtualClock(0))).close();
    expect(await numbersIn(path)).toEqual([]);
  });

  it('can be read up to its last block at any time, which is a second old at most', async () => {
    const clock = virtualClock(0);
    const path = join(folder, 'items.avro');
    const output = await AvroOutput.open(path, schema, clock);
    expect(await numbersIn(path)).toEqual([]);
    await output.add({ n: 1 });
    await output.add({ n: 2 });
    await clock.advance(900);
    expect(await numbersIn(path)).toEqual([]);
    await clock.advance(100);
    await output.add({ n: 3 }); // behind what the timer began
    expect(await numbersIn(path)).toEqual([1, 2]);
    await copyFile(path, join(folder, 'killed.avro'));
    await output.close();
    await output.close();
    expect([await numbersIn(path), await numbersIn(join(folder, 'killed.avro'))]).toEqual([
      [1, 2, 3],
      [1, 2],
    ]);
  });

  it('writes blocks that are full without waiting', async () => {
    const path = join(folder, 'items.avro');
    const output = await AvroOutput.open(path, schema, virtualClock(0));
    for (let n = 0; n < 30_000; n += 1) await output.add({ n });
    const there = (await numbersIn(path)).length;
    expect(there).toBeGreaterThan(20_000);
    expect(there).toBeLessThan(30_000);
    await output.close();
    expect(await numbersIn(path)).toHaveLength(30_000);
  });

  it('goes on behind a value that does not fit, which is in no file', async () => {
    const path = join(folder, 'items.avro');
    const output = await AvroOutput.open(path, schema, virtualClock(0));
    await output.add({ n: 1 });
    await expect(output.add({ n: 'one' })).rejects.toThrow(/expected int/);
    await output.add({ n: 2 });
    await output.close();
    expect(await numbersIn(path)).toEqual([1, 2]);
    await expect(output.add({ n: 3 })).rejects.toThrow(/is closed/);
  });

  it('names a file that cannot be written', async () => {
    await expect(AvroOutput.open(join(folder, 'none/items.avro'), schema, virtualClock(0))).rejects.toThrow(
      /items\.avro cannot be written: .*ENOENT/,
    );
    await expect(AvroOutput.open(join(folder, 'x.avro'), { type: 'recrod' } as never, virtualClock(0))).rejects.toThrow(/no Avro schema/);
    await expect(readFile(join(folder, 'x.avro'))).rejects.toThrow(/ENOENT/);
  });

  it('says that the disk is full', async () => {
    await expect(AvroOutput.open('/dev/full', schema, virtualClock(0))).rejects.toThrow(/\/dev\/full cannot be written: .*ENOSPC/);
  });
});
