import { lastValueFrom, Observable, takeUntil } from 'rxjs';
import type { Clock } from '../clock.ts';
import type { Model, ModelState } from '../inference/model.ts';
import { watchGpus } from '../serve/gpus.ts';
import { watchMachine } from '../serve/machine.ts';
import { openExposition } from '../serve/prometheus.ts';
import type { HttpApp } from './http-app.ts';
import { page, pagePolicy } from './page.ts';
import type { ServiceCore } from './service-core.ts';
import { serviceMetricSpecs } from './service-metrics.ts';

/** How busy a service is. */
export interface ServiceReport {
  readonly state: ServiceCore['state'];
  readonly models: readonly (Partial<ModelState> & {
    readonly name: string;
    readonly running: number;
    readonly waiting: number;
    readonly places: number;
  })[];
  /** Answers that wait or run, and those that can still be read. */
  readonly generations: { readonly open: number; readonly kept: number };
  /** Tokens of answers since the start. */
  readonly tokens: number;
}

/** What can be told within a second. */
export async function reportOf({ state, models, generations, options: { clock } }: ServiceCore): Promise<ServiceReport> {
  const told = [...models.values()].map(async ({ name, model, admission: { running, waiting, places } }) => {
    const of = await toldBy(model, clock);
    return { ...of, name, running, waiting, places };
  });
  return {
    state,
    models: await Promise.all(told),
    generations: { open: generations.open, kept: generations.size },
    tokens: generations.counts.tokens,
  };
}

const withinMs = 1_000; // those who ask for readiness mostly wait no longer

/** What a model says of itself; nothing where it does not in time: its worker stands still, say, or it is elsewhere. */
function toldBy(model: Pick<Model, 'state'>, clock: Clock): Promise<Partial<ModelState>> {
  const late = new Observable<void>((out) => clock.schedule(withinMs, () => out.next()));
  return lastValueFrom<ModelState, Partial<ModelState>>(model.state().pipe(takeUntil(late)), { defaultValue: {} }).catch(
    (): Partial<ModelState> => ({}),
  );
}

/** Whether any model has places. One that does not say so in time is taken for one that has: it is busy, or is elsewhere. */
async function hasModel({ models, options: { clock } }: ServiceCore): Promise<boolean> {
  const told = await Promise.all([...models.values()].map(({ model }) => toldBy(model, clock)));
  return told.some(({ slots }) => slots !== 0);
}

/** Whether it lives, whether it is ready, how busy it is, and the page that shows it. The result stops the watch over the process. */
export async function addHealthRoutes(app: HttpApp, core: ServiceCore): Promise<() => void> {
  const machine = watchMachine();
  const gpus = watchGpus(core.options.clock);
  const exposition = await openExposition(serviceMetricSpecs);
  app.get('/healthz', (_request, reply) =>
    reply.status(core.state === 'stopped' ? 503 : 200).send({ status: core.state === 'stopped' ? 'stopped' : 'ok', state: core.state }),
  );
  let asked: Promise<boolean> | undefined; // all who ask meanwhile share it: anybody may ask, and models may be elsewhere
  const hasModelNow = (): Promise<boolean> =>
    (asked ??= hasModel(core).finally(() => {
      asked = undefined;
    }));
  app.get('/readyz', async (_request, reply) => {
    const ready = core.state === 'running' && (await hasModelNow());
    return reply.status(ready ? 200 : 503).send({ ready, state: core.state });
  });
  app.get('/', (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', pagePolicy)
      .header('referrer-policy', 'no-referrer')
      .send(page),
  );
  app.get('/state', () => reportOf(core));
  app.get('/metrics', async (_request, reply) =>
    reply.type(exposition.contentType).send(await exposition.text({ core, machine: machine.read(), gpus: await gpus() })),
  );
  return () => machine.stop();
}
