import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseTask } from '../../../pipelines/documents/tasks/parse-task.ts';

const folder = await mkdtemp(join(tmpdir(), 'millrace-tasks-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
const schema = async (text: string): Promise<string> => {
  const path = join(folder, `${String(Math.abs(text.length * 31 + (text.codePointAt(2) ?? 0)))}.json`);
  await writeFile(path, text);
  return path;
};
const parse = (text: string) => parseTask(text, { vote: 'weighted', slots: 'fenced' });

describe('a task', () => {
  it.each(['summarize', 'keywords', 'embed', 'classify=a,b', 'translate=fr', 'translate=pt-BR'])(
    'is %s, as its answer is called',
    async (text) => {
      expect((await parse(text)).label).toBe(text);
    },
  );

  it.each([
    ['summarise', 'a task must be one of'],
    ['summarize=short', 'a task must be one of'],
    ['classify', 'a task must be one of'],
    ['classify=a', 'at least two labels'],
    ['classify=a,a', 'all different'],
    ['classify=a,,b', 'at least two labels'],
    ['translate=no language', 'by its tag'],
    ['translate=zzz', 'by its tag'],
    ['extract=missing.json', 'must name a file with a JSON Schema'],
  ])('is not %s', async (text, message) => {
    await expect(parse(text)).rejects.toMatchObject({ code: 'invalid_option', message: expect.stringContaining(message) as string });
  });

  it.each([
    ['no JSON', '{ "type": ', 'must name a file with a JSON Schema'],
    ['a list', '[1]', 'holds no object'],
    ['a schema of a text', '{ "type": "string" }', 'of an object'],
    ['no schema', '{ "type": "object", "properties": { "a": { "type": "nonsense" } } }', 'no JSON Schema that can be used'],
  ])('takes no schema that is %s', async (_what, text, message) => {
    await expect(parse(`extract=${await schema(text)}`)).rejects.toMatchObject({ message: expect.stringContaining(message) as string });
  });

  it('is to extract what a schema says', async () => {
    const path = await schema('{ "type": "object", "properties": { "name": { "type": "string" } } }');
    expect(await parse(`extract=${path}`)).toMatchObject({ kind: 'extract', mayOverlap: true });
  });
});
