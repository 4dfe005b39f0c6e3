import { lastValueFrom, map, type Observable } from 'rxjs';
import { inScope, scopeOf } from '../../call.ts';
import { type Clock, sleep } from '../../clock.ts';
import { InferenceError } from '../../errors.ts';
import type { Model, ModelCapabilities } from '../../inference/model.ts';
import type { OpenContext, Opened, Resource } from '../../resource.ts';
import type { Log } from '../../runtime/logging.ts';
import type { Transport } from '../../transport/transport.ts';
import { frontModel } from './front-model.ts';
import { ViaFront } from './via-front.ts';
import type { ViaSettings } from './via-settings.ts';
import { viaTopics } from './via-topics.ts';
import { openViaWorker } from './via-worker.ts';

const usualPlaces = 4;
/** Workers tell of themselves every 5 s. */
const workerWithinMs = 30_000;

export interface ResolvedViaTopic {
  readonly transport: Transport;
  readonly topic: string;
  readonly model: Resource<Model> | undefined;
  readonly places: number | undefined;
  readonly maxOpen: number;
  readonly partitions: number;
}

/** Opens the topics, and the worker where there is a model; see `viaTopic`. */
export async function openViaTopic(
  context: OpenContext,
  { transport, topic, model, places, maxOpen, partitions }: ResolvedViaTopic,
): Promise<Opened<Model>> {
  const { clock } = context;
  const topics = viaTopics(topic);
  const log = logOf(context);
  const failed = (error: unknown): void => log.error({ why: String(error) }, 'this process takes no requests from the topic any more');
  const settings: ViaSettings = { transport, topics, clock, log, failed };
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const one of closers.splice(0).reverse()) await one();
  };
  try {
    const { requests, answers, control, dead } = topics;
    await transport.createTopics([
      ...[requests, answers].map(({ name }) => ({ name, partitions })),
      ...[control, dead].map(({ name }) => ({ name, partitions: 1 })),
    ]);
    const front = new ViaFront(settings);
    closers.push(() => front.close());
    await front.ready;
    const own = model && (await model.open(context));
    if (own) {
      closers.push(() => own.close());
      await inScope(scopeOf(clock), () => lastValueFrom(own.value.warmUp(), { defaultValue: undefined }));
      const worker = await openViaWorker(settings, own.value, places ?? (await placesOf(own.value, clock)));
      closers.push(() => worker.close());
    }
    const known = own ? own.value : await toldOf(front, clock, context.signal);
    return { value: frontModel(front, known, { maxOpen, countTokens: own && ((turns) => own.value.countTokens(turns)) }), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function placesOf(model: Model, clock: Clock): Promise<number> {
  const slots: Observable<number | undefined> = model.state().pipe(map((state) => state.slots));
  return (await inScope(scopeOf(clock), () => lastValueFrom(slots, { defaultValue: undefined })).catch(() => undefined)) ?? usualPlaces;
}

/** What the first worker that tells of itself can. */
async function toldOf(
  front: ViaFront,
  clock: Clock,
  signal: AbortSignal,
): Promise<{ readonly name: string; readonly capabilities: ModelCapabilities }> {
  const over = new AbortController();
  const late = sleep(clock, workerWithinMs, AbortSignal.any([signal, over.signal])).then(() => {
    throw new InferenceError(
      'model_unavailable',
      'no worker of this topic told of itself within 30 s: start one, as `millrace serve --via TOPIC` is, or leave --workers 0 out',
    );
  });
  const { model: name, capabilities } = await Promise.race([front.worker, late]).finally(() => over.abort());
  const { tools = false } = capabilities;
  return { name, capabilities: { contextTokens: undefined, ...capabilities, tools, reranking: false, tensors: false, exactTokens: false } };
}

const logOf = ({ log }: OpenContext): Log => ({
  debug: (details, message) => log('debug', message, { ...details }),
  info: (details, message) => log('info', message, { ...details }),
  warn: (details, message) => log('warn', message, { ...details }),
  error: (details, message) => log('error', message, { ...details }),
});
