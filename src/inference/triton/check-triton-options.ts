import { type OptionNames, requireBoolean, requireFunction, requireObject, requireOptions } from '../../check-options.ts';
import { OptionError, requireInteger, requireNumber, requireOneOf, requireText } from '../../errors.ts';
import { contextHeaderNames } from '../../record/record-context.ts';
import type { ClassifyTask, GenerateOptions, TritonOptions } from './triton-options.ts';

const names: OptionNames<TritonOptions> = {
  ...{ url: true, model: true, version: true, apiKey: true, headers: true, name: true, generate: true, tasks: true, binary: true },
  ...{ outputs: true, classification: true, parameters: true, priority: true, tellsTimeout: true, sequence: true, batch: true },
  ...{
    compression: true,
    contextTokens: true,
    prices: true,
    fetch: true,
    maxRequestBytes: true,
    maxAnswerBytes: true,
    contextFields: true,
  },
};

/** @throws OptionError for options out of range. */
export function checkTritonOptions(options: TritonOptions): void {
  requireOptions('triton', options, names);
  requireAddress(options);
  const {
    generate,
    tasks,
    contextTokens,
    maxRequestBytes,
    maxAnswerBytes,
    contextFields = [],
    compression,
    prices,
    binary,
    tellsTimeout,
  } = options;
  if (generate !== undefined) requireGenerate(generate);
  if (tasks !== undefined) {
    requireOptions('tasks', tasks, { embed: true, classify: true });
    if (tasks.embed !== undefined) requireTask('tasks.embed', tasks.embed);
    if (tasks.classify !== undefined) requireClassify(tasks.classify);
  }
  requireTensorOptions(options);
  if (compression !== undefined) requireOneOf('compression', compression, ['none', 'gzip', 'deflate']);
  if (binary !== undefined) requireBoolean('binary', binary);
  if (tellsTimeout !== undefined) requireBoolean('tellsTimeout', tellsTimeout);
  for (const field of contextFields) requireOneOf('contextFields', field, Object.keys(contextHeaderNames));
  if (contextTokens !== undefined) requireInteger('contextTokens', contextTokens, 1);
  if (maxRequestBytes !== undefined) requireInteger('maxRequestBytes', maxRequestBytes, 1024);
  if (maxAnswerBytes !== undefined) requireInteger('maxAnswerBytes', maxAnswerBytes, 1024);
  if (options.fetch !== undefined) requireFunction('fetch', options.fetch, '(input, init) => Promise<Response>');
  if (prices === undefined) return;
  requireObject('prices', prices);
  requireNumber('prices.inputPerMillion', prices.inputPerMillion, 0);
  requireNumber('prices.outputPerMillion', prices.outputPerMillion, 0);
}

function requireAddress({ url: given, model, version, name, apiKey, headers = {} }: TritonOptions): void {
  const url = URL.parse(given);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new OptionError('url must be an http or https URL, such as http://localhost:8000');
  if (url.username !== '' || url.password !== '') throw new OptionError('url must not hold a user or password: pass the key as apiKey');
  if (url.search !== '' || url.hash !== '' || /\/v2\/?$/.test(url.pathname))
    throw new OptionError('url must be the address of the server alone, such as http://localhost:8000, without /v2, ? and #');
  requireText('model', model);
  if (version !== undefined) requireText('version', version);
  if (name !== undefined) requireText('name', name);
  // said without the value
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey))
    throw new OptionError('apiKey must be visible ASCII characters without white space (is there a line break at its end?)');
  requireObject('headers', headers);
  for (const [header, value] of Object.entries(headers))
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(header) || typeof value !== 'string' || !/^[\x20-\x7e]*$/.test(value))
      throw new OptionError(`headers.${header} must be a header's name with a value of visible ASCII characters`);
}

function requireGenerate(generate: GenerateOptions): void {
  requireOptions('generate', generate, { backend: true, template: true, stream: true, jsonSchema: true });
  const { backend, template, stream, jsonSchema } = generate;
  requireOneOf('generate.backend', backend, ['vllm', 'tensorrt-llm']);
  if (typeof template !== 'function') requireOneOf('generate.template', template, ['chatml', 'llama-3', 'gemma']);
  if (stream !== undefined) requireBoolean('generate.stream', stream);
  if (jsonSchema !== undefined) requireBoolean('generate.jsonSchema', jsonSchema);
}

function requireTask(of: string, task: { readonly input: string; readonly output: string; readonly model?: string }): void {
  requireOptions<Partial<ClassifyTask>>(of, task, { input: true, output: true, model: true, labels: true, scores: true });
  requireText(`${of}.input`, task.input);
  requireText(`${of}.output`, task.output);
  if (task.model !== undefined) requireText(`${of}.model`, task.model);
}

function requireClassify(task: ClassifyTask): void {
  requireTask('tasks.classify', task);
  const { labels, scores } = task;
  if (!Array.isArray(labels) || labels.length < 2 || new Set(labels).size < labels.length)
    throw new OptionError('tasks.classify.labels must be a list of at least two different texts, in the order of the columns');
  if (scores !== undefined) requireOneOf('tasks.classify.scores', scores, ['logits', 'probabilities', 'log-probabilities']);
}

function requireTensorOptions({ outputs = [], classification = {}, parameters = {}, priority, sequence, batch }: TritonOptions): void {
  for (const output of outputs) requireText('outputs', output);
  requireObject('classification', classification);
  for (const [output, count] of Object.entries(classification)) requireInteger(`classification.${output}`, count, 1);
  requireObject('parameters', parameters);
  for (const [name, value] of Object.entries(parameters)) {
    if (/^(sequence_|triton_|priority$|timeout$|headers$|binary_data)/.test(name))
      throw new OptionError(`parameters.${name} is the server's own: there are options for it`);
    if (!['string', 'number', 'boolean'].includes(typeof value))
      throw new OptionError(`parameters.${name} must be a text, a number or a boolean`);
  }
  if (priority !== undefined) requireFunction('priority', priority, '(ctx) => number');
  if (sequence !== undefined) requireFunction('sequence', sequence, '(ctx) => ({ id, start, end })');
  if (batch === undefined) return;
  requireOptions('batch', batch, { maxWaitMs: true, maxRows: true });
  requireNumber('batch.maxWaitMs', batch.maxWaitMs, 0, 60_000);
  if (batch.maxRows !== undefined) requireInteger('batch.maxRows', batch.maxRows, 1);
  if (sequence !== undefined) throw new OptionError('batch must be left out beside sequence: requests of a sequence are not joined');
}
