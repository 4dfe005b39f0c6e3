import { createServer } from 'node:http';
import type { TestProject } from 'vitest/node';
import { type RunningKafka, startKafka } from './kafka-broker.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where test files ask for the broker that they share. */
    kafkaControlUrl: string;
  }
}

/** One broker per run, for all test files that ask (`sharedKafka`); none is started when no file does. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let running: Promise<RunningKafka> | undefined;
  const server = createServer((_request, response) => {
    running ??= startKafka();
    running.then(
      ({ brokers }) => response.end(JSON.stringify({ brokers })),
      (error: unknown) => response.end(JSON.stringify({ error: error instanceof Error ? error.message : String(error) })),
    );
  });
  await new Promise<void>((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      resolve();
    }),
  );
  server.unref();
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('the control server has no address');
  project.provide('kafkaControlUrl', `http://127.0.0.1:${String(address.port)}`);
  return async () => {
    server.closeAllConnections();
    server.close();
    const kafka = await running?.catch(() => undefined);
    await kafka?.stop();
  };
}
