import { join } from 'node:path';
import type { Clock } from '../../clock.ts';
import { CodecError, messageOf } from '../../errors.ts';
import { type Begin, type FlightListener, Flights } from '../../policies/internal/flights.ts';
import { sameValue } from '../../policies/internal/same-value.ts';
import type { PolicyState } from '../../policies/policy-state.ts';
import type { OpenContext, Opened } from '../../resource.ts';
import type { Journal, JournalEntry, JournalSettings } from '../journal-port.ts';
import { type JournalFile, type JournalFiles, nodeFiles } from './files.ts';
import { GroupWriter } from './group-writer.ts';
import { JournalReader } from './journal-reader.ts';
import { journalTrouble } from './journal-trouble.ts';
import { checkLine, digestOf, encodeLine, type KeyDigest, lineOverhead, valueOf } from './line.ts';
import { besideOf, rewriteFile, type RewriteOptions } from './rewrite-file.ts';
import { takeSlot } from './slot.ts';

/** Damaged lines that are named one by one. */
const mostNamed = 20;

/** Takes a file of the folder, reads all of them, and cuts off what a kill has left of a last line. */
export async function openJournal(
  settings: JournalSettings,
  context: OpenContext,
  files: JournalFiles = nodeFiles,
): Promise<Opened<Journal>> {
  const { dir, exclusive, maxValueBytes } = settings;
  const { clock, log, signal } = context;
  const maxLineBytes = maxValueBytes + lineOverhead;
  let damaged = 0;
  const onDamage = (file: string, line?: number): void => {
    damaged += 1;
    if (damaged > mostNamed) return;
    const also = damaged === mostNamed ? '; further ones are only counted' : '';
    log('warn', `a line of the journal is damaged: its work counts as not done${also}`, {
      file: join(dir, file),
      ...(line !== undefined && { line }),
    });
  };
  const opening = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw journalTrouble('opening', dir, error);
    }
  };
  await opening(files.makeFolder(dir));
  const slot = await opening(takeSlot(files, dir, exclusive));
  let file: JournalFile | undefined;
  try {
    const path = join(dir, slot.file);
    const reader = new JournalReader({ files, dir, maxLineBytes, onDamage });
    file = await opening(files.open(path, 'write'));
    let end = await reader.readOn(slot.file, signal, file);
    await opening(cutTail(file, end));
    await opening(files.remove(besideOf(path))); // what a kill has left of a rewriting
    if (reader.isMostlySuperseded(slot.file)) {
      file = await rewritten({ files, dir, path, file, index: reader.index, maxLineBytes, signal }, log);
      end = await reader.readOn(slot.file, signal, file);
    }
    await opening(reader.look(signal, slot.file));
    const writer = new GroupWriter({ ...settings, clock, files, path, file, end });
    log('debug', 'the journal is open', { dir, file: slot.file, keys: reader.index.size, files: reader.fileCount, damaged });
    const value = new OpenedJournal(settings, clock, reader, writer, slot.file, { onDamage, damaged: () => damaged });
    const close = async (): Promise<void> => {
      try {
        await writer.close();
      } finally {
        await slot.release();
      }
    };
    return { value, close };
  } catch (error) {
    await file?.close().catch(() => undefined); // what it failed with is told already
    await slot.release().catch(() => undefined);
    throw error;
  }
}

/** The file itself where that fails: it is as good, only longer. */
async function rewritten(options: RewriteOptions, log: OpenContext['log']): Promise<JournalFile> {
  const { files, path, file } = options;
  try {
    const anew = await rewriteFile(options);
    await file.close();
    return anew;
  } catch (error) {
    options.signal.throwIfAborted();
    await files.remove(besideOf(path)).catch(() => undefined);
    log('warn', 'the journal could not be written anew without what is superseded: it goes on as it is', {
      file: path,
      error: messageOf(error),
    });
    return file;
  }
}

async function cutTail(file: JournalFile, end: number): Promise<void> {
  if ((await file.read(Buffer.alloc(1), end)) === 0) return;
  await file.truncate(end);
  await file.sync();
}

interface Damage {
  readonly onDamage: (file: string) => void;
  readonly damaged: () => number;
}

class OpenedJournal implements Journal {
  readonly #settings: JournalSettings;
  readonly #clock: Clock;
  readonly #reader: JournalReader;
  readonly #writer: GroupWriter;
  readonly #own: string;
  readonly #damage: Damage;
  readonly #flights = new Flights();
  /** Appends that are being written, by key. */
  readonly #pending = new Map<string, Promise<void>>();
  readonly #scratch = new Uint32Array(4);
  #asked = { hits: 0, misses: 0 };
  #looking: Promise<void> | undefined;
  #lookedAtMs: number;

  constructor(settings: JournalSettings, clock: Clock, reader: JournalReader, writer: GroupWriter, own: string, damage: Damage) {
    this.#settings = settings;
    this.#clock = clock;
    this.#reader = reader;
    this.#writer = writer;
    this.#own = own;
    this.#damage = damage;
    this.#lookedAtMs = clock.nowMs();
  }

  get size(): number {
    return this.#reader.index.size;
  }

  get counts(): Journal['counts'] {
    const { appends, syncs } = this.#writer.counts;
    return { ...this.#asked, appends, syncs, damaged: this.#damage.damaged() };
  }

  async get(key: unknown): Promise<JournalEntry | undefined> {
    const entry = await this.#find(digestOf(key));
    this.#asked[entry ? 'hits' : 'misses'] += 1;
    return entry;
  }

  async append(key: unknown, value: unknown): Promise<void> {
    const { hex, words } = digestOf(key);
    const line = encodeLine(hex, this.#clock.nowMs(), this.#jsonOf(value));
    const writing = this.#writer.append(line).then((offset) => {
      this.#reader.index.put(words, { file: this.#reader.numberOf(this.#own), offset, bytes: line.length - 1 });
    });
    const settled = writing.catch(() => undefined); // whoever appends is told
    this.#pending.set(hex, settled);
    try {
      await writing;
    } finally {
      if (this.#pending.get(hex) === settled) this.#pending.delete(hex);
    }
  }

  join(key: unknown, begin: Begin, listener: FlightListener): () => void {
    return this.#flights.join(digestOf(key).hex, begin, listener);
  }

  describe(): PolicyState {
    const { hits, misses, appends, syncs, damaged } = this.counts;
    return {
      ...{ name: 'journal', kind: 'journal', used: this.size, limit: Infinity, waiting: this.#writer.waiting },
      numbers: {
        hits_total: hits,
        misses_total: misses,
        appends_total: appends,
        syncs_total: syncs,
        damaged_total: damaged,
        file_bytes: this.#writer.bytes,
        index_bytes: this.#reader.index.bytes,
      },
    };
  }

  async #find(digest: KeyDigest): Promise<JournalEntry | undefined> {
    await this.#pending.get(digest.hex);
    return (await this.#read(digest)) ?? ((await this.#looked()) ? this.#read(digest) : undefined);
  }

  async #read(digest: KeyDigest): Promise<JournalEntry | undefined> {
    const found = await this.#entryAt(digest);
    if (found !== 'changed') return found;
    await this.#look(); // its writer may have written the file anew
    const anew = await this.#entryAt(digest);
    if (anew !== 'changed') return anew;
    const { index } = this.#reader;
    const place = index.get(digest.words);
    index.forget(digest.words); // damaged, or taken back by a writer whose disk was full
    if (place) this.#damage.onDamage(this.#reader.nameOf(place));
    return undefined;
  }

  /** Undefined: there is none; `changed`: there was one, and where it stood is something else now. */
  async #entryAt({ words }: KeyDigest): Promise<JournalEntry | 'changed' | undefined> {
    const place = this.#reader.index.get(words);
    if (!place) return undefined;
    const line = await this.#reader.lineAt(place);
    if (line && checkLine(line, 0, line.length, this.#scratch) && this.#scratch.every((word, i) => word === words[i]))
      return { value: valueOf(line) };
    return 'changed';
  }

  /** Whether others' files were looked at anew; all that ask meanwhile wait for one look. */
  async #looked(): Promise<boolean> {
    const { lookEveryMs } = this.#settings;
    if (!this.#looking && this.#clock.nowMs() - this.#lookedAtMs < lookEveryMs) return false;
    await this.#look();
    return true;
  }

  #look(): Promise<void> {
    if (this.#looking) return this.#looking;
    this.#lookedAtMs = this.#clock.nowMs();
    this.#looking = this.#reader.look(undefined, this.#own).finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  #jsonOf(value: unknown): string {
    const json = jsonOf(value);
    const { maxValueBytes } = this.#settings;
    if (json === undefined || !sameValue(JSON.parse(json), value))
      throw new CodecError(
        'encode_failed',
        'the journal keeps what JSON gives back as it was: plain objects, lists, texts, finite numbers, no dates or classes',
      );
    const bytes = Buffer.byteLength(json);
    if (bytes > maxValueBytes)
      throw new CodecError(
        'encode_failed',
        `a value of ${String(bytes)} bytes is more than maxValueBytes of the journal, ${String(maxValueBytes)}`,
      );
    return json;
  }
}

/** Undefined for what has no JSON. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
