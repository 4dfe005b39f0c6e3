import { defer, of } from 'rxjs';
import { estimatePromptTokens, estimateTokens } from '../internal/estimate-tokens.ts';
import type { ModelBackend, ModelCapabilities, Usage } from '../model.ts';
import { chatAnswers } from './chat-answers.ts';
import { completionRequest } from './chat-request.ts';
import { endpointUrl } from './endpoint-url.ts';
import { type ModelCalls, modelCalls, type OpenAiConnection, outputOf } from './model-calls.ts';
import { asChat, readChat } from './read-chat.ts';
import { readEmbeddings } from './read-embeddings.ts';
import { readRanking } from './read-ranking.ts';
import { responsesAnswers } from './responses-answers.ts';
import type { ServerProfile } from './server-profile.ts';
import { stopTokenIds } from './stop-token-ids.ts';
import { wholeAnswer } from './whole-answer.ts';

/** The calls of one model, over a client. Each is one request, which unsubscribing aborts. */
export function openAiBackend(connection: OpenAiConnection): ModelBackend {
  const { name, options } = connection;
  const calls = modelCalls(connection);
  const { profile } = calls.settings;
  return {
    name,
    capabilities: capabilitiesOf(calls),
    ...(options.prices && { prices: options.prices }),
    ...(options.api === 'responses' ? responsesAnswers(calls) : chatAnswers(calls)),
    ...(profile.completion && continuation(calls)),
    ...(profile.reranking && ranking(calls, profile.reranking)),
    embed: (texts, ctx) => {
      const { embeddingModel = options.model } = options;
      const body = { model: embeddingModel, input: [...texts], encoding_format: 'float' as const };
      return calls.request(ctx, body, async function* (asked) {
        const reply = wholeAnswer(await connection.client.embeddings.create(body, asked), connection.shownUrl);
        yield readEmbeddings(reply, texts, embeddingModel);
      });
    },
    countTokens: (turns) => of(estimatePromptTokens(turns)),
  };
}

function capabilitiesOf({ options, settings: { profile } }: ModelCalls): ModelCapabilities {
  const { alternatives, sampling, jsonSchema } = options.api === 'responses' && profile.responses ? profile.responses : profile;
  const logProbabilities = options.logProbabilities ?? alternatives > 0;
  const others = sampling.filter((one) => one !== 'logProbabilities');
  return {
    contextTokens: options.contextTokens,
    jsonSchema: options.jsonSchema ?? jsonSchema,
    logProbabilities,
    embeddings: profile.embeddings,
    completion: profile.completion !== undefined,
    reranking: profile.reranking !== undefined,
    tensors: false,
    tools: options.tools ?? (profile.tools && options.api !== 'responses'),
    sampling: logProbabilities ? [...others, 'logProbabilities'] : others,
    exactTokens: false,
  };
}

function continuation(calls: ModelCalls): Pick<ModelBackend, 'complete'> {
  const { client, request, estimated, settings } = calls;
  const stopTokens = stopTokenIds(calls);
  return {
    complete: (text, options, ctx) =>
      defer(() => {
        const body = { ...completionRequest(text, options, settings), stream: true as const, stream_options: { include_usage: true } };
        return request(ctx, body, async function* (asked) {
          const stream = await client.completions.create({ ...body, ...(await stopTokens(options.stopTokens, asked)) }, asked);
          const turns = [{ role: 'user', content: text }] as const;
          const estimate = (pieces: number, chars: number): Usage => estimated(turns, outputOf(pieces, chars));
          yield* readChat(asChat(stream), { estimate, logProbabilities: options.logProbabilities });
        });
      }),
  };
}

const ranking = (
  { client, request, options, settings }: ModelCalls,
  { path, documentsField }: NonNullable<ServerProfile['reranking']>,
): Pick<ModelBackend, 'rerank'> => ({
  rerank: (query, documents, ctx) => {
    const url = endpointUrl(options.baseUrl, path);
    const body = { model: settings.model, query, [documentsField]: [...documents] };
    return request(ctx, body, async function* (asked) {
      const { scores, usage } = readRanking(wholeAnswer(await client.post(url, { body, ...asked }), url), documents.length);
      const inputTokens = documents.reduce((sum, one) => sum + estimateTokens(query) + estimateTokens(one), 0);
      yield { scores, usage: usage ?? { inputTokens, cachedTokens: 0, outputTokens: 0, totalTokens: inputTokens } };
    });
  },
});
