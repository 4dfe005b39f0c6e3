import { lastValueFrom } from 'rxjs';
import { inScope, scopeOf } from '../call.ts';
import { messageOf } from '../errors.ts';
import type { Model } from '../inference/model.ts';
import type { Opened } from '../resource.ts';
import { Admission } from './admission.ts';
import { CallerLimits } from './caller-limits.ts';
import { Exchanges } from './exchanges.ts';
import { Generations } from './generations.ts';
import { RequestError } from './openai/api-error.ts';
import type { ResolvedServiceOptions } from './service-options.ts';

export type ServiceState = 'running' | 'draining' | 'stopped';

/** A model that is served. */
export interface ServedModel {
  readonly name: string;
  readonly model: Model;
  readonly admission: Admission;
  /** Seconds since 1970. */
  readonly created: number;
}

/** What the routes work with. */
export interface ServiceCore {
  readonly options: ResolvedServiceOptions;
  readonly models: ReadonlyMap<string, ServedModel>;
  readonly generations: Generations;
  /** Requests whose answers have not left. */
  readonly exchanges: Exchanges;
  /** Readers that were dropped since they took nothing. */
  slowReaders: number;
  state: ServiceState;
  close(): Promise<void>;
}

const usualPlaces = 8;
const maxKeptBytes = 1024 * 1024;
const maxKeptBytesInAll = 64 * 1024 * 1024;

/** Opens all models and warms them up; one that cannot be opened fails it with its reason, and the others are closed. */
export async function openCore(options: ResolvedServiceOptions): Promise<ServiceCore> {
  const { clock, log, keepMs } = options;
  const opened: Opened<Model>[] = [];
  const close = async (): Promise<void> => {
    await Promise.allSettled(opened.map((one) => one.close()));
  };
  try {
    const models = new Map<string, ServedModel>();
    const limits = new CallerLimits();
    for (const [name, resource] of options.models) {
      const one = await inScope(scopeOf(clock), () =>
        resource.open({ clock, signal: options.signal, log: (level, message, details = {}) => log[level](details, message) }),
      );
      opened.push(one);
      models.set(name, await served(name, one.value, options, limits));
    }
    const generations = new Generations({ clock, keepMs, maxKeptBytes, maxKeptBytesInAll });
    const all = async (): Promise<void> => {
      generations.close();
      await close();
    };
    return { options, models, generations, exchanges: new Exchanges(clock), slowReaders: 0, state: 'running', close: all };
  } catch (error) {
    await close();
    throw error;
  }
}

async function served(
  name: string,
  model: Model,
  { clock, concurrency, maxWaiting, log }: ResolvedServiceOptions,
  limits: CallerLimits,
): Promise<ServedModel> {
  await inScope(scopeOf(clock), () => lastValueFrom(model.warmUp(), { defaultValue: undefined }));
  const slots = await lastValueFrom(model.state(), { defaultValue: undefined }).then(
    (state) => state?.slots,
    (error: unknown) => {
      log.warn({ model: name }, `the model does not say how much it takes at once: ${messageOf(error)}`);
      return undefined;
    },
  );
  const admission = new Admission({ places: concurrency ?? slots ?? usualPlaces, maxWaiting, clock, limits });
  return { name, model, admission, created: Math.floor(clock.nowMs() / 1_000) };
}

/** @throws RequestError for a model that is not served. */
export function modelNamed({ models }: ServiceCore, name: string | undefined): ServedModel {
  const [first] = models.values();
  const found = name === undefined || name === '' ? first : models.get(name);
  if (found) return found;
  throw new RequestError(`there is no model ${JSON.stringify(name)} here: /v1/models lists those that there are`, {
    ...{ status: 404, param: 'model', code: 'model_not_found' },
  });
}
