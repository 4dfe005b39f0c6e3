import type { LoadPlan } from './load-plan.ts';
import type { LoadPrompt } from './prompts.ts';
import type { TargetKind } from './target-kind.ts';

/** The body of one request, as JSON: what the kind of target asks for, and what the plan adds. */
export function requestBody({ target, model, maxTokens, body }: LoadPlan, prompt: LoadPrompt, user: string | undefined): string {
  if ('body' in prompt) return JSON.stringify(prompt.body);
  return JSON.stringify({
    ...asked(target.kind, prompt),
    ...limits(target.kind, maxTokens, user),
    ...(model === undefined ? {} : { model }),
    ...body,
  });
}

function asked(kind: TargetKind, prompt: Exclude<LoadPrompt, { readonly body: unknown }>): Readonly<Record<string, unknown>> {
  if (kind === 'openai-chat') return { messages: 'messages' in prompt ? prompt.messages : [{ role: 'user', content: prompt.prompt }] };
  if (kind !== 'openai-completions' || 'prompt' in prompt) return prompt;
  return { prompt: prompt.messages.map((turn) => contentOf(turn)).join('\n') };
}

const contentOf = (turn: unknown): string => {
  const { content } = (turn ?? {}) as { readonly content?: unknown };
  return typeof content === 'string' ? content : '';
};

function limits(kind: TargetKind, maxTokens: number, user: string | undefined): Readonly<Record<string, unknown>> {
  const isOpenAi = kind === 'openai-chat' || kind === 'openai-completions';
  return {
    max_tokens: maxTokens,
    stream: true,
    ...(isOpenAi ? { stream_options: { include_usage: true } } : {}),
    ...(user === undefined ? {} : isOpenAi ? { user } : { user_id: user }),
  };
}
