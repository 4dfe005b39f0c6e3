import type { ChatTurn, Model, Prompt } from '../model.ts';
import { answerWith } from './answer.ts';
import { missing } from './capability.ts';
import { resolveChatOptions } from './chat-options.ts';
import { requireString } from './check-texts.ts';
import { classifyWith } from './classify-labels.ts';
import { endsProperly } from './collect.ts';
import { Leanings } from './leanings.ts';
import type { MeteredBackend } from './metered-backend.ts';
import { naming } from './naming.ts';
import { turnsOf, withoutTools } from './prompt.ts';
import type { Runner } from './runner.ts';

/** The calls of a model whose results are text, or made of it. Options are checked at the call, the rest when it is subscribed to. */
export function textCalls(backend: MeteredBackend, runner: Runner): Pick<Model, 'chat' | 'complete' | 'answer' | 'classify'> {
  const leanings = new Leanings();
  const asked = (prompt: Prompt): readonly ChatTurn[] =>
    backend.capabilities.tools === true ? turnsOf(prompt) : withoutTools(turnsOf(prompt));
  return {
    chat: (prompt, options, ctx) => {
      const turns = asked(prompt);
      const resolved = resolveChatOptions(options);
      return runner.ask(
        turns,
        options,
        ctx,
        naming(prompt, () => backend.chat(turns, resolved, ctx).pipe(endsProperly())),
      );
    },
    complete: (text, options, ctx) => {
      requireString('text', text);
      const resolved = resolveChatOptions(options, 'complete');
      const work = () => backend.complete?.(text, resolved, ctx).pipe(endsProperly()) ?? missing(backend.name, 'completion');
      return runner.ask(turnsOf(text), options, ctx, work);
    },
    answer: (prompt, options, ctx) => {
      const turns = asked(prompt);
      const answer = answerWith(backend, turns, options, ctx);
      return runner.ask(
        turns,
        options,
        ctx,
        naming(prompt, () => answer),
      );
    },
    classify: (prompt, options, ctx) => {
      const turns = asked(prompt);
      const classification = classifyWith(backend, turns, options, ctx, leanings);
      return runner.ask(
        turns,
        undefined,
        ctx,
        naming(prompt, () => classification),
      );
    },
  };
}
