import { flushCompileCache } from 'node:module';
import { isStreamError, messageOf, systemClock, type ToolSource } from 'millrace/tools';
import type { SeedOrder } from './agent/order.ts';
import { QuestionError } from './agent/question-error.ts';
import type { Question, Reply } from './agent/question.ts';
import { workOnSeed } from './agent/work-on-seed.ts';
import type { FromSeed, ToSeed } from './seed-protocol.ts';
import { seedTools } from './seed-tools.ts';

/** Works on the one seed that this process is for, and asks the process that started it for what models say. */
const tell = (told: FromSeed): void => {
  process.send?.(told);
};
const waiting = new Map<number, PromiseWithResolvers<Reply>>();
let questions = 0;

const ask = (question: Question): Promise<Reply> => {
  const answer = Promise.withResolvers<Reply>();
  questions += 1;
  waiting.set(questions, answer);
  tell({ kind: 'ask', id: questions, question });
  return answer.promise;
};

const used = (): { readonly cpuMs: number; readonly maxRssBytes: number } => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  return { cpuMs: Math.round((userCPUTime + systemCPUTime) / 1000), maxRssBytes: maxRSS * 1024 };
};

async function work(order: SeedOrder): Promise<void> {
  let source: ToolSource | undefined;
  try {
    source = await seedTools(order);
    const { tools } = source;
    const findings = await workOnSeed(order, { tools, ask, clock: systemClock, signal: new AbortController().signal });
    tell({ kind: 'done', findings, ...used() });
  } catch (error) {
    const code = error instanceof QuestionError || isStreamError(error) ? error.code : 'call_failed';
    tell({ kind: 'failed', code, message: messageOf(error), ...used() });
  } finally {
    await source?.close();
  }
}

process.on('message', (message: ToSeed) => {
  if (message.kind === 'begin') {
    void work(message.order);
    return;
  }
  const answer = waiting.get(message.id);
  waiting.delete(message.id);
  if (message.kind === 'reply') answer?.resolve(message.reply);
  else answer?.reject(new QuestionError(message.code, message.message, message.isOfAnswer));
});
process.on('disconnect', () => {
  process.exit();
});
tell({ kind: 'ready' });
flushCompileCache(); // for those that come after it: Node writes it at a process's own end only, and this one is killed
