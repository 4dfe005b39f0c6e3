import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { javaVersion, locked } from './jars.ts';
import { freePorts, KafkaNode } from './node.ts';

/**
 * The classes of a broker as Java keeps them (class data sharing), with which one starts in half of the time; undefined where they cannot be
 * had. The first call of a user starts a broker to find them, others wait for it.
 */
export async function classArchive(jars: string): Promise<string | undefined> {
  const archive = `${jars}-java-${javaVersion()}.jsa`;
  if (existsSync(archive)) return archive;
  return locked(archive, async () => {
    if (!existsSync(archive)) await makeArchive(archive, jars);
    return archive;
  }).catch(() => undefined);
}

async function makeArchive(archive: string, jars: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-kafka-'));
  const part = `${archive}.part-${String(process.pid)}`;
  try {
    const [port = 0, controllerPort = 0] = await freePorts(2);
    const node = new KafkaNode({
      ...{ id: 1, port, controllerPort, voters: `1@127.0.0.1:${String(controllerPort)}`, nodes: 1, folder, temporary: true, jars },
      ...{ heapMiB: 512, properties: {}, listeners: [], scramUsers: [], classes: { writeTo: part } },
    });
    await node.start();
    await node.end('SIGTERM', 60_000);
    await rename(part, archive); // whole or not at all
  } finally {
    await rm(part, { force: true });
    await rm(folder, { recursive: true, force: true });
  }
}
