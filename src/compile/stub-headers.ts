import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { packageFile } from '../util/package.ts';

/** The header tree that stands for the kernel's with libbcc. */
export const STUB_TREE = packageFile('templates', 'stub');

export interface StubHeader {
  /** Below the tree. */
  readonly path: string;
  readonly text: string;
}

/** The stub headers, in the order of their paths. */
export function readStubHeaders(): readonly StubHeader[] {
  return readdirSync(STUB_TREE, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({ path: relative(STUB_TREE, path), text: readFileSync(path, 'utf8') }));
}
