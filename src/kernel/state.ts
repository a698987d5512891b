import { type FileReader, readText } from './reader.ts';
import { TRACEFS } from './trace-events.ts';

/**
 * Stands for all that decides where this run finds a function and how it can be hooked: as long as it is the same, so are
 * addresses, types, and what the kernel lets this run do. The text of functions changes by a boot and by modules that come
 * and go; a module that is loaded again has another inode in sysfs.
 *
 * @returns undefined where the kernel does not tell
 */
export function kernelState(reader: FileReader): string | undefined {
  const boot = readText(reader, '/proc/sys/kernel/random/boot_id');
  if (boot === undefined) return undefined;
  // None where the kernel takes no modules.
  const list = readText(reader, '/proc/modules') ?? '';
  const modules = list.split('\n').filter((line) => line !== '');
  const loaded = modules.map((line) => {
    // nf_tables 380928 541 nft_compat,nft_fib, Live 0xffffffffc0a5e000
    const [name = '', bytes, , , , address] = line.split(' ');
    return [name, bytes, address, reader.stat(`/sys/module/${name}`)?.inode];
  });
  if (loaded.some(([, , , inode]) => inode === undefined)) return undefined;
  const capabilities = /^CapEff:.*$/m.exec(readText(reader, '/proc/self/status') ?? '')?.[0];
  return JSON.stringify([
    boot,
    loaded,
    capabilities,
    reader.readLink('/proc/self/ns/user'),
    readText(reader, '/sys/kernel/security/lockdown'),
    readText(reader, '/proc/sys/kernel/ftrace_enabled'),
    TRACEFS.map((root) => reader.stat(`${root}/available_filter_functions`) !== undefined),
  ]);
}
