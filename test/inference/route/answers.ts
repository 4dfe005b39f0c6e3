import { lastValueFrom, type Observable } from 'rxjs';
import { z } from 'zod';
import { completeModel } from '../../../src/inference/complete-model.ts';
import { definePrompt } from '../../../src/inference/define-prompt.ts';
import type { ChatChunk, Model } from '../../../src/inference/model.ts';
import { answering, type AnsweringModel, type AnsweringOptions } from '../../../src/inference/route/answering.ts';
import { scripted } from '../../../src/inference/scripted/scripted.ts';
import { type VirtualClock, virtualClock } from '../../../src/virtual-clock.ts';
import { within } from '../../helpers/scope.ts';
import { fakeBackend, type Said } from '../fake-backend.ts';
import { calmScope, openContext } from './opened.ts';

export const schema = z.object({ mood: z.enum(['good', 'bad']) });
export const good = '{"mood":"good"}';
/** 4 tokens of fixed text, as the scripted model counts. */
export const prompt = definePrompt<{ readonly title?: string; readonly text: string }>({
  name: 'mood',
  version: '1',
  user: ['Which mood has this text?', ({ title = '' }) => title, ({ text }) => text],
  slots: 'bare',
});
export const words = (count: number): string => Array.from({ length: count }, (_, at) => `w${String(at)}`).join(' ');

/** A model with room for so many tokens, which keeps what it was asked. */
export function modelOf(says: string, contextTokens: number | undefined, name = 'small') {
  const seen: string[] = [];
  const script = ({ text }: { readonly text: string }): string => {
    seen.push(text);
    return says;
  };
  return { model: scripted(script, { name, capabilities: { contextTokens } }), seen };
}

export async function open(options: AnsweringOptions): Promise<{ readonly clock: VirtualClock; readonly model: AnsweringModel }> {
  const clock = virtualClock();
  return { clock, model: (await answering(options).open(openContext(clock))).value };
}

export async function resultIn<T>(clock: VirtualClock, call: Observable<T>, scope = calmScope(clock)): Promise<T> {
  const result = lastValueFrom(within(scope, call));
  void result.catch(() => undefined);
  await clock.advance(1_000);
  return result;
}
export const textOf = (chunks: readonly ChatChunk[]): string => chunks.map(({ text }) => text).join('');

/** Says one thing after the other. */
export const saying = (...says: readonly Said[]): Model => completeModel(fakeBackend(says));
export const answer = { maxTokens: 10, schema };
