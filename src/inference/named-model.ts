import { availableParallelism } from 'node:os';
import { requireOptions } from '../check-options.ts';
import { OptionError, requireInteger, requireText } from '../errors.ts';
import { type Resource, sharedResource } from '../resource.ts';
import { findModel, isModelPath, modelNamed } from './llama/find-model.ts';
import { llama } from './llama/llama.ts';
import { resolveLlamaOptions } from './llama/llama-options.ts';
import type { Model } from './model.ts';
import { openAiCompatible } from './openai/openai-compatible.ts';
import { server, type ServerOptions } from './openai/server/server.ts';
import { triton } from './triton/triton.ts';
import type { GenerateOptions } from './triton/triton-options.ts';

export interface NamedModelOptions {
  /** Calls at once, 1 to 256: sequences of `llama`, which has 64 at most, places in a program that is started, nothing for an endpoint. @defaultValue 4 */
  readonly maxCalls?: number;
  /** For an endpoint, or a program that asks for one; never shown. @defaultValue none is sent */
  readonly apiKey?: string;
}

/** Tokens of prompt and answer together, for each call: as `llama` has them, unless the model was trained with less. */
const contextTokens = 2_048;

/** What `llama` takes. */
const mostSequences = 64;

const programs: Readonly<Record<string, NonNullable<ServerOptions['server']>>> = {
  'llama-server': 'llama-server',
  vllm: 'vllm',
  ollama: 'ollama',
  'text-generation-launcher': 'tgi',
};

/**
 * A model by its name alone, so that configuration decides where it runs, and no code changes. Use it where a model comes from a setting; what the forms do
 * not say is for `llama`, `server` and `openAiCompatible`.
 *
 * | name | is |
 * |---|---|
 * | `smollm2`, `hf:owner/repo/file.gguf`, a path | `llama`: in process |
 * | `llama-server:` before one of these | `server`: the program llama-server of the PATH, with the same file |
 * | `server:` a command with `{port}` in it, `#` and the model's name there | `server`: any program, its arguments divided by blanks |
 * | `https://…/v1#` the model's name there | `openAiCompatible` |
 * | `triton:https://…#` the model's name there | `triton`: tensors; `triton:https://…?generate=vllm&template=chatml#` for a model that writes |
 *
 * @throws OptionError for a name that has none of these forms, and for options out of range.
 */
export function namedModel(name: string, options: NamedModelOptions = {}): Resource<Model> {
  requireText('namedModel', name);
  requireOptions('namedModel', options, { maxCalls: true, apiKey: true });
  const { maxCalls = 4, apiKey } = options;
  requireInteger('namedModel.maxCalls', maxCalls, 1, 256);
  const key = apiKey === undefined ? {} : { apiKey };
  if (/^https?:/i.test(name)) {
    const { before, model } = atHash(name, 'a URL must name the model behind a #, as in http://localhost:8080/v1#qwen3');
    return openAiCompatible({ baseUrl: before, model, ...key });
  }
  const [, form, rest = ''] = /^(llama-server|server|triton):(.*)$/s.exec(name) ?? [];
  if (form === 'triton') return tritonNamed(rest, key);
  if (form === 'llama-server') return llamaServer(rest, maxCalls);
  if (form === 'server') {
    const { before, model } = atHash(rest, 'server: must be a command, a # and a model, as in server:vllm serve qwen3 --port {port}#qwen3');
    const [command = '', ...args] = before.split(/\s+/).filter((one) => one !== '');
    const kind = programs[command.replace(/^.*[\\/]/, '')];
    return server({ command, args, model, maxCalls, ...(kind && { server: kind }), ...key });
  }
  requireKnown(name);
  if (maxCalls > mostSequences)
    throw new OptionError(
      `namedModel.maxCalls must be at most ${String(mostSequences)} for a model in process, got ${String(maxCalls)}: lower it, or run the model in a program of its own (llama-server:${name})`,
    );
  return llama({ model: name, sequences: maxCalls });
}

/** @throws OptionError that says all forms: whoever writes a setting does not see the code. */
function requireKnown(name: string): void {
  if (isModelPath(name)) return;
  try {
    modelNamed(name);
  } catch {
    throw new OptionError(
      `expected the name of a model: smollm2, hf:owner/repo/file.gguf, the path of a GGUF file, one of these behind llama-server:, server:command --port {port}#model, https://host/v1#model, or triton:https://host#model; got ${JSON.stringify(name)}`,
    );
  }
}

/** What writes is said in the query. */
function tritonNamed(text: string, key: { readonly apiKey?: string }): Resource<Model> {
  const expected = 'on Triton must be a URL, a # and a model, as in triton:http://localhost:8000?generate=vllm&template=chatml#qwen3';
  const { before, model } = atHash(text, expected);
  const [url = '', query] = before.split('?');
  if (query === undefined) return triton({ url, model, ...key });
  const { generate: backend, template, ...others } = Object.fromEntries(new URLSearchParams(query));
  if (Object.keys(others).length > 0)
    throw new OptionError(`the name of a model that is ${expected}, got ${Object.keys(others).join(', ')}`);
  // what they may be is checked there
  return triton({ url, model, ...key, generate: { backend, template } as GenerateOptions });
}

function atHash(text: string, expected: string): { readonly before: string; readonly model: string } {
  const [before = '', model = '', ...rest] = text.split('#');
  if (before.trim() === '' || model === '' || rest.length > 0) throw new OptionError(`the name of a model that is ${expected}`);
  return { before, model };
}

/** With the options that `llama` has by itself, so that they can be compared. */
function llamaServer(model: string, maxCalls: number): Resource<Model> {
  const found = resolveLlamaOptions({ model });
  requireKnown(model);
  return sharedResource(`server(${model})`, async (context) => {
    const { path } = await findModel(found, context);
    const threads = Math.max(1, availableParallelism() - 1);
    const args = [
      ...['-m', path, '--host', '{host}', '--port', '{port}', '--threads', String(threads)],
      ...['--parallel', String(maxCalls), '--ctx-size', String(maxCalls * contextTokens)],
    ];
    return server({ command: 'llama-server', args, server: 'llama-server', model, contextTokens, maxCalls }).open(context);
  });
}
