import { createProber } from '../../bpf/probes.ts';
import { livePrograms } from '../../bpf/programs.ts';
import { requirePrivileges } from '../../capture/privileges.ts';
import { EXIT, UsageError, type ExitCode } from '../../errors.ts';
import { liftMemlockLimit } from '../../ffi/libc.ts';
import { listHooks, type HookRow } from '../../hooks/list.ts';
import { liveReader } from '../../kernel/reader.ts';
import { openKernelView } from '../../kernel/view.ts';
import { xdpDevices } from '../../kernel/xdp-devices.ts';
import type { CliIo } from '../io.ts';

/** `xcap hooks [PATTERN]`: what --hook can name on this kernel. */
export function hooksCommand(words: readonly string[], io: CliIo): ExitCode {
  const [pattern, more] = words;
  if (more !== undefined) {
    throw new UsageError(`listing hooks: ${words.join(' ')}: one pattern at a time`, {
      hint: "quote it: xcap hooks 'tcp_*'",
    });
  }
  // How a function can be hooked is found by trying.
  requirePrivileges('listing hooks');
  liftMemlockLimit();
  const view = openKernelView({ reader: liveReader, arch: process.arch, createProber });
  const rows = listHooks(view, liveReader, pattern, {
    programs: livePrograms,
    devices: xdpDevices(view.netns).here,
  });
  if (rows.length === 0) {
    throw new UsageError(`listing hooks: ${pattern ?? ''}: no such hook`, {
      hint: "'*' stands for any characters: xcap hooks '*rcv*'; xcap hooks lists all",
    });
  }
  io.stdout.print(formatHooks(rows));
  return EXIT.done;
}

const WIDEST = 48;

/** `icmp_rcv  fentry  struct sk_buff *skb, argument 1`; `-` where it cannot be hooked. */
export function formatHooks(rows: readonly HookRow[]): string {
  const cells = rows.map(({ name, backend = '-', note }) => [name, backend, note] as const);
  const width = (column: 0 | 1): number =>
    Math.min(WIDEST, Math.max(...cells.map((row) => row[column].length)));
  const [names, backends] = [width(0), width(1)];
  return cells
    .map(([name, backend, note]) => `${name.padEnd(names)}  ${backend.padEnd(backends)}  ${note}\n`)
    .join('');
}
