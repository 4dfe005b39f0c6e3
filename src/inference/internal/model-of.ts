import { defer, EMPTY, map, type Observable, of } from 'rxjs';
import type { Model, Prompt } from '../model.ts';
import { resolveChatOptions } from './chat-options.ts';
import { dataCalls } from './data-calls.ts';
import type { MeteredBackend } from './metered-backend.ts';
import { turnsOf } from './prompt.ts';
import { Runner } from './runner.ts';
import { textCalls } from './text-calls.ts';

/** A model of a back end whose answers are counted already, or by somebody else. `runner`: where calls of its own run beside those made here. */
export function modelOf(backend: MeteredBackend, runner = new Runner(backend)): Model {
  const { name, capabilities } = backend;
  const countTokens = (prompt: Prompt): Observable<number> => {
    const turns = turnsOf(prompt);
    return defer(() => backend.countTokens(turns));
  };
  return {
    name,
    capabilities,
    ...textCalls(backend, runner),
    ...dataCalls(backend, runner),
    countTokens,
    estimate: (prompt, options) => {
      const { maxTokens } = resolveChatOptions(options, 'answer');
      return countTokens(prompt).pipe(map((tokens) => tokens + maxTokens));
    },
    state: () => defer(() => backend.state?.() ?? of(runner.state())),
    warmUp: () => runner.run(undefined, () => backend.warmUp?.() ?? EMPTY),
    dispose: () =>
      defer(() => {
        runner.end();
        return backend.dispose?.() ?? EMPTY;
      }),
  };
}
