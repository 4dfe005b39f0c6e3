import { defer } from 'rxjs';
import type { ChatOptions, ChatTurn, ModelBackend, TokenLogProbability, Usage } from '../model.ts';
import { askForLabel, labelsFrom, mostAlternatives } from './chat-answers.ts';
import { type Asked, type ModelCalls, outputOf } from './model-calls.ts';
import { readChat } from './read-chat.ts';
import { responsesAsChat } from './responses-as-chat.ts';
import { responsesRequest } from './responses-request.ts';

/** OpenAI takes no less. */
const leastMaxTokens = 16;

/** Answers by `/responses`. */
export function responsesAnswers({
  client,
  request,
  estimated,
  settings,
  shownUrl,
}: ModelCalls): Pick<ModelBackend, 'chat' | 'labelLogProbabilities'> {
  const tellsCut = settings.profile.responses?.tellsCut ?? true;
  const asking = (turns: readonly ChatTurn[], options: ChatOptions) => {
    const body = responsesRequest(turns, options, settings);
    const estimate = (pieces: number, chars: number): Usage => estimated(turns, outputOf(pieces, chars));
    const read = async function* (asked: Asked) {
      const events = await client.responses.create(body, asked);
      const chunks = responsesAsChat(events, { maxTokens: tellsCut ? undefined : options.maxTokens });
      yield* readChat(chunks, { estimate, logProbabilities: options.logProbabilities });
    };
    return { body, read };
  };
  return {
    chat: (turns, chat, ctx) =>
      defer(() => {
        const { body, read } = asking(turns, chat);
        return request(ctx, body, read);
      }),
    labelLogProbabilities: (turns, labels, ctx) => {
      const options = { maxTokens: leastMaxTokens, temperature: 0, logProbabilities: mostAlternatives };
      const { body, read } = asking(askForLabel(turns, labels), options);
      return request(ctx, body, async function* (asked) {
        let first: TokenLogProbability | undefined;
        for await (const { tokens, usage } of read(asked)) {
          first ??= tokens?.[0];
          if (usage === undefined) continue;
          const top = first?.top.map(({ token, logProbability }) => ({ token, logprob: logProbability }));
          yield { logProbabilities: labelsFrom(top, labels, shownUrl), usage };
        }
      });
    },
  };
}
