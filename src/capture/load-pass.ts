import { attachPassProgram } from '../bpf/pass-program.ts';
import { parseHooks } from '../hooks/parse.ts';
import { liveReader } from '../kernel/reader.ts';
import { NetnsNames } from '../kernel/netns.ts';
import { xdpDevices } from '../kernel/xdp-devices.ts';
import type { Disposer } from '../util/disposer.ts';

/**
 * --load-pass: the devices of XDP hooks that have no program get one, for as long as `held` holds it.
 *
 * @returns notes for the user
 * @throws UsageError, PermissionError, UnsupportedError
 */
export function loadPassPrograms(hooks: readonly string[], held: Disposer): readonly string[] {
  const { find } = xdpDevices(new NetnsNames(liveReader));
  const subjects = parseHooks(hooks).flatMap((spec) => (spec.kind === 'xdp' ? [spec.of] : []));
  return [...new Set(subjects)].flatMap((of) => {
    const device = /^\d+$/.test(of) ? undefined : find(of);
    if (device === undefined || device.programs.length > 0) return [];
    const { mode } = held.add(attachPassProgram(device));
    return [`${of}: it had no XDP program: one that passes everything is there now (${mode} mode)`];
  });
}
