/** What must be in the cache before {@link namedModel} can open this name; undefined for paths, and for what others run. */
export function modelToPull(name: string): string | undefined {
  const [, program, file = name] = /^(llama-server|server|triton|https?):(.*)$/is.exec(name) ?? [];
  const isNamed = file.startsWith('hf:') || !/[\\/]|\.gguf$/i.test(file);
  return isNamed && (program === undefined || program === 'llama-server') ? file : undefined;
}
