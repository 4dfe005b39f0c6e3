import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, vi } from 'vitest';
import type { CliContext } from '../../src/cli/context.ts';
import { systemClock } from '../../src/clock.ts';
import { avroFile } from '../../src/codec/avro/avro-file.ts';
import type { AvroSchema } from '../../src/codec/avro/avro-schema.ts';
import type { Command } from '../../src/command.ts';
import { messageOf } from '../../src/errors.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { memory } from '../../src/transport/memory/memory.ts';
import { allOf } from '../helpers/all-of.ts';
import { type RegistryServer, registryServer } from '../helpers/registry-server.ts';

/** Written by fastavro. */
export const foreign = join(import.meta.dirname, '../conformance/avro-files/by-fastavro-deflate.avro');
export const v1 = { type: 'record', name: 'Sale', fields: [{ name: 'id', type: 'string' }] } as const;
export const v2 = { ...v1, fields: [...v1.fields, { name: 'total', type: 'long', default: 7 }] } as const;

export interface Scene {
  readonly transport: ReturnType<typeof memory>;
  readonly registry: RegistryServer;
  readonly path: (name: string) => string;
  readonly run: (
    command: Command,
    args: readonly string[],
    options?: Readonly<Record<string, unknown>>,
    isJson?: boolean,
  ) => Promise<{ readonly code: number; readonly lines: readonly string[]; readonly told: readonly string[] }>;
  readonly values: (topic: string) => readonly Buffer[];
  readonly keys: (topic: string) => readonly (string | undefined)[];
  readonly write: (name: string, schema: AvroSchema, values: readonly unknown[]) => Promise<string>;
}

/** Topics, a registry that the environment names, and a folder; closed after each test. */
export function avroScene(): () => Scene {
  let scene: Scene;
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-avro-'));
    const registry = await registryServer();
    vi.stubEnv('MILLRACE_SCHEMA_REGISTRY_URL', registry.url);
    const transport = memory({ clock: systemClock, partitions: 1 });
    const path = (name: string): string => join(folder, name);
    const nothing = (): void => undefined;
    scene = {
      ...{ transport, registry, path },
      run: async (command, args, options = {}, isJson = false) => {
        const [lines, told]: [string[], string[]] = [[], []];
        const line = (text: string): void => {
          lines.push(text);
        };
        const note = (text: string): void => {
          told.push(text);
        };
        const json = (value: unknown): void => {
          if (isJson) lines.push(JSON.stringify(value));
        };
        const out = { isJson, isTty: false, live: nothing, drained: () => Promise.resolve(), line, note, json, raw: line };
        const context = {
          ...{ out, clock: systemClock, signal: new AbortController().signal, interrupt: { exitCode: undefined } },
          log: { ...silentLog, warn: (_: object, why: string) => told.push(why) },
          settings: { transport: 'kafka', kafka: {}, json: isJson },
          openTransport: () => Promise.resolve({ transport, where: 'here', close: () => Promise.resolve() }),
        } as unknown as CliContext;
        const flags = { createTopics: true, fromBeginning: false, all: false, keys: false, headers: false };
        const code = await command.run({ options: { ...flags, ...options } as never, args }, context);
        return { code: code ?? 0, lines, told };
      },
      values: (topic) => transport.broker.records(topic, 0).map(({ value }) => Buffer.from(value ?? [])),
      keys: (topic) => transport.broker.records(topic, 0).map(({ key }) => (key === null ? undefined : Buffer.from(key).toString())),
      write: async (name, schema, values) => {
        await writeFile(path(name), await allOf(avroFile({ schema }).write(values as never)));
        return path(name);
      },
    };
  });

  afterEach(async () => {
    vi.unstubAllEnvs();
    await scene.registry.close();
    await scene.transport.close();
    await rm(folder, { recursive: true, force: true });
  });

  return () => scene;
}

export const read = (path: string): Promise<unknown[]> => allOf(avroFile().read(createReadStream(path)));
export const errorOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => messageOf(error),
  );
