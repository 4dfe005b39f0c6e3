import type { JsonSchema } from '../model.ts';

/** Whether a schema meets the strict mode's demands: every object closed, all its properties required. Others are sent without it, which some servers obey less. */
export function isStrictSchema(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.every(isStrictSchema);
  if (typeof schema !== 'object' || schema === null) return true;
  const node = schema as JsonSchema;
  const properties = node['properties'];
  if (typeof properties === 'object' && properties !== null) {
    const required: unknown = node['required'];
    const names = new Set(Array.isArray(required) ? required : []);
    if (node['additionalProperties'] !== false || Object.keys(properties).some((name) => !names.has(name))) return false;
    return Object.entries(node).every(([key, child]) =>
      key === 'properties' ? Object.values(properties).every(isStrictSchema) : isStrictSchema(child),
    );
  }
  return Object.values(node).every(isStrictSchema);
}
