import { requireOptions } from '../../check-options.ts';
import { OptionError } from '../../errors.ts';
import type { Tensor } from '../model.ts';

/** @throws OptionError unless each has a name of its own, and as many values as its shape says. */
export function requireTensors(inputs: readonly Tensor[]): void {
  if (!Array.isArray(inputs) || inputs.length === 0) throw new OptionError('inputs must be a list of at least one tensor');
  const seen = new Set<string>();
  inputs.forEach((tensor: Tensor, index) => {
    requireOptions(`inputs[${String(index)}]`, tensor, { name: true, shape: true, data: true });
    const { name, shape, data } = tensor;
    if (typeof name !== 'string' || name === '' || seen.has(name))
      throw new OptionError(`inputs[${String(index)}].name must be a text that no other tensor has, got ${JSON.stringify(name)}`);
    seen.add(name);
    const size = shape.reduce((product, one) => product * one, 1);
    if (!shape.every((one) => Number.isSafeInteger(one) && one >= 0) || data.length !== size)
      throw new OptionError(
        `inputs[${String(index)}] (${name}) must have as many values as its shape [${shape.join(', ')}] says, got ${String(data.length)}`,
      );
  });
}
