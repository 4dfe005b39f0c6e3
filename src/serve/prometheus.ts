import type { MetricSpec } from './machine-metrics.ts';

/** The text that Prometheus reads. */
export interface Exposition<S> {
  readonly contentType: string;
  text(seen: S): Promise<string>;
}

/** Renders the metrics by prom-client, which is loaded here. A registry of its own: what else the program measures stays apart. */
export async function openExposition<S>(specs: Readonly<Record<string, MetricSpec<S>>>): Promise<Exposition<S>> {
  const { default: client } = await import('prom-client');
  const registry = new client.Registry();
  const metrics = Object.entries(specs).map(([name, { type, help, labels = [], samples }]) => {
    const Metric = type === 'counter' ? client.Counter : client.Gauge;
    return { metric: new Metric({ name, help, labelNames: [...labels], registers: [registry] }), samples };
  });
  return {
    contentType: registry.contentType,
    text: (seen) => {
      for (const { metric, samples } of metrics) {
        metric.reset();
        for (const [value, labels = {}] of samples(seen)) metric.inc({ ...labels }, value);
      }
      return registry.metrics();
    },
  };
}
