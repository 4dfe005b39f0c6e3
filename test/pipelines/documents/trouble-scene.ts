import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { runDocuments } from '../../../pipelines/documents/run-documents.ts';
import type { RunDocumentsOptions } from '../../../pipelines/documents/run-options.ts';
import { parseTask } from '../../../pipelines/documents/tasks/parse-task.ts';
import type { ScriptedModel } from '../../../src/inference/scripted/scripted.ts';
import { documentsIn } from '../../../src/text/documents-in.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';

const summarize = await parseTask('summarize', { vote: 'weighted', slots: 'bare' });

/** A folder with files, gone after the test. */
export async function folder(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'millrace-documents-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content);
  return path;
}

interface Line {
  readonly status: string;
  readonly degraded?: readonly string[];
  readonly partial?: readonly { readonly task: string; readonly chunks: number; readonly of: number }[];
  readonly error?: { readonly code: string };
}

/** The answers that are there: of a complete run, or so far. */
export const linesIn = async (out: string): Promise<readonly Line[]> =>
  (await readFile(join(out, 'results.jsonl'), 'utf8').catch(() => readFile(join(out, 'results.part.jsonl'), 'utf8')))
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);

/** In virtual time, which goes on while files are read and written, too: `stepMs` a turn. `seconds` are those from the first answer on. */
export async function run(
  used: ScriptedModel,
  files: Readonly<Record<string, string>>,
  more: Partial<RunDocumentsOptions> = {},
  stepMs = 50,
) {
  let firstMs: number | undefined;
  const clock = virtualClock(1_000_000);
  const [input, out] = [await folder(files), more.out ?? (await folder())];
  const running = runDocuments({
    ...{ input: documentsIn(input), tasks: [summarize], models: [{ name: 'scripted', resource: used }], clock },
    onCall: () => (firstMs ??= clock.nowMs()),
    ...more,
    out,
  }).then(
    (summary) => ({ summary, error: undefined }),
    (error: unknown) => ({ summary: undefined, error }),
  );
  const state = { isOver: false };
  void running.then(() => (state.isOver = true));
  while (!state.isOver) {
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(stepMs);
  }
  return {
    ...(await running),
    lines: await linesIn(out).catch(() => []),
    seconds: (clock.nowMs() - (firstMs ?? clock.nowMs())) / 1000,
    out,
  };
}
