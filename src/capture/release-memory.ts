import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { releaseFreeMemory } from '../ffi/libc.ts';

/**
 * Gives back what the start needed, the kernel's BTF above all: while nothing happens nothing is
 * allocated either, so that V8 would keep it for as long as the capture waits.
 */
export function releaseMemory(): void {
  // node:v8 has no other way to ask for a collection in a process that was started without the flag.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  setFlagsFromString('--no-expose-gc');
  releaseFreeMemory();
}
