import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The nearest directory above that has a package.json: sources and what is built of them lie at different depths. */
function findPackage(from: string): string {
  const above = dirname(from);
  if (existsSync(join(from, 'package.json')) || above === from) return from;
  return findPackage(above);
}

const root = findPackage(import.meta.dirname);

/** The path of a file that comes with the package, as `packageFile('templates', 'include')`. */
export function packageFile(...parts: readonly string[]): string {
  return join(root, ...parts);
}

/** Version of the package. */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { version: string })
    .version;
}
