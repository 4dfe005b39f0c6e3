import { describe, inject, it } from 'vitest';
import { kafkaAvailable, type RunningKafka, startKafka } from './kafka-broker.ts';

let own: Promise<RunningKafka> | undefined;

/**
 * The broker that all test files of this run share; the first call starts it. Nobody may stop it: tests that kill
 * brokers start their own. Without the global setup the test file has one to itself, which ends with its process.
 */
export async function sharedKafka(): Promise<{ readonly brokers: readonly string[] }> {
  const url = inject('kafkaControlUrl') as string | undefined; // undefined when the global setup is not wired
  if (url === undefined) {
    own ??= startKafka();
    return own;
  }
  const answer = (await (await fetch(url)).json()) as { readonly brokers: readonly string[] } | { readonly error: string };
  if ('error' in answer) throw new Error(answer.error);
  return answer;
}

/** `describe` for tests that need a real Kafka: skipped, with the reason in the name, where none can be started; failing on CI. */
export function describeWithKafka(name: string, body: () => void): void {
  const usable = kafkaAvailable();
  if (usable.available) describe(name, body);
  else if (process.env['CI'] === 'true')
    describe(name, () => {
      it('can start a Kafka broker', () => {
        throw new Error(usable.reason);
      });
    });
  else describe.skip(`${name} (skipped: ${usable.reason})`, body);
}
