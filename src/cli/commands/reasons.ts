import { EXIT, UnsupportedError, UsageError, type ExitCode } from '../../errors.ts';
import { DropReasons, type DropReason } from '../../kernel/drop-reasons.ts';
import { ModuleBtfs } from '../../kernel/module-btfs.ts';
import { liveReader } from '../../kernel/reader.ts';
import { readKernelBtf } from '../../kernel/view.ts';
import type { CliIo } from '../io.ts';

/** `xcap reasons [PATTERN]`: the drop reasons of this kernel. */
export function reasonsCommand(words: readonly string[], io: CliIo): ExitCode {
  const btf = readKernelBtf(liveReader);
  const reasons = DropReasons.fromBtf(btf, new ModuleBtfs(liveReader, () => btf));
  if (!reasons.available) {
    throw new UnsupportedError(
      'listing drop reasons: this kernel: it has none, they came with Linux 5.17',
      { hint: 'each drop is shown with its location instead' },
    );
  }
  const wanted = words.map((word) => word.toUpperCase());
  const found = reasons
    .list()
    .filter(({ name }) => wanted.every((word) => name.toUpperCase().includes(word)));
  if (found.length === 0) {
    throw new UsageError(`listing drop reasons: ${words.join(' ')}: no name contains it`, {
      hint: 'xcap reasons lists all',
    });
  }
  io.stdout.print(formatReasons(found));
  return EXIT.done;
}

/** `     2  NOT_SPECIFIED`, with the subsystem where there are several. */
export function formatReasons(reasons: readonly DropReason[]): string {
  const several = new Set(reasons.map(({ subsystem }) => subsystem)).size > 1;
  const names = Math.max(...reasons.map(({ name }) => name.length));
  const lines = reasons.map(({ value, name, subsystem }) => {
    const tail = several && subsystem !== undefined ? `  ${subsystem}` : '';
    return `${String(value).padStart(6)}  ${several ? name.padEnd(names) : name}${tail}`.trimEnd();
  });
  return `${lines.join('\n')}\n`;
}
