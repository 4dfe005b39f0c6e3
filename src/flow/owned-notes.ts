import type { NoteKeeper, PartitionNote, WrittenNote } from '../policies/partition-notes.ts';
import type { TopicPartition } from '../record/record.ts';
import { joinNotes, splitMetadata } from './commit-metadata.state.ts';

/** The policies of a pipeline that keep notes, by the names of their resources. */
export type NoteKeepers = ReadonlyMap<string, NoteKeeper>;

/** What policies note of one partition that is owned. Holds one note for each of them. */
export class OwnedNotes {
  readonly #notes: readonly (readonly [name: string, note: PartitionNote])[];

  private constructor(notes: readonly (readonly [string, PartitionNote])[]) {
    this.#notes = notes;
  }

  /** @throws RangeError for metadata, or a note, of something else. */
  static read(partition: TopicPartition, metadata: string | undefined, keepers: NoteKeepers): OwnedNotes {
    const { notes } = splitMetadata(metadata ?? '');
    return new OwnedNotes([...keepers].map(([name, keeper]) => [name, keeper.gained(partition, notes.get(name))]));
  }

  /** Where what was noted cannot be read. */
  static blind(partition: TopicPartition, keepers: NoteKeepers): OwnedNotes {
    return new OwnedNotes([...keepers].map(([name, keeper]) => [name, keeper.gained(partition, 'unreadable')]));
  }

  get isBehind(): boolean {
    return this.#notes.some(([, note]) => note.isBehind);
  }

  /** All of them as they are to be stored now, as one text. */
  write(): WrittenNote {
    if (this.#notes.length === 0) return nothing;
    const written = this.#notes.map(([name, note]) => [name, note.write()] as const);
    const each = (tell: (note: WrittenNote) => void) => (): void => {
      for (const [, note] of written) tell(note);
    };
    return {
      text: joinNotes(written.map(([name, { text }]) => [name, text])),
      stored: each((note) => note.stored()),
      failed: each((note) => note.failed()),
      dropped: each((note) => note.dropped()),
    };
  }

  leave(): void {
    for (const [, note] of this.#notes) note.leave();
  }

  lose(): void {
    for (const [, note] of this.#notes) note.lose();
  }
}

const nothing: WrittenNote = { text: '', stored: () => undefined, failed: () => undefined, dropped: () => undefined };
