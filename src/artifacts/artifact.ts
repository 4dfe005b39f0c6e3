/** A file inside an archive that was downloaded; nested archives are unpacked in order. */
export interface UnpackStep {
  readonly format: 'zip' | 'tar.gz';
  /** Path of the member inside the archive. */
  readonly member: string;
}

/** Where an artifact can be had. The bytes decide, not the place: every source is held to the same checksum. */
export type ArtifactSource =
  | {
      readonly kind: 'http';
      /** For messages. */
      readonly label: string;
      readonly url: string;
      /** Without steps the file itself is served, and a download that broke off goes on where it stopped. */
      readonly unpack?: readonly UnpackStep[];
    }
  | {
      readonly kind: 'pip';
      readonly label: string;
      /** Pinned, as `name==version --hash=sha256:…`. */
      readonly requirement: string;
      readonly unpack: readonly UnpackStep[];
    };

/** A file that is fetched once for every user of a machine, and shared between projects. */
export interface Artifact {
  /** What `millrace pull` calls it. */
  readonly name: string;
  /** Path below the cache folder; holds no `..`. */
  readonly file: string;
  /** Undefined where the source has to say: such a file is pinned by its first download. */
  readonly bytes?: number;
  readonly sha256?: string;
  /** Tried in this order. */
  readonly sources: readonly ArtifactSource[];
}

/** What a pull is doing, for people. */
export interface PullProgress {
  readonly artifact: string;
  readonly phase: 'waiting' | 'downloading' | 'unpacking' | 'checking' | 'ready';
  /** Label of the source, or the cache. */
  readonly source: string;
  readonly bytes: number;
  /** Undefined where nobody has said. */
  readonly totalBytes: number | undefined;
}
