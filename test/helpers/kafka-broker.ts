import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kafkaAvailable, kafkaJars } from './kafka/jars.ts';
import { classArchive } from './kafka/class-archive.ts';
import { freePorts, KafkaNode, type Listener, type NodeSetup } from './kafka/node.ts';

export { kafkaAvailable } from './kafka/jars.ts';

export interface StartKafkaOptions {
  /** @defaultValue 1 */
  readonly nodes?: 1 | 3;
  /** Broker properties on top of ours. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Kept when the cluster stops, and used again when it is there already. @defaultValue a temporary folder, deleted */
  readonly dataDir?: string;
  /** The first node's port. @defaultValue a free one */
  readonly port?: number;
  /** Further ways into the first node. @defaultValue none */
  readonly listeners?: readonly Listener[];
  readonly scramUsers?: readonly string[];
}

/** A running cluster, on the loopback interface alone. Nodes are counted from 0. */
export interface RunningKafka {
  readonly brokers: readonly string[];
  /** The first node's further ways in, `localhost:port` by listener. */
  readonly listeners: Readonly<Record<string, string>>;
  /** The broker processes that live now. */
  readonly pids: readonly number[];
  /** Ends all nodes; idempotent. */
  stop(): Promise<void>;
  /** Ends one node, at once or in order, and keeps its data; idempotent. */
  kill(node?: number, signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Ends one node (SIGTERM, if it lives) and starts it again on the same port and data. */
  restart(node?: number): Promise<void>;
}

/** Starts Kafka 4.4 (KRaft) from Maven Central's jars. It ends with this process at the latest, however that ends. */
export async function startKafka(options: StartKafkaOptions = {}): Promise<RunningKafka> {
  const usable = kafkaAvailable();
  if (!usable.available) throw new Error(`cannot start Kafka: ${usable.reason}`);
  const jars = await kafkaJars();
  const archive = await classArchive(jars);
  const root = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'millrace-kafka-')));
  await mkdir(root, { recursive: true });
  const removeData = async (): Promise<void> => {
    if (options.dataDir === undefined) await rm(root, { recursive: true, force: true });
  };
  try {
    const nodes = await startNodes(options, root, { jars, classes: archive === undefined ? undefined : { readFrom: archive } });
    return runningKafka(nodes, removeData);
  } catch (error) {
    await removeData();
    throw error;
  }
}

/** Somebody may take a free port before the broker does: then once more with others. */
async function startNodes(
  options: StartKafkaOptions,
  root: string,
  java: Pick<NodeSetup, 'jars' | 'classes'>,
): Promise<readonly KafkaNode[]> {
  const count = options.nodes ?? 1;
  for (let attempt = 1; ; attempt += 1) {
    const further = options.listeners ?? [];
    const ports = await freePorts(count * 2 + further.length);
    if (options.port !== undefined) ports[0] = options.port;
    const voters = Array.from({ length: count }, (_, i) => `${String(i + 1)}@127.0.0.1:${String(ports[count + i])}`).join(',');
    const nodes = Array.from({ length: count }, (_, i) => {
      const [port = 0, controllerPort = 0] = [ports[i], ports[count + i]];
      const folder = join(root, `node-${String(i + 1)}`);
      const temporary = options.dataDir === undefined;
      return new KafkaNode({
        id: i + 1,
        port,
        controllerPort,
        voters,
        nodes: count,
        folder,
        temporary,
        ...java,
        heapMiB: count === 1 ? 512 : 256,
        properties: options.properties ?? {},
        listeners: i === 0 ? further.map((one, at) => ({ ...one, port: ports[count * 2 + at] ?? 0 })) : [],
        scramUsers: options.scramUsers ?? [],
      });
    });
    const starts = await Promise.allSettled(nodes.map((node) => node.start()));
    const failed = starts.find((start) => start.status === 'rejected');
    if (!failed) return nodes;
    await Promise.all(nodes.map((node) => node.end('SIGKILL')));
    const reason: unknown = failed.reason;
    const portTaken = reason instanceof Error && /Address already in use|BindException/.test(reason.message);
    if (!portTaken || attempt === 3 || options.port !== undefined) throw reason;
  }
}

function runningKafka(nodes: readonly KafkaNode[], removeData: () => Promise<void>): RunningKafka {
  const node = (index: number): KafkaNode => {
    const found = nodes[index];
    if (!found) throw new Error(`node must be from 0 to ${String(nodes.length - 1)}, got ${String(index)}`);
    return found;
  };
  return {
    brokers: nodes.map((one) => one.address),
    listeners: Object.fromEntries(node(0).setup.listeners.map((one) => [one.name, `localhost:${String(one.port)}`])),
    get pids() {
      return nodes.flatMap((one) => one.pid ?? []);
    },
    stop: async () => {
      await Promise.all(nodes.map((one) => one.end('SIGTERM')));
      await removeData();
    },
    kill: (index = 0, signal = 'SIGKILL') => node(index).end(signal),
    restart: async (index = 0) => {
      await node(index).end('SIGTERM');
      await node(index).start();
    },
  };
}
