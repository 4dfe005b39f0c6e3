import { type OptionNames, requireBoolean, requireFunction, requireObject, requireOptions } from '../../check-options.ts';
import { OptionError, requireInteger, requireNumber, requireOneOf, requireText } from '../../errors.ts';
import { contextHeaderNames } from '../../record/record-context.ts';
import { type OpenContext, type Resource, sharedResource } from '../../resource.ts';
import { openedModel } from '../internal/opened-model.ts';
import type { Model, ModelBackend } from '../model.ts';
import { openClient } from './open-client.ts';
import { openAiBackend } from './openai-backend.ts';
import type { OpenAiCompatibleOptions } from './openai-compatible-options.ts';
import { serverProfiles } from './server-profile.ts';

export type { OpenAiCompatibleOptions } from './openai-compatible-options.ts';

/**
 * A model behind any server that speaks OpenAI's HTTP API: OpenAI, vLLM, llama-server, SGLang, Ollama, TGI, gateways; `server` says which. Built on the
 * official client, whose retries and time limit are off: there is one retry loop, the pipeline's. Opening asks the server
 * nothing, so it may start later.
 *
 * Headers in which a provider says what is left reach the budgets around a call (`withinBudget`), and what came of an answer that is cut off.
 * Token counts are estimates before a call; usage is the server's, or estimated, and then a warning says so once.
 * Holds one HTTP response per running call, read as fast as it comes, of `maxAnswerBytes` at most; an answer without a byte for 5 min is given up by
 * Node's fetch. Unsubscribing closes the connection. Fails with `model_unauthorized`, `model_not_found`, `model_rejected`,
 * `prompt_too_long`, `model_failed`, `model_unavailable`, and OverloadError (429, 503, 529) with what Retry-After says.
 * @throws OptionError at the call for options out of range.
 */
export function openAiCompatible(options: OpenAiCompatibleOptions): Resource<Model> {
  checkOpenAiOptions(options);
  return sharedResource(options.name ?? options.model, async (context) => {
    const { backend, close } = await openOpenAi(options, context);
    return openedModel(backend, close);
  });
}

/** The back end of it, for options that were checked. `close` ends its calls. */
export async function openOpenAi(
  options: OpenAiCompatibleOptions,
  { log }: Pick<OpenContext, 'log'>,
): Promise<{ readonly backend: ModelBackend; readonly close: () => Promise<void> }> {
  const { name = options.model } = options;
  const closing = new AbortController();
  const client = await openClient(options);
  const { origin, pathname } = new URL(options.baseUrl);
  const backend = openAiBackend({ client, name, shownUrl: `${origin}${pathname}`, options, log, closing: closing.signal });
  const close = (): Promise<void> => {
    closing.abort();
    return Promise.resolve();
  };
  return { backend, close };
}

export const openAiOptionNames: OptionNames<OpenAiCompatibleOptions> = {
  baseUrl: true,
  model: true,
  apiKey: true,
  name: true,
  embeddingModel: true,
  contextTokens: true,
  jsonSchema: true,
  tools: true,
  logProbabilities: true,
  maxTokensField: true,
  server: true,
  api: true,
  prices: true,
  idempotency: true,
  fetch: true,
  maxAnswerBytes: true,
  contextFields: true,
  extraBody: true,
};

/** @throws OptionError for options out of range. */
export function checkOpenAiOptions(options: OpenAiCompatibleOptions): void {
  requireOptions('openAiCompatible', options, openAiOptionNames);
  const { baseUrl, model, apiKey, name, embeddingModel, contextTokens, maxAnswerBytes, maxTokensField, contextFields = [] } = options;
  const url = URL.parse(baseUrl);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new OptionError('baseUrl must be an http or https URL, such as http://localhost:8080/v1');
  if (url.username !== '' || url.password !== '') throw new OptionError('baseUrl must not hold a user or password: pass the key as apiKey');
  if (baseUrl.includes('#'))
    throw new OptionError('baseUrl must not hold a #, behind which nothing is sent: the name of the model goes into model');
  requireText('model', model);
  requireServer(options);
  if (name !== undefined) requireText('name', name);
  if (embeddingModel !== undefined) requireText('embeddingModel', embeddingModel);
  // said without the value: a key with a line break from a file is the common case
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey))
    throw new OptionError('apiKey must be visible ASCII characters without white space (is there a line break at its end?)');
  if (maxTokensField !== undefined) requireOneOf('maxTokensField', maxTokensField, ['max_tokens', 'max_completion_tokens']);
  for (const field of contextFields) requireOneOf('contextFields', field, Object.keys(contextHeaderNames));
  if (contextTokens !== undefined) requireInteger('contextTokens', contextTokens, 1);
  if (maxAnswerBytes !== undefined) requireInteger('maxAnswerBytes', maxAnswerBytes, 1024);
}

function requireServer({
  server,
  api,
  prices,
  extraBody,
  idempotency,
  fetch: given,
  logProbabilities,
  jsonSchema,
  tools,
}: OpenAiCompatibleOptions): void {
  if (server !== undefined) requireOneOf('server', server, Object.keys(serverProfiles));
  if (api !== undefined) requireOneOf('api', api, ['chat', 'responses']);
  if (api === 'responses' && serverProfiles[server ?? 'generic'].responses === undefined)
    throw new OptionError(`api must be 'chat' for server: '${String(server)}', which has no Responses API`);
  if (idempotency !== undefined) requireBoolean('idempotency', idempotency);
  if (logProbabilities !== undefined) requireBoolean('logProbabilities', logProbabilities);
  if (jsonSchema !== undefined) requireBoolean('jsonSchema', jsonSchema);
  if (tools !== undefined) requireBoolean('tools', tools);
  if (tools === true && api === 'responses')
    throw new OptionError("tools are not passed on by the Responses API: leave tools or api: 'responses' out");
  if (given !== undefined) requireFunction('fetch', given, '(input, init) => Promise<Response>');
  if (extraBody !== undefined) requireObject('extraBody', extraBody);
  if (prices === undefined) return;
  requireObject('prices', prices);
  requireNumber('prices.inputPerMillion', prices.inputPerMillion, 0);
  requireNumber('prices.outputPerMillion', prices.outputPerMillion, 0);
  if (prices.cachedPerMillion !== undefined) requireNumber('prices.cachedPerMillion', prices.cachedPerMillion, 0);
}
