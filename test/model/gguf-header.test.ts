import { readGgufFileInfo } from 'node-llama-cpp';
import { describe, expect, it } from 'vitest';
import { checkModelFile } from '../../src/inference/llama/gguf/check-model-file.ts';
import { embeddedModelFile } from '../helpers/embedded-model.ts';

const file = await embeddedModelFile();

describe.skipIf(file.path === undefined)("the embedded model's header", () => {
  it('says here what the bare vendor reads', async () => {
    const path = file.path ?? '';
    const { header } = await checkModelFile(path, { modelRoot: undefined, maxModelBytes: 2 ** 40, sha256: undefined });
    const told = await readGgufFileInfo(path, { sourceType: 'filesystem', logWarnings: false });
    const { general, [general.architecture]: architecture } = told.metadata;
    expect(header).toEqual({
      version: told.version,
      tensors: told.tensorCount,
      architecture: general.architecture,
      name: general.name,
      contextTokens: (architecture as { readonly context_length: number }).context_length,
      parts: 1,
      dataOffset: Number(told.fullTensorInfo?.[0]?.fileOffset) - Number(told.fullTensorInfo?.[0]?.offset),
    });
  });
});
