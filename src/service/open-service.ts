import type { AddressInfo } from 'node:net';
import { Observable } from 'rxjs';
import { InferenceError, messageOf, OptionError, requireInteger } from '../errors.ts';
import { noContext } from '../record/record-context.ts';
import { addEmbeddingRoutes } from './embedding-routes.ts';
import { addGenerateRoutes, startGeneration } from './generate-routes.ts';
import type { GenerationEvent } from './generation.state.ts';
import type { Generations } from './generations.ts';
import { addHealthRoutes, reportOf } from './health-routes.ts';
import { httpApp } from './http-app.ts';
import { addOpenAiRoutes } from './openai-routes.ts';
import type { Service } from './service.ts';
import { addTopicRoutes } from './topic-routes.ts';
import { openCore, type ServiceCore } from './service-core.ts';
import type { ResolvedServiceOptions } from './service-options.ts';

const drainDeadlineMs = 30_000;
/** For what is told to those whose answers are given up. */
const lastWordsMs = 2_000;

/** Opens models and port; see {@link Service}. */
export async function openService(options: ResolvedServiceOptions): Promise<Service> {
  const core = await openCore(options);
  try {
    return await listening(core);
  } catch (error) {
    await core.close();
    throw error;
  }
}

async function listening(core: ServiceCore): Promise<Service> {
  const { host, port, clock, requestTimeoutMs } = core.options;
  const app = httpApp(core);
  const stopWatching = await addHealthRoutes(app, core);
  addOpenAiRoutes(app, core);
  addEmbeddingRoutes(app, core);
  addGenerateRoutes(app, core);
  const closeTopics = addTopicRoutes(app, core);
  try {
    await app.listen({ host, port });
  } catch (error) {
    stopWatching();
    throw new OptionError(`cannot listen at ${host}:${String(port)} (${messageOf(error)}); is the port taken?`, { cause: error });
  }
  const { port: taken } = app.server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    core.state = 'stopped';
    core.generations.cancelAll('the service has ended');
    core.exchanges.giveUp();
    stopWatching();
    await app.close();
    await closeTopics();
    await core.close();
  };
  const service: Service = {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${String(taken)}`,
    state: () => reportOf(core),
    startGeneration: (request) => {
      const deadlineMs = clock.nowMs() + requestTimeoutMs;
      return startGeneration(core, request, { caller: ourselves, priority: 0, deadlineMs, context: noContext });
    },
    results: (id, after = 0) => resultsOf(core.generations, id, after),
    drain: async ({ deadlineMs = drainDeadlineMs } = {}) => {
      requireInteger('drain.deadlineMs', deadlineMs, 0);
      if (core.state === 'running') core.state = 'draining';
      const untilMs = clock.nowMs() + deadlineMs;
      core.exchanges.stop();
      await core.exchanges.settled(untilMs, () => core.generations.open === 0);
      core.generations.cancelAll('the service is stopping');
      core.exchanges.giveUp();
      await core.exchanges.settled(clock.nowMs() + lastWordsMs);
      await service.close();
    },
    close: () => (closing ??= close()),
  };
  return service;
}

/** Code of the process itself. */
const ourselves = { name: 'code', weight: 1, maxOpen: Infinity } as const;

function resultsOf(generations: Generations, id: string, after: number): Observable<GenerationEvent> {
  return new Observable((out) => {
    const look = (): void => {
      while (!out.closed) {
        const events = reading?.take() ?? [];
        if (events === 'lost') {
          out.error(new InferenceError('call_failed', 'some of the events of this generation are not kept any more'));
          return;
        }
        if (events.length === 0) {
          if (reading?.isOver() === true) out.complete();
          return;
        }
        for (const event of events) {
          out.next(event);
          if (event.kind !== 'chunk') out.complete();
        }
      }
    };
    const reading = generations.read(id, undefined, after, look);
    if (reading === undefined) {
      out.error(new InferenceError('call_failed', `there is no generation ${id} any more`));
      return;
    }
    out.add(() => reading.leave());
    look();
  });
}
