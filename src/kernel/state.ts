import { loadedModules } from './loaded-modules.ts';
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
  const modules = loadedModules(reader).map((module) => ({
    ...module,
    inode: reader.stat(`/sys/module/${module.name}`)?.inode,
  }));
  if (modules.some(({ inode }) => inode === undefined)) return undefined;
  const capabilities = /^CapEff:.*$/m.exec(readText(reader, '/proc/self/status') ?? '')?.[0];
  return JSON.stringify([
    boot,
    modules,
    capabilities,
    reader.readLink('/proc/self/ns/user'),
    readText(reader, '/sys/kernel/security/lockdown'),
    readText(reader, '/proc/sys/kernel/ftrace_enabled'),
    TRACEFS.map((root) => reader.stat(`${root}/available_filter_functions`) !== undefined),
  ]);
}
