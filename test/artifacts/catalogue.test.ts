import { describe, expect, it } from 'vitest';
import { artifactNamed, catalogue } from '../../src/artifacts/catalogue.ts';

describe('artifactNamed', () => {
  it.each(catalogue.map(({ name }) => name))('knows %s, pinned by size and checksum', (name) => {
    const { bytes, sha256, sources } = artifactNamed(name);
    expect(bytes).toBeGreaterThan(0);
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(sources.length).toBeGreaterThan(1);
  });

  it('makes an artifact of a file on Hugging Face', () => {
    expect(artifactNamed('hf:owner/repo-1.5/sub/model.Q8_0.gguf')).toMatchObject({
      file: 'models/hf/owner/repo-1.5/sub/model.Q8_0.gguf',
      sources: [{ url: 'https://huggingface.co/owner/repo-1.5/resolve/main/sub/model.Q8_0.gguf' }],
    });
  });

  it('makes an artifact of a file on a server', () => {
    expect(artifactNamed('https://models.example.com/a/b.gguf')).toMatchObject({
      file: 'models/https/models.example.com/a/b.gguf',
      sources: [{ url: 'https://models.example.com/a/b.gguf' }],
    });
  });

  it.each([
    '',
    'smollm3',
    'hf:owner/repo',
    'hf:owner/repo/model.bin',
    'hf:../repo/a.gguf',
    'hf:owner/../a.gguf',
    'hf:owner/repo/../../a.gguf',
    'hf:o/r/a b.gguf',
    'http://host/a.gguf',
    'https://user:secret@host/a.gguf',
    'https://host/../a.gguf',
    'https://host/a.gguf?token=1',
    'https://host/a.bin',
  ])('refuses %j', (name) => {
    expect(() => artifactNamed(name)).toThrow(/expected one of smollm2, reviews-data, hf:owner\/repo\/file\.gguf/);
  });
});
