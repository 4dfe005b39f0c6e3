import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RunDocumentsOptions } from '../../../pipelines/documents/run-options.ts';
import { runDocuments } from '../../../pipelines/documents/run-documents.ts';
import { parseTask } from '../../../pipelines/documents/tasks/parse-task.ts';
import { documentsIn } from '../../../src/text/documents-in.ts';
import { type ScriptedModel, scripted } from '../../../src/inference/scripted/scripted.ts';

const options = { vote: 'weighted', slots: 'bare' } as const;
const summarize = [await parseTask('summarize', options)];

async function folder(files: Readonly<Record<string, string | Uint8Array>> = {}): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'millrace-documents-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content);
  return path;
}

const model = (): ScriptedModel => scripted(({ text }) => `short of ${String(text.length)}`);

interface Line {
  readonly status: string;
  readonly input: { readonly id: string };
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: string };
}

const linesIn = async (out: string): Promise<readonly Line[]> =>
  (await readFile(join(out, 'results.jsonl'), 'utf8'))
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);

const run = (input: string, out: string, used: ScriptedModel, more: Partial<RunDocumentsOptions> = {}) =>
  runDocuments({ input: documentsIn(input), tasks: summarize, models: [{ name: 'scripted', resource: used }], out, ...more });

describe('a pile of documents', () => {
  it('has an answer for each document, in the order of the input, and what is wrong with one is told of it alone', async () => {
    const input = await folder({
      'a.txt': 'one',
      'b.txt': new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0, 1, 2, 3, 0, 0]),
      'c.txt': 'three',
      'd.txt': ' ',
    });
    const out = await folder();
    const summary = await run(input, out, model());
    const lines = await linesIn(out);
    expect(lines.map(({ status, input: { id }, error }) => [id, status, error?.code])).toEqual([
      ['a.txt', 'success', undefined],
      ['b.txt', 'error', 'unreadable_document'],
      ['c.txt', 'success', undefined],
      ['d.txt', 'error', 'unreadable_document'],
    ]);
    expect(summary).toMatchObject({ documents: 4, success: 2, error: 2, calls: 2, isComplete: true });
    const merged = JSON.parse(await readFile(join(out, 'merged.json'), 'utf8')) as { results: unknown[] };
    expect(merged).toMatchObject({ success_count: 2, error_count: 2, errors: [{ input: { id: 'b.txt' } }, { input: { id: 'd.txt' } }] });
    expect(merged.results).toEqual([lines[0], lines[2]]);
  });

  it('calls nothing for what was done before, and only what has changed', async () => {
    const input = await folder({ 'a.txt': 'one', 'b.txt': 'two' });
    const out = await folder();
    const used = model();
    await run(input, out, used);
    const first = await linesIn(out);
    expect(await run(input, out, used)).toMatchObject({ calls: 0, fromJournal: 2, success: 2 });
    expect((await linesIn(out)).map(({ result }) => result)).toEqual(first.map(({ result }) => result));
    await writeFile(join(input, 'b.txt'), 'another');
    expect(await run(input, out, used)).toMatchObject({ calls: 1, fromJournal: 1 });
    expect(used.stats.calls).toBe(3);
  });
});
