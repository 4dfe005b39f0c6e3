import type { ResponseCreateParamsStreaming } from 'openai/resources/responses/responses';
import { InferenceError } from '../../errors.ts';
import type { ChatOptions, ChatTurn } from '../model.ts';
import type { RequestSettings } from './chat-request.ts';
import { isStrictSchema } from './is-strict-schema.ts';

/**
 * The body of a request to the Responses API; `extraBody` goes last. Nothing is stored (OpenAI would keep prompts and answers for 30 days),
 * and nothing is cut from a prompt.
 * @throws InferenceError `capability_missing` for stop strings, which this API does not know.
 */
export function responsesRequest(
  turns: readonly ChatTurn[],
  { maxTokens, temperature, topP, stop, jsonSchema, logProbabilities }: ChatOptions,
  { model, extraBody, profile }: RequestSettings,
): ResponseCreateParamsStreaming {
  if (stop !== undefined && stop.length > 0)
    throw new InferenceError('capability_missing', 'the Responses API knows no stop strings: leave stop out, or leave out api');
  return {
    model,
    input: turns.map((turn) => (turn.role === 'assistant' && profile.responses?.ownTurns === 'item' ? itemOf(turn) : inputOf(turn))),
    ...(maxTokens === undefined ? {} : { max_output_tokens: maxTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(logProbabilities === undefined
      ? {}
      : { include: ['message.output_text.logprobs' as const], top_logprobs: Math.max(1, logProbabilities) }),
    ...(jsonSchema === undefined
      ? {}
      : {
          text: {
            format: { type: 'json_schema' as const, name: 'answer', schema: { ...jsonSchema }, strict: isStrictSchema(jsonSchema) },
          },
        }),
    store: false,
    stream: true,
    ...extraBody,
  };
}

type Input = Exclude<ResponseCreateParamsStreaming['input'], string | undefined>[number];

const inputOf = ({ role, content }: ChatTurn): Input => ({ role, content });

/** llama-server takes this alone ("Cannot determine type of 'item'" otherwise), and asks for none of the ids that the type has. */
const itemOf = ({ content }: ChatTurn): Input =>
  ({ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: content }] }) as unknown as Input;
