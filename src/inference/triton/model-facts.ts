import { abortReason } from '../../clock.ts';
import { InferenceError } from '../../errors.ts';
import { type DataType, isDataType } from './data-type.ts';
import { Refused } from './triton-error.ts';
import { type Http, jsonOf } from './triton-http.ts';

export interface TensorFacts {
  readonly datatype: DataType;
  /** With the batch's dimension, where there is one; -1 is any. */
  readonly shape: readonly number[];
}

/** What server and model say of themselves. */
export interface ModelFacts {
  readonly extensions: ReadonlySet<string>;
  readonly inputs: ReadonlyMap<string, TensorFacts>;
  readonly outputs: ReadonlyMap<string, TensorFacts>;
  /** Most rows of a request; 0 where the model takes no batches, undefined where nobody says. */
  readonly maxRows: number | undefined;
}

/** Asked once and kept; who asks together asks once, and when nobody waits any more the question is given up. */
export interface Facts {
  get(signal: AbortSignal): Promise<ModelFacts>;
  /** After an answer that they do not explain: the next call asks anew. */
  forget(): void;
}

export function modelFacts(http: Http, modelPath: string, shownUrl: string): Facts {
  let asked: { readonly facts: Promise<ModelFacts>; readonly own: AbortController; waiting: number } | undefined;
  return {
    forget: () => {
      asked = undefined;
    },
    get: async (signal) => {
      const own = new AbortController();
      const one = (asked ??= { facts: ask(http, modelPath, shownUrl, own.signal), own, waiting: 0 });
      one.waiting += 1;
      try {
        return await withSignal(one.facts, signal);
      } catch (error) {
        if (asked === one && !signal.aborted) asked = undefined;
        throw error;
      } finally {
        one.waiting -= 1;
        if (one.waiting === 0 && signal.aborted) {
          one.own.abort(); // of an answer that is there this does nothing
          one.facts.catch(() => {
            if (asked === one) asked = undefined;
          });
        }
      }
    },
  };
}

async function withSignal<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw abortReason(signal);
  let leave = (): void => undefined;
  const left = new Promise<never>((_, reject) => {
    leave = () => {
      reject(abortReason(signal));
    };
    signal.addEventListener('abort', leave, { once: true });
  });
  try {
    return await Promise.race([work, left]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

async function ask(http: Http, modelPath: string, shownUrl: string, signal: AbortSignal): Promise<ModelFacts> {
  const [server, model] = await Promise.all([
    http({ path: '/v2', signal }).then((response) => jsonOf(response, shownUrl)),
    http({ path: modelPath, signal }).then((response) => jsonOf(response, shownUrl)),
  ]);
  const extensions = new Set(Array.isArray(server['extensions']) ? server['extensions'].map(String) : []);
  const maxRows = extensions.has('model_configuration') ? await maxRowsOf(http, modelPath, shownUrl, signal) : undefined;
  return { extensions, inputs: tensorsOf(model['inputs'], shownUrl), outputs: tensorsOf(model['outputs'], shownUrl), maxRows };
}

async function maxRowsOf(http: Http, modelPath: string, shownUrl: string, signal: AbortSignal): Promise<number | undefined> {
  try {
    const { max_batch_size: most } = await http({ path: `${modelPath}/config`, signal }).then((response) => jsonOf(response, shownUrl));
    return typeof most === 'number' && most >= 0 ? most : undefined;
  } catch (error) {
    if (error instanceof Refused) return undefined; // kept from clients: then a batch that is too large is refused
    throw error;
  }
}

function tensorsOf(list: unknown, shownUrl: string): ReadonlyMap<string, TensorFacts> {
  const tensors = new Map<string, TensorFacts>();
  for (const one of Array.isArray(list) ? (list as readonly unknown[]) : []) {
    const { name, datatype, shape } = (typeof one === 'object' && one !== null ? one : {}) as {
      readonly name?: unknown;
      readonly datatype?: unknown;
      readonly shape?: unknown;
    };
    if (typeof name !== 'string')
      throw new InferenceError('model_failed', `expected names of tensors in the metadata from ${shownUrl}, got none`);
    if (isDataType(datatype)) tensors.set(name, { datatype, shape: Array.isArray(shape) ? shape.map(Number) : [] });
  }
  return tensors;
}
