import type { Round } from './work.ts';

/** What one call took. */
export interface Asked {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly firstTokenMs: number;
}

/** Asks all questions, `atOnce` at a time: the next begins when one has its answer. */
export async function askedAtOnce(
  questions: readonly string[],
  atOnce: number,
  ask: (question: string, lane: number) => Promise<Asked>,
): Promise<Round> {
  const left = [...questions];
  const asked: Asked[] = [];
  const startedMs = performance.now();
  const lane = async (_: unknown, index: number): Promise<void> => {
    for (let question = left.shift(); question !== undefined; question = left.shift()) asked.push(await ask(question, index));
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  const sum = (of: (one: Asked) => number): number => asked.reduce((all, one) => all + of(one), 0);
  return {
    ms: performance.now() - startedMs,
    inputTokens: sum((one) => one.inputTokens),
    outputTokens: sum((one) => one.outputTokens),
    firstTokenMs: asked.map((one) => one.firstTokenMs),
  };
}
