import { type OptionNames, requireBoolean } from '../../check-options.ts';
import { OptionError, requireInteger, requireText } from '../../errors.ts';

/** Which files may be opened as a model. */
export interface LlamaFileOptions {
  /** With `pull`: whether a model may be fetched whose checksum nobody has pinned (`hf:…`, `https:…`). @defaultValue MILLRACE_ALLOW_REMOTE_MODELS=1 */
  readonly allowRemote?: boolean;
  /** SHA-256 that the file must have, in 64 hexadecimal digits; computed each time a path is opened, some seconds for each GB. @defaultValue the one known by name */
  readonly sha256?: string;
  /** A path must lie in this folder, links followed. @defaultValue MILLRACE_MODEL_ROOT, or anywhere */
  readonly modelRoot?: string;
  /** Longest file that is opened, in bytes. @defaultValue 1 TiB */
  readonly maxModelBytes?: number;
}

export interface ResolvedFileOptions {
  readonly allowRemote: boolean;
  readonly sha256: string | undefined;
  readonly modelRoot: string | undefined;
  readonly maxModelBytes: number;
}

export const fileOptionNames: OptionNames<LlamaFileOptions> = { allowRemote: true, sha256: true, modelRoot: true, maxModelBytes: true };

/** @throws OptionError for an option outside its range. */
export function resolveFileOptions(options: LlamaFileOptions): ResolvedFileOptions {
  const { sha256, maxModelBytes = 2 ** 40, modelRoot = process.env['MILLRACE_MODEL_ROOT'] } = options;
  const { allowRemote = process.env['MILLRACE_ALLOW_REMOTE_MODELS'] === '1' } = options;
  requireBoolean('llama.allowRemote', allowRemote);
  requireInteger('llama.maxModelBytes', maxModelBytes, 1);
  if (modelRoot !== undefined) requireText('llama.modelRoot', modelRoot);
  if (sha256 !== undefined && !/^[\da-f]{64}$/i.test(sha256))
    throw new OptionError('llama.sha256 must be 64 hexadecimal digits, as sha256sum prints them');
  return { allowRemote, sha256, modelRoot, maxModelBytes };
}
