/** A step of a user's own that runs apart. */
export function run(input: { readonly n: number }): number {
  if (input.n === 2) process.exit(7);
  return input.n * 10;
}
