import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Global set-up of the kernel tests: a cache of their own, empty at first, so that each program is
 * compiled at least once in each run, by the compiler as it is now. XCAP_CACHE=off: each time.
 */
export default function setup(): (() => void) | undefined {
  if (process.env['XCAP_CACHE'] !== undefined) return undefined;
  const directory = mkdtempSync(join(tmpdir(), 'xcap-test-cache-'));
  process.env['XCAP_CACHE'] = directory;
  return () => {
    rmSync(directory, { recursive: true, force: true });
  };
}
