import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkModelFile, type FileRules } from '../../../../src/inference/llama/gguf/check-model-file.ts';
import { failureOf } from '../../../helpers/failure-of.ts';
import { type GgufParts, type GgufValue, makeGguf, number, string, text, texts, u32, u64 } from './make-gguf.ts';

const anything: FileRules = { modelRoot: undefined, maxModelBytes: 2 ** 40, sha256: undefined };
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-gguf-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(bytes: Buffer, name = 'model.gguf'): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}
const check = (path: string, rules: Partial<FileRules> = {}) => checkModelFile(path, { ...anything, ...rules });
const withValue = (value: GgufValue): GgufParts => ({ metadata: [['key', value]] });
const tensor = { name: 'a', dimensions: [32, 2], type: 2, offset: 0 };

describe('the header of a model', () => {
  it('is read as it is written', async () => {
    const metadata = [
      ['general.architecture', text('llama')],
      ['general.name', text('Wörter')],
      ['llama.context_length', number(2_048)],
      ['tokens', texts(['a', 'b', ''])],
      ['scores', [9, Buffer.concat([u32(6), u64(2), Buffer.alloc(8)])]],
      ['flag', [7, Buffer.alloc(1)]],
    ] as const;
    const { header } = await check(await write(makeGguf({ metadata })));
    expect(header).toMatchObject({ version: 3, tensors: 1, architecture: 'llama', name: 'Wörter', contextTokens: 2_048, parts: 1 });
  });

  it('may be longer than what is read at once', async () => {
    const words = Array.from({ length: 60_000 }, (_, at) => `a longer word than most ${String(at)}`);
    const { header } = await check(
      await write(
        makeGguf({
          metadata: [
            ['tokens', texts(words)],
            ['general.name', text('x'.repeat(2 << 20))],
          ],
        }),
      ),
    );
    expect(header.name?.length).toBe(2 << 20);
  });

  it.each<{ readonly what: string; readonly parts: GgufParts; readonly says: RegExp }>([
    { what: 'another magic', parts: { magic: 'GGML' }, says: /no GGUF file: expected it to begin with "GGUF", got "GGML"/ },
    { what: 'version 1', parts: { version: 1 }, says: /expected version 2 or 3 of GGUF, got 1/ },
    { what: 'the other byte order', parts: { version: 0x03000000 }, says: /big-endian/ },
    { what: 'more tensors than any', parts: { tensorCount: 2 ** 40 }, says: /expected at most 65536 tensors, got 1099511627776/ },
    {
      what: 'a count no number holds',
      parts: { entryCount: 2n ** 64n - 1n },
      says: /the number of metadata entries is 18446744073709551615/,
    },
    { what: 'more tensors than there are', parts: { tensorCount: 5 }, says: /cut off in its header|at most 64 bytes|twice/ },
    { what: 'more entries than there are', parts: { entryCount: 9, dataBytes: 0 }, says: /at most 65535 bytes in a key/ },
    { what: 'a string beyond its end', parts: withValue([8, u64(5_000)]), says: /cut off in its header/ },
    {
      what: 'a string of 4 GB',
      parts: withValue([8, u64(2 ** 32)]),
      says: /expected at most 16777216 bytes in the value of "key", got 4294967296/,
    },
    { what: 'a type nobody knows', parts: withValue([13, u32(0)]), says: /"key" is of a type that is not known, 13/ },
    { what: 'arrays in arrays', parts: withValue([9, Buffer.concat([u32(9), u64(1)])]), says: /array of arrays/ },
    {
      what: 'an array of nobody knows what',
      parts: withValue([9, Buffer.concat([u32(77), u64(1)])]),
      says: /array of a type that is not known, 77/,
    },
    {
      what: 'an array of everything',
      parts: withValue([9, Buffer.concat([u32(0), u64(2 ** 50)])]),
      says: /at most 16777216 items in "key"/,
    },
    {
      what: 'an array beyond its end',
      parts: withValue([9, Buffer.concat([u32(10), u64(1_000)])]),
      says: /1000 items of "key" do not fit/,
    },
    {
      what: 'a long string in an array',
      parts: withValue([9, Buffer.concat([u32(8), u64(1), u64(2 ** 33)])]),
      says: /bytes in a string of "key"/,
    },
    {
      what: 'a key twice',
      parts: {
        metadata: [
          ['key', number(1)],
          ['key', number(2)],
        ],
      },
      says: /the key "key" stands there twice/,
    },
    { what: 'an alignment of nothing', parts: { metadata: [['general.alignment', number(0)]] }, says: /power of 2.*got 0/ },
    { what: 'an alignment that is none', parts: { metadata: [['general.alignment', number(48)]] }, says: /power of 2.*got 48/ },
    { what: 'an alignment as text', parts: { metadata: [['general.alignment', text('32')]] }, says: /power of 2.*got "32"/ },
    {
      what: 'too many dimensions',
      parts: { tensors: [{ ...tensor, dimensions: [1, 1, 1, 1, 1] }] },
      says: /at most 4 dimensions of "a", got 5/,
    },
    { what: 'a dimension of nothing', parts: { tensors: [{ ...tensor, dimensions: [32, 0] }] }, says: /"a" has 32 x 0 values/ },
    { what: 'a product beyond all', parts: { tensors: [{ ...tensor, dimensions: [2 ** 40, 2 ** 40] }] }, says: /"a" has .* values/ },
    { what: 'half a block', parts: { tensors: [{ ...tensor, dimensions: [33] }] }, says: /no whole number of blocks/ },
    { what: 'a place between', parts: { tensors: [{ ...tensor, offset: 8 }] }, says: /lies at 8, no multiple of 32/ },
    { what: 'a place beyond the end', parts: { tensors: [{ ...tensor, offset: 320 }] }, says: /cut off after \d+ bytes: "a" ends at/ },
    { what: 'a tensor cut off', parts: { dataBytes: 20 }, says: /cut off after/ },
    { what: 'a tensor twice', parts: { tensors: [tensor, tensor] }, says: /the tensor "a" stands there twice/ },
    { what: 'a name too long', parts: { tensors: [{ ...tensor, name: 'a'.repeat(65) }] }, says: /at most 64 bytes in a tensor's name/ },
  ])('with $what is refused', async ({ parts, says }) => {
    const path = await write(makeGguf(parts));
    const failure = await failureOf(check(path));
    expect(failure.code).toBe('model_damaged');
    expect(failure.message).toMatch(says);
    expect(failure.message).toContain(path);
  });

  it.each([0, 3, 23, 40, 60, 90])('that ends after %d bytes is refused', async (bytes) => {
    expect((await failureOf(check(await write(makeGguf().subarray(0, bytes))))).code).toBe('model_damaged');
  });
});

describe('the file of a model', () => {
  it('must be there, and a regular file', async () => {
    const none = await failureOf(check(join(folder, 'none.gguf')));
    expect([none.code, none.message]).toEqual(['model_not_found', expect.stringMatching(/no model file at .*none\.gguf: check the path/)]);
    for (const path of [folder, '/dev/zero']) expect((await failureOf(check(path))).message).toMatch(/expected a regular file/);
  });

  it('may be no longer than allowed', async () => {
    const path = await write(makeGguf());
    const failure = await failureOf(check(path, { maxModelBytes: 100 }));
    expect([failure.code, failure.message]).toEqual([
      'invalid_option',
      expect.stringMatching(/at most llama\.maxModelBytes \(100\) bytes.*raise it/),
    ]);
  });

  it('lies in the allowed folder, links followed', async () => {
    const outside = await write(makeGguf(), 'outside.gguf');
    const root = join(folder, 'root');
    await mkdir(root);
    const inside = await write(makeGguf(), 'root/inside.gguf');
    await symlink(outside, join(root, 'link.gguf'));
    await symlink(inside, join(folder, 'back.gguf'));
    await expect(check(inside, { modelRoot: root })).resolves.toMatchObject({ header: { tensors: 1 } });
    await expect(check(join(folder, 'back.gguf'), { modelRoot: root })).resolves.toMatchObject({ header: { tensors: 1 } });
    for (const path of [outside, join(root, 'link.gguf'), join(root, '../outside.gguf'), join(folder, 'none.gguf'), root]) {
      const failure = await failureOf(check(path, { modelRoot: root }));
      expect([failure.code, failure.message]).toEqual(['invalid_option', expect.stringMatching(/below llama\.modelRoot.*put it there/)]);
    }
    expect((await failureOf(check(inside, { modelRoot: join(folder, 'nowhere') }))).message).toMatch(/modelRoot must be a folder/);
  });

  it('has the checksum that was asked for', async () => {
    const bytes = makeGguf();
    const path = await write(bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await expect(check(path, { sha256: sha256.toUpperCase() })).resolves.toBeDefined();
    const failure = await failureOf(check(path, { sha256: 'a'.repeat(64) }));
    expect([failure.code, failure.message]).toEqual(['model_damaged', expect.stringContaining(`has the SHA-256 ${sha256}, expected aaa`)]);
  });

  it('is looked at in all its parts', async () => {
    const part = makeGguf({
      metadata: [
        ['split.count', [2, Buffer.from([2, 0])]],
        ['key', [8, string('x')]],
      ],
    });
    const first = await write(part, 'split-00001-of-00002.gguf');
    expect((await failureOf(check(first))).message).toMatch(/no model file at .*split-00002-of-00002\.gguf/);
    await write(part.subarray(0, 50), 'split-00002-of-00002.gguf');
    expect((await failureOf(check(first))).message).toMatch(/split-00002-of-00002\.gguf \(50 bytes\) cannot be loaded/);
    await write(part, 'split-00002-of-00002.gguf');
    await expect(check(first)).resolves.toMatchObject({ path: first, header: { parts: 2 } });
    expect((await failureOf(check(await write(part, 'renamed.gguf')))).message).toMatch(
      /expected a name such as model-00001-of-00002\.gguf/,
    );
  });
});
