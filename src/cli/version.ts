import { readFileSync } from 'node:fs';

/** The version in package.json, which is two folders above src/cli and dist/cli alike. */
export function packageVersion(): string {
  const path = new URL('../../package.json', import.meta.url);
  const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'));
  const version = parsed instanceof Object && 'version' in parsed ? parsed.version : undefined;
  return typeof version === 'string' ? version : 'unknown';
}
