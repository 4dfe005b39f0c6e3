/** What a document holds: a file as it is (`readDocument` makes text of it), or a row with its text and all of its fields. */
export type DocumentContent =
  | { readonly bytes: Uint8Array; readonly mediaType?: string }
  | { readonly text: string; readonly fields: Readonly<Record<string, unknown>> };

/** A document of a pile, before anything of it is made. */
export interface DocumentSource {
  /** The same for the same place in every run, and no other's: the path below the folder, or `path:line` of a row (`path#row` in Parquet, from 1 on). */
  readonly id: string;
  /** The name of the file, whose extension says what it is. */
  readonly name: string;
  /** The line at which a row begins, from 1 on; in Parquet, which has no lines, its row. */
  readonly line?: number;
  /**
   * Reads a file, or parses a row, whenever it is called.
   * @throws DocumentError (`unreadable_document`) where this one cannot be read; others can. `resource_exhausted` where the machine has no more files to open.
   */
  read(): Promise<DocumentContent>;
}
