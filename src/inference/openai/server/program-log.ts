import type { Readable } from 'node:stream';
import type { Clock } from '../../../clock.ts';
import type { OpenContext } from '../../../resource.ts';
import { formsOf, withoutSecrets } from '../../../without-secrets.ts';

const longestLine = 2_000;
const longestHeld = 2 * longestLine; // a secret across the cut is still known for one
const linesPerSecond = 50;
const tailLines = 20;
const tailCharacters = 3_000;

export interface ProgramLogOptions {
  readonly name: string;
  readonly log: OpenContext['log'];
  readonly clock: Clock;
  /** Taken out wherever they occur. */
  readonly secrets: readonly string[];
}

/**
 * What a program writes, read as fast as it comes so that it never waits for us, and told line by line at level `debug`: at most 50
 * lines a second, of 2,000 characters each, without secrets; how many were left out is told. Holds the last 20 lines and one unfinished.
 */
export class ProgramLog {
  readonly #options: ProgramLogOptions;
  readonly #secrets: readonly string[];
  /** As they came: to look each line of a flood through for secrets would hold up this process. */
  #tail: string[] = [];
  #sinceMs = Number.NEGATIVE_INFINITY;
  #told = 0;
  #leftOut = 0;

  constructor(options: ProgramLogOptions) {
    this.#options = options;
    this.#secrets = options.secrets
      .filter((one) => one.length > 3)
      .flatMap(formsOf)
      .sort((a, b) => b.length - a.length);
  }

  /** The last that was written, for a person. */
  get tail(): string {
    return this.#tail
      .map((raw) => this.#clean(raw))
      .join('\n')
      .slice(-tailCharacters);
  }

  read(stream: Readable): void {
    let rest = '';
    let isCut = false; // of a line that is too long the end is left out
    stream.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (!isCut) this.#line(line);
        isCut = false;
      }
      if (rest.length <= longestHeld) return;
      if (!isCut) this.#line(rest);
      [rest, isCut] = ['', true];
    });
    stream.on('end', () => {
      if (rest !== '' && !isCut) this.#line(rest);
    });
    stream.on('error', () => undefined); // its end is told by the end of the program
  }

  /** Tells how many lines were left out since the last was told. */
  flush(): void {
    if (this.#leftOut > 0) this.#options.log('debug', `${this.#options.name}: ${String(this.#leftOut)} lines left out`);
    this.#leftOut = 0;
  }

  #line(raw: string): void {
    const { clock, log, name } = this.#options;
    const nowMs = clock.nowMs();
    if (nowMs - this.#sinceMs >= 1_000) {
      this.flush();
      this.#sinceMs = nowMs;
      this.#told = 0;
    }
    const held = raw.slice(0, longestHeld).trimEnd();
    if (held === '') return;
    this.#tail.push(held);
    if (this.#tail.length > tailLines) this.#tail.shift();
    if (this.#told >= linesPerSecond) {
      this.#leftOut += 1;
      return;
    }
    this.#told += 1;
    log('debug', `${name}: ${this.#clean(held)}`);
  }

  #clean(held: string): string {
    let text = held;
    for (const secret of this.#secrets) text = text.replaceAll(secret, '[redacted]');
    text = withoutSecrets(text);
    return text.length > longestLine ? `${text.slice(0, longestLine)}…` : text;
  }
}

const secretName = /key|token|secret|passw|credential|auth/i;

/** What of a program's arguments and environment is nobody's business, by the names of them. */
export function secretsIn(args: readonly string[], env: Readonly<Record<string, string>>): readonly string[] {
  const given = args.flatMap((arg, index) => {
    const [, flag = '', value] = /^(--?[\w-]+)(?:=(.*))?$/s.exec(arg) ?? [];
    return secretName.test(flag) ? [value ?? args[index + 1] ?? ''] : [];
  });
  return [...given, ...Object.entries(env).flatMap(([name, value]) => (secretName.test(name) ? [value] : []))];
}
