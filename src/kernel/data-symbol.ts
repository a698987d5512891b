import type { KernelMemory } from './memory.ts';
import type { FileReader } from './reader.ts';

/**
 * The addresses of some of the kernel's variables, as variableAddress() gives them; all or none, and kept: kallsyms has 12 MB.
 */
export function variableAddresses(
  reader: FileReader,
  names: readonly string[],
  memory?: KernelMemory,
): readonly bigint[] {
  const question = JSON.stringify(['variables', names]);
  const known = memory?.recall(question);
  if (known !== undefined) return (JSON.parse(known) as string[]).map(BigInt);
  const kallsyms = reader.readFile('/proc/kallsyms') ?? new Uint8Array();
  const found = names.flatMap((name) => variableAddress(kallsyms, name) ?? []);
  if (found.length < names.length) return [];
  memory?.keep(question, JSON.stringify(found.map((each) => `0x${each.toString(16)}`)));
  return found;
}

/**
 * The address of a variable of the kernel, of a per-CPU one its offset from where a CPU's begin.
 * Undefined where kallsyms has no data symbols (no CONFIG_KALLSYMS_ALL), or hides addresses.
 */
export function variableAddress(kallsyms: Uint8Array, name: string): bigint | undefined {
  const text = Buffer.from(kallsyms.buffer, kallsyms.byteOffset, kallsyms.byteLength);
  const at = text.indexOf(` ${name}\n`, 0, 'latin1');
  if (at < 0) return undefined;
  const line = text.toString('latin1', text.lastIndexOf('\n', at) + 1, at);
  const address = /^([0-9a-f]+) [aAdDbBrR]$/.exec(line)?.[1];
  return address === undefined || /^0+$/.test(address) ? undefined : BigInt(`0x${address}`);
}
