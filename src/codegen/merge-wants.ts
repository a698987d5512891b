import type { StructWants } from './structs.ts';

/** The members of both, each once, in the order that they were wanted in. */
export function mergeWants(first: StructWants, second: StructWants): StructWants {
  const names = new Set([...Object.keys(first), ...Object.keys(second)]);
  return Object.fromEntries(
    [...names].map((name) => [
      name,
      [...new Set([...(first[name] ?? []), ...(second[name] ?? [])])],
    ]),
  );
}
