import type { FileReader } from './reader.ts';

/** tracefs by itself, and where it was before 4.1. */
export const TRACEFS: readonly string[] = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'];

/** The categories that have an event of that name; none where tracefs is not mounted. */
export function eventCategories(reader: FileReader, name: string): readonly string[] {
  for (const root of TRACEFS) {
    const categories = reader.readDir(`${root}/events`) ?? [];
    if (categories.length === 0) continue;
    return categories
      .filter((category) => reader.stat(`${root}/events/${category}/${name}`) !== undefined)
      .sort();
  }
  return [];
}
