import { requireFunction, requireMethods } from '../../check-options.ts';
import { abortReason } from '../../clock.ts';
import { OptionError, PipelineError } from '../../errors.ts';
import type { Model, ModelState } from '../../inference/model.ts';
import type { Resource } from '../../resource.ts';
import type { EngineSource, MeasuredEngine } from '../engine-gate-options.ts';
import type { EngineLoad } from '../engine-gate.state.ts';
import { fetchEngineLoad } from './engine-metrics.ts';

export interface Source {
  readonly read: (signal: AbortSignal) => Promise<EngineLoad>;
  readonly open: (context: Parameters<Resource<Model>['open']>[0]) => Promise<() => Promise<void>>;
}

const nothingToOpen = (): Promise<() => Promise<void>> => Promise.resolve(() => Promise.resolve());

/** How an engine is asked, and what has to be opened for it. @throws OptionError for what cannot be asked. */
export function engineSource(options: EngineSource): Source {
  if (options.engine === 'other') {
    requireFunction('engineGate.read', options.read, '(signal) => Promise of { running, waiting }');
    return { read: options.read, open: nothingToOpen };
  }
  if (options.engine === 'llama') return modelSource(options.model);
  const { engine, apiKey } = options;
  const address = { engine, apiKey, url: metricsUrl(options.url, engine) };
  return { read: (signal) => fetchEngineLoad(address, signal), open: nothingToOpen };
}

function modelSource(resource: Resource<Model>): Source {
  requireMethods('engineGate.model', resource, ['open'], 'a model resource, such as llama({ … })');
  let model: Model | undefined;
  return {
    read: async (signal) => {
      if (model === undefined) throw new Error('the model is not open: give the gate to the resources of the pipeline');
      return loadOf(model, signal);
    },
    open: async (context) => {
      const opened = await resource.open(context);
      try {
        await loadOf(opened.value, context.signal);
      } catch (error) {
        await opened.close();
        throw error;
      }
      model = opened.value;
      return opened.close;
    },
  };
}

/** @throws PipelineError `capability_missing` where nobody knows how many calls it works on at once. */
async function loadOf(model: Model, signal: AbortSignal): Promise<EngineLoad> {
  const { running, waiting, slots, kvUse } = await stateOf(model, signal);
  if (slots !== undefined) return { running, waiting, slots, ...(kvUse !== undefined && { kvUse }) };
  throw new PipelineError(
    'capability_missing',
    `model ${model.name} does not say how busy it is: use llama({ … }), or engine: 'other' with read`,
  );
}

const stateOf = (model: Model, signal: AbortSignal): Promise<ModelState> =>
  new Promise((resolve, reject) => {
    const asking = model.state().subscribe({ next: resolve, error: reject });
    const onAbort = (): void => {
      asking.unsubscribe();
      reject(abortReason(signal));
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    asking.add(() => {
      signal.removeEventListener('abort', onAbort);
    });
  });

function metricsUrl(given: string, engine: MeasuredEngine): string {
  const url = URL.parse(given);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new OptionError(`engineGate.url must be an http or https URL of ${engine}, such as http://localhost:8000`);
  if (url.username !== '' || url.password !== '')
    throw new OptionError('engineGate.url must not hold a user or password: pass the key as apiKey');
  url.pathname = `${url.pathname.replace(/\/(v1|metrics)?\/?$/, '')}/metrics`;
  return `${url.origin}${url.pathname}`;
}
