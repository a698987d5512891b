/** Whether what was built elsewhere is for this system. */

import { sha256 } from '../util/sha256.ts';
import { UnsupportedError } from '../errors.ts';
import { describeHooks } from '../hooks/resolved.ts';
import { FEATURES, type FeatureId, type Prober } from '../kernel/features.ts';
import type { BuiltProgram, KernelIdentity } from './built-program.ts';
import type { CapturePlan } from './plan.ts';

function cannotRun(path: string, why: string, hint: string): UnsupportedError {
  return new UnsupportedError(`running ${path}: ${why}`, { hint });
}

/** @throws UnsupportedError */
export function requireVersion(built: BuiltProgram, version: string, path: string): void {
  if (built.xcap === version) return;
  const why = `built by xcap ${built.xcap}, this is ${version}: they write other programs`;
  throw cannotRun(path, why, 'build it again by the version that runs it');
}

/** @throws UnsupportedError that names both kernels */
export function requireKernel(built: KernelIdentity, here: KernelIdentity, path: string): void {
  const name = ({ release, arch }: KernelIdentity): string => `Linux ${release} (${arch})`;
  const hint = `build it again, here, or elsewhere by --btf FILE --release ${here.release} with a copy of /sys/kernel/btf/vmlinux`;
  if (built.release !== here.release || built.arch !== here.arch) {
    throw cannotRun(path, `built for ${name(built)}, this is ${name(here)}`, hint);
  }
  if (built.btf === here.btf) return;
  const short = ({ btf }: KernelIdentity): string => btf.slice(0, 12);
  const why = `built for ${name(built)} with BTF ${short(built)}, this one's BTF is ${short(here)}`;
  throw cannotRun(path, why, hint);
}

/** Each answer as the program relies on it. */
export function sameAbilities(prober: Prober, built: BuiltProgram, path: string): Prober {
  const known = new Map<FeatureId, boolean>(built.abilities.map(({ id, has }) => [id, has]));
  return (id) => {
    const answer = prober(id);
    const has = answer === 'yes';
    if (known.get(id) === undefined || known.get(id) === has) return answer;
    const { doc } = FEATURES[id];
    const why = has ? `built for a kernel without: ${doc}` : `it needs what is not here: ${doc}`;
    const hint = has ? 'build it again, on this host' : `build it with --without-feature ${id}`;
    throw cannotRun(path, why, hint);
  };
}

/** @throws UnsupportedError where this system would compile something else */
export function requireSameProgram(
  built: Pick<BuiltProgram, 'units' | 'hooks'>,
  plan: Pick<CapturePlan, 'program' | 'hooks'>,
  path: string,
): void {
  const units = plan.program.units.map(({ text, functions }) => ({
    sha256: sha256(text),
    functions,
  }));
  if (JSON.stringify(units) === JSON.stringify(built.units)) return;
  const [there, here] = [built.hooks, describeHooks(plan.hooks)].map((all) => all.join(', '));
  const why =
    there === here
      ? 'this system needs another program than the one that it was built on'
      : `built to hook ${there ?? ''}; here that would be ${here ?? ''}`;
  throw cannotRun(path, why, 'build it again, on this host; xcap --dry-run shows its C');
}
