import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const version = '4.4.0';
const oldestJava = 17; // what a Kafka 4 broker runs on
const patienceMs = 300_000; // the first download, on a slow line

/** Whether a broker can be started here, and if not, why. Downloads nothing. */
export type KafkaAvailability = { readonly available: true } | { readonly available: false; readonly reason: string };

/** The java to run: JAVA_HOME's, else the one on the path. */
export const javaCommand = (): string => {
  const home = process.env['JAVA_HOME'];
  return home === undefined || home === '' ? 'java' : join(home, 'bin', 'java');
};

let known: (KafkaAvailability & { readonly java?: string }) | undefined;

export function kafkaAvailable(): KafkaAvailability {
  known ??= lookAround();
  return known;
}

/** The whole version of the java to run, such as `17.0.15`. */
export function javaVersion(): string {
  kafkaAvailable();
  return known?.java ?? 'unknown';
}

function lookAround(): KafkaAvailability & { readonly java?: string } {
  const java = spawnSync(javaCommand(), ['-version'], { encoding: 'utf8' });
  if (java.error) return { available: false, reason: `no java found (install a JDK >= ${String(oldestJava)}, or set JAVA_HOME)` };
  const javaText = /version "([\w.+-]+)/.exec(`${java.stderr}${java.stdout}`)?.[1] ?? '';
  const major = Number.parseInt(javaText, 10);
  if (!(major >= oldestJava))
    return { available: false, reason: `java is version ${String(major)}, Kafka ${version} needs >= ${String(oldestJava)}` };
  if (existsSync(jarFolder())) return { available: true, java: javaText };
  if (spawnSync('mvn', ['-v']).error)
    return { available: false, reason: `no mvn found, and Kafka's jars are not in ${jarFolder()} yet (install Maven)` };
  return { available: true, java: javaText };
}

function cacheRoot(): string {
  const own = process.env['MILLRACE_CACHE'];
  if (own !== undefined && own !== '') return own;
  const shared = process.env['XDG_CACHE_HOME'];
  return join(shared === undefined || shared === '' ? join(homedir(), '.cache') : shared, 'millrace');
}

const jarFolder = (): string => join(cacheRoot(), `kafka-${version}`);

/** The folder of the broker's jars; the first call of a user downloads them (43 MB), others wait for it. */
export async function kafkaJars(): Promise<string> {
  const folder = jarFolder();
  if (existsSync(folder)) return folder;
  return locked(folder, async () => {
    if (!existsSync(folder)) await download(folder);
    return folder;
  });
}

/** Does `work` for something in the cache while no other process does. */
export async function locked<T>(path: string, work: () => Promise<T>): Promise<T> {
  await mkdir(cacheRoot(), { recursive: true });
  const lock = `${path}.lock`;
  await acquire(lock);
  try {
    return await work();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

/** A folder as the lock, because making one is atomic everywhere; the holder's pid inside tells a stale one. */
async function acquire(lock: string): Promise<void> {
  const giveUp = performance.now() + patienceMs;
  for (;;) {
    try {
      await mkdir(lock);
      await writeFile(join(lock, 'pid'), String(process.pid));
      return;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    if (await isStale(lock)) await rm(lock, { recursive: true, force: true });
    else if (performance.now() > giveUp)
      throw new Error(`another process holds ${lock} for over ${String(patienceMs / 1000)} s; delete it if none is downloading`);
    else await wait(200);
  }
}

async function isStale(lock: string): Promise<boolean> {
  try {
    process.kill(Number(await readFile(join(lock, 'pid'), 'utf8')), 0);
    return false;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EPERM') return false;
    // made, but its pid not written yet: give its maker a moment
    const made = await stat(lock).catch(() => undefined);
    return made !== undefined && made.mtimeMs < Date.now() - 2_000;
  }
}

async function download(folder: string): Promise<void> {
  const part = `${folder}.part-${String(process.pid)}`;
  const pom = join(import.meta.dirname, 'pom.xml');
  const args = ['-B', '-q', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${part}`, '-DincludeScope=runtime'];
  const mvn = spawn('mvn', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  mvn.stdout.on('data', (text: Buffer) => (said += text.toString()));
  mvn.stderr.on('data', (text: Buffer) => (said += text.toString()));
  const timer = setTimeout(() => mvn.kill(), patienceMs);
  const code = await new Promise<number | null>((resolve, reject) => mvn.on('error', reject).on('close', resolve));
  clearTimeout(timer);
  if (code !== 0) {
    await rm(part, { recursive: true, force: true });
    throw new Error(`maven could not fetch Kafka's jars (exit ${String(code)}): ${said.slice(-2_000)}`);
  }
  await rename(part, folder); // whole or not at all
}
