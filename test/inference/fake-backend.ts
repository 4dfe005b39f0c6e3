import { concat, defer, finalize, NEVER, type Observable, of } from 'rxjs';
import type { ChatOptions, ChatTurn, FinishReason, ModelBackend, ModelCapabilities, Usage } from '../../src/inference/model.ts';

export const usageOf = (inputTokens: number, outputTokens: number): Usage => ({
  inputTokens,
  cachedTokens: 0,
  outputTokens,
  totalTokens: inputTokens + outputTokens,
});

/** `finish` undefined: the stream ends without its last piece. */
export type Said = string | { readonly text: string; readonly finish?: FinishReason | undefined };

export interface FakeBackend extends ModelBackend {
  readonly asked: { readonly turns: readonly ChatTurn[]; readonly options: ChatOptions }[];
  running: number;
}

/** A back end that says one thing after another, a character a piece, 10 + 3 tokens a call; `'hang'` never ends. */
export function fakeBackend(says: readonly Said[], over: Partial<ModelCapabilities> = {}, extra: Partial<ModelBackend> = {}): FakeBackend {
  const fake: FakeBackend = {
    name: 'fake',
    asked: [],
    running: 0,
    capabilities: {
      contextTokens: undefined,
      jsonSchema: true,
      logProbabilities: false,
      embeddings: false,
      completion: false,
      reranking: false,
      tensors: false,
      sampling: ['topP', 'seed'],
      exactTokens: true,
      ...over,
    },
    chat: (turns, options) =>
      defer((): Observable<{ text: string; index: number }> => {
        fake.asked.push({ turns, options });
        fake.running += 1;
        const said = says[Math.min(fake.asked.length, says.length) - 1] ?? '';
        const { text, finish } = typeof said === 'string' ? { text: said, finish: 'stop' as const } : { finish: undefined, ...said };
        const pieces = text.split(/(?=.)/su).map((piece, index) => ({ text: piece, index }));
        if (said === 'hang') return NEVER;
        if (finish === undefined) return of(...pieces);
        return concat(of(...pieces), of({ text: '', index: pieces.length, usage: usageOf(10, 3), finishReason: finish, model: 'fake-1' }));
      }).pipe(
        finalize(() => {
          fake.running -= 1;
        }),
      ),
    countTokens: (turns) => of(turns.reduce((sum, { content }) => sum + content.length, 0)),
    ...extra,
  };
  return fake;
}
