import type { Observable } from 'rxjs';
import { currentScope } from '../../call.ts';
import type { Prompt } from '../model.ts';
import { identityOf } from './prompt.ts';

/** The record's output says which prompts were asked for it. */
export const naming =
  <T>(asked: Prompt, work: () => Observable<T>) =>
  (): Observable<T> => {
    const prompt = identityOf(asked);
    if (prompt !== undefined) currentScope().used?.({ prompt, inputTokens: 0, cachedTokens: 0, outputTokens: 0 });
    return work();
  };
