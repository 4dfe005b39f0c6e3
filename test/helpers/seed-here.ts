import { firstValueFrom } from 'rxjs';
import { QuestionError } from '../../pipelines/synthesis/agent/question-error.ts';
import type { Question, Reply } from '../../pipelines/synthesis/agent/question.ts';
import { workOnSeed } from '../../pipelines/synthesis/agent/work-on-seed.ts';
import { SeedError, type SeedWork } from '../../pipelines/synthesis/seed-process.ts';
import { seedTools } from '../../pipelines/synthesis/seed-tools.ts';
import { call } from '../../src/call.ts';
import { classify } from '../../src/classify.ts';
import { isStreamError, messageOf } from '../../src/errors.ts';

/** Works on a seed in this process: for what is not about processes, whose start takes most of a test's time. */
export const seedHere: SeedWork = (order, { ask, clock }) =>
  call(async ({ signal }) => {
    let refusal: Error | undefined;
    const asked = async (question: Question): Promise<Reply> => {
      try {
        return await firstValueFrom(ask(question));
      } catch (error) {
        if (classify(error) === 'pipeline' && error instanceof Error) refusal = error; // it concerns all seeds
        throw new QuestionError(isStreamError(error) ? error.code : 'call_failed', messageOf(error), classify(error) === 'record');
      }
    };
    const { tools, close } = await seedTools(order);
    try {
      const findings = await workOnSeed(order, { tools, ask: asked, clock, signal });
      return { findings, cpuMs: 0, maxRssBytes: 0 };
    } catch (error) {
      if (refusal !== undefined) throw refusal;
      throw new SeedError(error instanceof QuestionError || isStreamError(error) ? error.code : 'call_failed', messageOf(error));
    } finally {
      await close();
    }
  });
