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
