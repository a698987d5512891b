import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The place of a file among parts of names; behind all of them if none is in it. */
export const rankOf = (file: string, first: readonly string[]): number => {
  const rank = first.findIndex((part) => file.includes(part));
  return rank < 0 ? first.length : rank;
};

/** Test files in the order of `XCAP_FIRST`, parts of their names between spaces; without it in vitest's own. */
export class ImportantFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const first = process.env['XCAP_FIRST']?.split(' ') ?? [];
    const sorted = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification): number => rankOf(moduleId, first);
    return first.length === 0 ? sorted : sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}
