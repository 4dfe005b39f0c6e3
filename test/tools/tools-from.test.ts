import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runTool } from '../../src/tools/tool.ts';
import { toolsFrom } from '../../src/tools/tools-from.ts';

let folder = '';
const shout = `{
  name: 'shout', description: 'Says it loudly.', inputJsonSchema: { type: 'object' },
  input: { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } },
  run: async ({ text }) => ({ text: text.toUpperCase() }),
  close: async () => { globalThis.closedTools = (globalThis.closedTools ?? 0) + 1; },
}`;
const modules: Readonly<Record<string, string>> = {
  'named.mjs': `export const shout = ${shout}; export const whisper = { ...shout, name: 'whisper', close: undefined };`,
  'listed.mjs': `const shout = ${shout}; export const tools = [shout]; export const other = 1;`,
  'typed.ts': `const text: string = 'typed'; export const shout = { ...${shout}, run: async () => ({ text }) };`,
  'helper.mjs': `export const shout = ${shout}; export function helper() {}`,
  'half.mjs': `export const shout = { ...${shout}, description: '' };`,
  'twice.mjs': `export const a = ${shout}; export const b = ${shout};`,
  'list.mjs': `export const tools = 'shout';`,
  'wrong.mjs': `export const tools = [${shout}, null];`,
  'empty.mjs': `export {};`,
  'throws.mjs': `throw new Error('no luck today');`,
};
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tools-'));
  for (const [name, text] of Object.entries(modules)) await writeFile(join(folder, name), text);
});
afterAll(() => rm(folder, { recursive: true }));

describe('toolsFrom', () => {
  it('gives the tools that a module exports, by name or as a list, and closes each once', async () => {
    const named = await toolsFrom('./named.mjs', { folder });
    expect(named.tools.map(({ name }) => name)).toEqual(['shout', 'whisper']);
    const [first] = named.tools;
    if (first) expect(await runTool(first, { text: 'grain' })).toEqual({ text: 'GRAIN' });
    await Promise.all([named.close(), named.close()]);
    expect(Reflect.get(globalThis, 'closedTools')).toBe(1);
    expect((await toolsFrom(join(folder, 'listed.mjs'))).tools).toHaveLength(1);
    expect((await toolsFrom('typed.ts', { folder })).tools.map(({ name }) => name)).toEqual(['shout']);
  });

  it.each([
    ['gone.mjs', 'tools cannot be loaded from "gone.mjs"'],
    ['throws.mjs', 'tools cannot be loaded from "throws.mjs": no luck today'],
    ['empty.mjs', 'empty.mjs must export tools, or a list of them as "tools", got none'],
    ['list.mjs', 'tools of list.mjs must be a list of tools, got string'],
    ['wrong.mjs', 'tools[1] of wrong.mjs must be a tool'],
    [
      'helper.mjs',
      'helper of helper.mjs must be a tool, { name, description, input, inputJsonSchema, run }, got function; put tools into a list',
    ],
    ['half.mjs', 'shout of half.mjs is no tool: tool shout.description must be a non-empty string, got ""'],
    ['twice.mjs', 'twice.mjs has two tools with the name shout'],
  ])('%s is refused: %s', async (path, message) => {
    await expect(toolsFrom(path, { folder })).rejects.toMatchObject({
      code: 'invalid_option',
      message: expect.stringContaining(message) as string,
    });
  });
});
