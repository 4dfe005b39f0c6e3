import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { namedModel, type NamedModelOptions } from '../../src/inference/named-model.ts';
import { allOf, resultOf } from '../helpers/result-of.ts';
import { makeGguf } from './llama/gguf/make-gguf.ts';

const program = new URL('../helpers/server-program.ts', import.meta.url).pathname;

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A folder with a model's file, and a program called llama-server that notes its arguments there, on the PATH. */
async function installed(): Promise<{ readonly folder: string; readonly file: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'named-model-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'small.gguf');
  await writeFile(file, makeGguf());
  const command = join(folder, 'llama-server');
  // it looks for the port among its arguments, as the real one does
  await writeFile(
    command,
    `#!/bin/sh\necho "$*" > "${folder}/args"\nwhile [ "$1" != --port ]; do shift; done\nexec "${process.execPath}" "${program}" "$2"\n`,
  );
  await chmod(command, 0o755);
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env['PATH'] ?? ''}`);
  return { folder, file };
}

async function answerOf(name: string, options: NamedModelOptions) {
  const context = { clock: systemClock, signal: new AbortController().signal, log: () => undefined };
  const { value, close } = await namedModel(name, options).open(context);
  onTestFinished(close);
  return { model: value, answer: await allOf(value.chat('Who are you?')) };
}

describe('a model by its name', () => {
  it.each([
    ['smollm2', 'llama(smollm2)'],
    ['hf:owner/repo/file.gguf', 'llama(hf:owner/repo/file.gguf)'],
    ['./a.gguf', 'llama(./a.gguf)'],
    ['llama-server:smollm2', 'server(smollm2)'],
    ['llama-server:hf:owner/repo/file.gguf', 'server(hf:owner/repo/file.gguf)'],
    ['server:/opt/vllm serve q --port {port}#q', 'server(q)'],
    ['http://localhost:8080/v1#qwen3', 'qwen3'],
    ['triton:http://localhost:8000#bert', 'bert'],
    ['triton:http://localhost:8000?generate=vllm&template=chatml#qwen3', 'qwen3'],
  ])('%s is %s', (name, expected) => {
    expect(namedModel(name).name).toBe(expected);
  });

  it.each<[string, NamedModelOptions, RegExp]>([
    ['', {}, /namedModel/],
    ['smollm3', {}, /llama-server:, server:command .*https:\/\/host\/v1#model, or triton:https:\/\/host#model; got "smollm3"/],
    ['reviews-data', {}, /expected the name of a model/],
    ['smollm2', { maxCalls: 65 }, /maxCalls must be at most 64 for a model in process/],
    ['llama-server:smollm3', {}, /smollm3/],
    ['llama-server:', {}, /model/],
    ['http://localhost:8080/v1', {}, /behind a #/],
    ['http://localhost:8080/v1#a#b', {}, /behind a #/],
    ['server:vllm serve q', {}, /a command, a # and a model/],
    ['triton:http://localhost:8000', {}, /a URL, a # and a model/],
    ['triton:http://localhost:8000?generate=vllm#q', {}, /template/],
    ['triton:http://localhost:8000?generate=vllm&tempalte=chatml#q', {}, /tempalte/],
    ['triton:localhost#q', {}, /url/],
    ['server:#q', {}, /a command, a # and a model/],
    ['server:vllm serve q#q', {}, /\{port\}/],
    ['smollm2', { maxCalls: 0 }, /maxCalls/],
  ])('%j with %j is refused', (name, options, message) => {
    expect(() => namedModel(name, options)).toThrow(message);
  });

  it('runs in llama-server where the name says so, with the file of the same name in process', async () => {
    const { folder, file } = await installed();
    const { answer, model } = await answerOf(`llama-server:${file}`, { maxCalls: 3 });
    expect(Number(answer[0]?.text)).toBeGreaterThan(0); // the program's process
    expect(await readFile(join(folder, 'args'), 'utf8')).toMatch(
      new RegExp(`^-m ${file} --host 127.0.0.1 --port \\d+ --threads \\d+ --parallel 3 --ctx-size 6144$`, 'm'),
    );
    expect(model.capabilities).toMatchObject({ completion: true, contextTokens: 2_048 }); // as llama-server can
    expect(await resultOf(model.state())).toMatchObject({ slots: 3 });
  });

  it('runs in any program, known by its name', async () => {
    const { folder } = await installed();
    const { answer, model } = await answerOf(`server:${folder}/llama-server --port {port}  -x 1#words`, {});
    expect(Number(answer[0]?.text)).toBeGreaterThan(0);
    expect(await readFile(join(folder, 'args'), 'utf8')).toMatch(/^--port \d+ -x 1$/m);
    expect(model.capabilities.completion).toBe(true);
  });
});
