import { UsageError } from '../errors.ts';
import type { AddressRange } from '../kernel/kallsyms.ts';
import type { KernelSymbols } from '../kernel/symbols.ts';

/**
 * The addresses that `nf_hook_slow` or, as the outputs have it, `nf_hook_slow+0xa2 [module]` stands
 * for.
 *
 * @throws UsageError when no function has that name, or names are hidden
 */
export function resolveLocation(
  symbols: Pick<KernelSymbols, 'rangesOf' | 'note'>,
  text: string,
): readonly AddressRange[] {
  const [, name = '', offset] = /^(.*?)(?:\+(0x[0-9a-f]{1,8}))?(?: \[\w+\])?$/i.exec(text) ?? [];
  const functions = symbols.rangesOf(name);
  if (functions.length === 0) {
    const note = symbols.note();
    throw new UsageError(`choosing locations: ${text}: ${note?.message ?? 'no such function'}`, {
      hint: note?.hint ?? "a function of the kernel's or a loaded module's, or an address: 0xff...",
    });
  }
  if (offset === undefined) return functions;
  return functions.map(({ from }) => {
    const at = from + BigInt(offset);
    return { from: at, to: at };
  });
}
