import {
  type Clock,
  circuitBreaker,
  definePipeline,
  isStreamError,
  type Journal,
  json,
  type Model,
  permits,
  type Pipeline,
  type Resource,
  type TokenBudget,
  topic,
} from 'millrace';
import type { DocumentSource } from 'millrace';
import { drop, mapConcurrent } from 'millrace/operators';
import type { AskedModel } from './ask.ts';
import { DocumentReference, DocumentResult } from './document.ts';
import { processDocument } from './process-document.ts';
import { newRoom } from './room.ts';
import type { ResolvedSettings } from './settings.ts';
import type { Task } from './tasks/task.ts';

/** A model by the name that its answers are known by: a new name is new work. */
export interface NamedResource {
  readonly name: string;
  readonly resource: Resource<Model>;
}

export interface DocumentsPipelineOptions {
  /** Of the references that are this run's; others are dropped. */
  readonly run: string;
  readonly prefix: string;
  readonly tasks: readonly Task[];
  /** The first one's answers count; others are asked beside it, and compared. */
  readonly models: readonly [NamedResource, ...NamedResource[]];
  readonly fallback?: NamedResource | undefined;
  readonly journal: Resource<Journal>;
  readonly budget?: TokenBudget | undefined;
  readonly settings: ResolvedSettings;
  /** Documents at once. */
  readonly batchSize: number;
  /** What a reference stands for. */
  readonly lookUp: (reference: DocumentReference) => DocumentSource | undefined;
  readonly clock: Clock;
  /** Told of each call that a model has answered. */
  readonly onCall?: (() => void) | undefined;
  /** Told when a model that was away is asked no more, and (false) when it answers again. */
  readonly breakers?: Map<string, AskedModel['breaker']>;
}

/** What a reader sees of vectors and long texts is bounded, as everything is. */
const resultBounds = { maxBytes: 32 * 1024 * 1024, maxItems: 1_000_000 } as const;
/** An outage is waited for, whoever it befalls first; what is wrong with one document opens nothing. */
const failuresInARow = 2;
/** Its chunks have their own time; a document may have thousands of them. */
const deadlineMs = 7 * 24 * 3_600_000;

/** The topics that the pipeline reads and writes. */
export const documentsTopics = (prefix = '') =>
  ({
    input: topic(`${prefix}documents`, json(DocumentReference)),
    output: topic(`${prefix}documents.answers`, json(DocumentResult, resultBounds)),
    dead: topic(`${prefix}documents.dead`),
  }) as const;

/** References to documents in, one answer for each out. */
export function documentsPipeline(options: DocumentsPipelineOptions): Pipeline<DocumentReference, DocumentResult> {
  const {
    run,
    prefix,
    tasks,
    models,
    fallback,
    journal,
    budget,
    settings,
    batchSize,
    lookUp,
    clock,
    onCall,
    breakers = new Map(),
  } = options;
  const { input, output, dead } = documentsTopics(prefix);
  const all = fallback === undefined ? models : [...models, fallback];
  const named = Object.fromEntries(all.map(({ resource }, at) => [`model${String(at)}`, resource]));
  const room = newRoom(settings.chunkTokens);
  return definePipeline({
    name: `${prefix}documents`,
    groupId: `${prefix}documents.${run}`,
    input,
    output,
    deadLetter: dead,
    ordering: 'none', // every document stands alone
    deadlineMs,
    retry: 'none', // each call has its own
    resources: { ...named, journal, slots: permits(settings.concurrency), alone: permits(1) },
    process: (references, opened) => {
      const asked = all.map(({ name }, at): AskedModel => {
        const breaker = circuitBreaker({ failures: failuresInARow, isFailure: isAway });
        breakers.set(name, breaker);
        return { name, model: Reflect.get(opened, `model${String(at)}`) as Model, breaker };
      });
      const { journal: finished, slots, alone } = opened;
      const parts = {
        ...{ clock, tasks, room, settings, journal: finished, slots, alone, budget, onCall },
        models: asked.slice(0, models.length),
        fallback: fallback && asked.at(-1),
      };
      return references.pipe(
        drop((reference) => (reference.run === run ? lookUp(reference) === undefined && 'answered before' : 'of another run')),
        mapConcurrent(
          (reference, ctx) => {
            const source = lookUp(reference);
            if (source === undefined) throw new Error(`document ${reference.id} was answered while it waited`);
            return processDocument(reference, source, parts, ctx);
          },
          { concurrency: batchSize },
        ),
      );
    },
  });
}

/** Nobody is there, or a proxy in front of nobody answers. */
function isAway(error: unknown): boolean {
  if (!isStreamError(error)) return false;
  return error.code === 'model_unavailable' || error.status === 502 || error.status === 504;
}
