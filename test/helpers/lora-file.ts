import { writeFile } from 'node:fs/promises';
import { seededRandom } from '../../src/inference/scripted/seeded-random.ts';

const text = (value: string): Buffer => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const u64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
const gguf = { f32: 6, string: 8, tensorF32: 0, alignment: 32 } as const;

/**
 * A LoRA adapter of the default model that turns one of its layers upside down: random, so that it teaches nothing, but nobody can take
 * its answers for those of the model without it.
 */
export async function writeLora(path: string): Promise<void> {
  const [input, rank, output] = [1_536, 4, 576];
  const tensors = [
    { name: 'blk.15.ffn_down.weight.lora_a', shape: [input, rank] },
    { name: 'blk.15.ffn_down.weight.lora_b', shape: [rank, output] },
  ] as const;
  const random = seededRandom(7);
  const data = tensors.map(({ shape: [a, b] }) => Buffer.from(Float32Array.from({ length: a * b }, () => random() - 0.5).buffer));
  const strings = { 'general.type': 'adapter', 'general.architecture': 'llama', 'adapter.type': 'lora' };
  const alpha = Buffer.alloc(4);
  alpha.writeFloatLE(rank * 8); // once was enough on some processors only
  const entries = Object.entries(strings).map(([key, value]) => Buffer.concat([text(key), u32(gguf.string), text(value)]));
  const infos = tensors.map(({ name, shape }, index) => {
    const offset = data.slice(0, index).reduce((sum, one) => sum + one.length, 0);
    return Buffer.concat([text(name), u32(2), ...shape.map(u64), u32(gguf.tensorF32), u64(offset)]);
  });
  const head = Buffer.concat([
    Buffer.from('GGUF'),
    u32(3),
    u64(tensors.length),
    u64(entries.length + 1),
    ...entries,
    Buffer.concat([text('adapter.lora.alpha'), u32(gguf.f32), alpha]),
    ...infos,
  ]);
  const padding = Buffer.alloc((gguf.alignment - (head.length % gguf.alignment)) % gguf.alignment);
  await writeFile(path, Buffer.concat([head, padding, ...data]));
}
