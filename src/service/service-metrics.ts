import { machineMetricSpecs, type MetricSpec, type Sample, type SeenMachine } from '../serve/machine-metrics.ts';
import type { ServiceCore, ServiceState } from './service-core.ts';

/** What is told of a service. */
export interface SeenService extends SeenMachine {
  readonly core: ServiceCore;
}

const states: readonly ServiceState[] = ['running', 'draining', 'stopped'];

const byModel = (
  help: string,
  value: (admission: { readonly running: number; readonly waiting: number; readonly places: number }) => number,
): MetricSpec<SeenService> => ({
  type: 'gauge',
  help,
  labels: ['model'],
  samples: ({ core }) => [...core.models.values()].map(({ name, admission }): Sample => [value(admission), { model: name }]),
});

const counter = (
  help: string,
  samples: (core: ServiceCore) => readonly Sample[],
  labels: readonly string[] = [],
): MetricSpec<SeenService> => ({
  ...{ type: 'counter', help, labels },
  samples: ({ core }) => samples(core),
});

/** Everything that `/metrics` of a service tells; labels are names of models, no payload, no key. */
export const serviceMetricSpecs: Readonly<Record<string, MetricSpec<SeenService>>> = {
  ...machineMetricSpecs,
  millrace_service_state: {
    type: 'gauge',
    help: '1 for the state that the service is in, 0 for the others',
    labels: ['state'],
    samples: ({ core }) => states.map((one): Sample => [one === core.state ? 1 : 0, { state: one }]),
  },
  millrace_service_running: byModel('requests that a model works on', ({ running }) => running),
  millrace_service_waiting: byModel('requests that wait for a model', ({ waiting }) => waiting),
  millrace_service_places: byModel('requests that a model works on at most', ({ places }) => places),
  millrace_service_kept_generations: {
    type: 'gauge',
    help: 'answers that can be read, those that have ended too',
    samples: ({ core }) => [[core.generations.size]],
  },
  millrace_service_generations_total: counter(
    'answers by how they ended',
    ({ generations: { counts } }) =>
      (['completed', 'failed', 'cancelled'] as const).map((outcome): Sample => [counts[outcome], { outcome }]),
    ['outcome'],
  ),
  millrace_service_retries_total: counter('answers begun anew since their worker died', ({ generations: { counts } }) => [
    [counts.retried],
  ]),
  millrace_service_tokens_total: counter('tokens of answers', ({ generations: { counts } }) => [[counts.tokens]]),
  millrace_service_slow_readers_total: counter('readers dropped since they took nothing', ({ slowReaders }) => [[slowReaders]]),
};
