import { catalogue, artifactNamed } from '../artifacts/catalogue.ts';
import { cacheFolder } from '../artifacts/cache-folder.ts';
import { pullArtifact } from '../artifacts/pull-artifact.ts';
import type { PullProgress } from '../artifacts/artifact.ts';
import { type Command, defineCommand } from '../command.ts';

const options = {
  verify: { kind: 'flag', summary: 'read files that are there again, and fetch them again if they are damaged' },
} as const;

const names = catalogue.map(({ name }) => name);

export const pullCommand: Command = defineCommand({
  name: 'pull',
  summary: 'fetch models and demo data into the cache',
  details: `Without names: ${names.join(' and ')}, which is what the demo needs. What is there already is not fetched again; each file is
checked against its SHA-256, and a download that broke off goes on where it stopped. Files lie in $MILLRACE_CACHE, else in
$XDG_CACHE_HOME/millrace, else in ~/.cache/millrace.`,
  arguments: [{ name: 'name', many: true, summary: `${names.join(', ')}, hf:owner/repo/file.gguf, or https://host/path/file.gguf` }],
  options,
  examples: [
    { line: 'millrace pull', does: 'all that the demo needs' },
    { line: 'millrace pull smollm2 --verify', does: 'is the model still what it was?' },
    { line: 'millrace pull hf:bartowski/Qwen2.5-1.5B-Instruct-GGUF/Qwen2.5-1.5B-Instruct-Q4_K_M.gguf', does: 'a bigger model' },
  ],
  run: async ({ options: { verify }, args }, { out, signal, clock }) => {
    const artifacts = (args.length === 0 ? names : args).map(artifactNamed); // a wrong name is said before anything is fetched
    const startMs = clock.nowMs();
    for (const artifact of artifacts) {
      let last: PullProgress | undefined;
      const onProgress = (progress: PullProgress): void => {
        last = progress;
        out.live(progressText(progress, out.width, clock.nowMs() - startMs));
      };
      const path = await pullArtifact(artifact, { signal, clock, verify, onProgress });
      out.live(undefined);
      const from =
        last === undefined || last.source === 'cache' ? (verify ? 'in the cache, checked' : 'in the cache') : `from ${last.source}`;
      out.line(`${artifact.name}  ${megabytes(last?.bytes ?? 0)}  ${from}  ${path}`);
      out.json({ name: artifact.name, path, bytes: last?.bytes, source: last?.source });
    }
    out.note(`files lie in ${cacheFolder()}`);
  },
});

const megabytes = (bytes: number): string => (bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

/** `smollm2  ████████░░░░  41.2 of 98.4 MB  Hugging Face` */
function progressText({ artifact, phase, source, bytes, totalBytes }: PullProgress, width: number, passedMs: number): string {
  if (phase === 'waiting') return `${artifact}: ${source} fetches it, waiting`;
  if (phase !== 'downloading' || bytes === 0)
    return `${artifact}: ${phase}, ${source}${phase === 'downloading' ? `, ${String(Math.round(passedMs / 1000))} s` : ''}`;
  if (totalBytes === undefined || totalBytes === 0) return `${artifact}: ${megabytes(bytes)}, ${source}`;
  const cells = Math.max(10, Math.min(30, width - 60));
  const full = Math.round((Math.min(bytes, totalBytes) / totalBytes) * cells);
  return `${artifact}  ${'█'.repeat(full)}${'░'.repeat(cells - full)}  ${megabytes(bytes)} of ${megabytes(totalBytes)}, ${source}`;
}
