import { map, reduce } from 'rxjs';
import type { ChatOptions, Prompt } from 'millrace';
import type { Run } from './parallel-options.ts';

/** Prompts in, answers out. */
export const ask =
  (options: ChatOptions): Run<Prompt, string> =>
  (prompt, { model, ctx }) =>
    model.chat(prompt, options, ctx).pipe(
      reduce((text, chunk) => text + chunk.text, ''),
      map((text) => text.trim()),
    );
