import { throwError } from 'rxjs';
import { InferenceError } from '../../errors.ts';
import { withInstruction } from '../internal/prompt.ts';
import type { ChatTurn, ModelBackend, Usage } from '../model.ts';
import { chatRequest } from './chat-request.ts';
import { type FirstToken, labelLogProbabilitiesOf } from './label-tokens.ts';
import { type ModelCalls, outputOf } from './model-calls.ts';
import { readChat, usageFrom } from './read-chat.ts';
import { stopTokenIds } from './stop-token-ids.ts';
import { wholeAnswer } from './whole-answer.ts';

type Answers = Pick<ModelBackend, 'chat' | 'labelLogProbabilities'>;

/** Answers by `/chat/completions`. */
export function chatAnswers(calls: ModelCalls): Answers {
  const { client, request, estimated, settings, shownUrl } = calls;
  const stopTokens = stopTokenIds(calls);
  return {
    chat: (turns, chat, ctx) => {
      if (!settings.profile.chat) return throwError(() => noChat(shownUrl));
      const body = { ...chatRequest(turns, chat, settings), stream: true as const, stream_options: { include_usage: true } };
      return request(ctx, body, async function* (asked) {
        const stream = await client.chat.completions.create({ ...body, ...(await stopTokens(chat.stopTokens, asked)) }, asked);
        const estimate = (pieces: number, chars: number): Usage => estimated(turns, outputOf(pieces, chars));
        yield* readChat(stream, { estimate, logProbabilities: chat.logProbabilities, tools: chat.tools !== undefined });
      });
    },
    labelLogProbabilities: (turns, labels, ctx) => {
      const instructed = askForLabel(turns, labels);
      const body = {
        ...chatRequest(instructed, { maxTokens: 1, temperature: 0 }, settings),
        stream: false as const,
        logprobs: true,
        top_logprobs: settings.profile.alternatives || mostAlternatives,
      };
      return request(ctx, body, async function* (asked) {
        const reply = wholeAnswer(await client.chat.completions.create(body, asked), shownUrl);
        const [choice] = reply.choices;
        if (choice === undefined) throw new InferenceError('model_failed', `expected an answer with choices from ${shownUrl}, got none`);
        const first = choice.logprobs?.content?.[0]?.top_logprobs;
        yield { logProbabilities: labelsFrom(first, labels, shownUrl), usage: usageFrom(reply.usage) ?? estimated(instructed, 1) };
      });
    },
  };
}

/** As many as OpenAI gives; others cut it. */
export const mostAlternatives = 20;

/** A prompt whose answer begins with a label. */
export const askForLabel = (turns: readonly ChatTurn[], labels: readonly string[]): readonly ChatTurn[] =>
  withInstruction(turns, `Answer with one of these words and nothing else: ${labels.join(', ')}`);

const noChat = (shownUrl: string): InferenceError =>
  new InferenceError('capability_missing', `the server at ${shownUrl} embeds and ranks (server: 'tei'), it does not chat`);

/** @throws InferenceError `capability_missing` where nothing was told, `answer_invalid` where no label was among what was. */
export function labelsFrom(first: readonly FirstToken[] | undefined, labels: readonly string[], shownUrl: string): readonly number[] {
  if (first === undefined)
    throw new InferenceError('capability_missing', `expected top_logprobs from ${shownUrl}, got none; set logProbabilities: false`);
  const found = labelLogProbabilitiesOf(first, labels);
  if (found !== undefined) return found;
  throw new InferenceError(
    'answer_invalid',
    `expected an answer that begins with one of the labels, got none among its ${String(first.length)} likeliest tokens`,
  );
}
