import type { ChatTurn } from '../../../src/inference/model.ts';
import { Refusal } from './refusal.ts';
import type { Dialect } from './server-dialects.ts';
import { toyLogProbability } from './toy-language.ts';

type Body = Readonly<Record<string, unknown>>;

/** A request to the Responses API as the same to a chat: what the server does not know there is left out. */
export function asChatBody(body: Body, { maxTokensField, responses }: Dialect): Body {
  const { max_output_tokens: maxTokens, text, include, stop, seed, ...same } = body;
  if (stop !== undefined || seed !== undefined) throw new Refusal(400, { error: { message: 'Unknown parameter' } });
  const { format } = (text ?? {}) as { readonly format?: { readonly schema?: unknown } };
  return {
    ...same,
    [maxTokensField]: maxTokens,
    ...(responses?.schemas === true && format ? { response_format: { json_schema: { schema: format.schema } } } : {}),
    ...(responses?.tellsTokens === true && Array.isArray(include) ? { logprobs: true } : { top_logprobs: undefined }),
  };
}

interface Item {
  readonly type?: string;
  readonly role: ChatTurn['role'];
  readonly content: string | readonly { readonly type: string; readonly text: string }[];
}

export const turnsOfInput = ({ input }: Body, { responses }: Dialect): readonly ChatTurn[] =>
  (input as readonly Item[]).map(({ type, role, content }) => {
    if (typeof content === 'string') {
      if (role !== 'assistant' || responses?.takesOwnText === true) return { role, content };
    } else if (type === 'message' && role === 'assistant' && content.every((part) => part.type === 'output_text'))
      return { role, content: content.map((part) => part.text).join('') };
    throw new Refusal(400, { error: { code: 400, message: "Cannot determine type of 'item'", type: 'invalid_request_error' } });
  });

interface Telling {
  readonly isCut: boolean;
  readonly alternatives: number | undefined;
  /** What the first token could have been. */
  readonly tops: readonly { readonly token: string; readonly logProbability: number }[] | undefined;
  readonly usage: Body;
  readonly dialect: Dialect;
}

/** The events of an answer, each with its name before it. */
export function* responseEvents(tokens: readonly string[], { isCut, alternatives, tops, usage, dialect }: Telling): Generator<string> {
  let number = 0;
  const event = (type: string, more: Body): string => {
    number += 1;
    return `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: number, ...more })}\n\n`;
  };
  const response = (status: string, more: Body = {}): Body => ({
    response: { id: 'resp_1', object: 'response', status, model: 'served', ...more },
  });
  yield event('response.created', response('in_progress', { output: [] }));
  for (const [index, token] of tokens.entries()) {
    const one = alternatives === undefined ? undefined : toyLogProbability(token, alternatives);
    const top = (index === 0 ? tops?.slice(0, alternatives) : undefined) ?? one?.top;
    const logprobs = one && [
      {
        token,
        logprob: one.logProbability,
        top_logprobs: top?.map(({ token: other, logProbability }) => ({ token: other, logprob: logProbability })),
      },
    ];
    yield event('response.output_text.delta', { item_id: 'msg_1', delta: token, ...(logprobs ? { logprobs } : {}) });
  }
  const { prompt_tokens: input, completion_tokens: output, total_tokens: total, prompt_tokens_details: details } = usage;
  const told = { usage: { input_tokens: input, output_tokens: output, total_tokens: total, input_tokens_details: details } };
  if (isCut && dialect.responses?.tellsCut === true)
    yield event('response.incomplete', response('incomplete', { ...told, incomplete_details: { reason: 'max_output_tokens' } }));
  else yield event('response.completed', response('completed', told));
}
