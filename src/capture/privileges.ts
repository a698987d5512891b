import { readFileSync } from 'node:fs';
import { PermissionError } from '../errors.ts';

/** Bits of include/uapi/linux/capability.h. */
const CAP_SYS_ADMIN = 21n;
const CAP_PERFMON = 38n;
const CAP_BPF = 39n;

/** CapEff of /proc/self/status (proc(5)); undefined where it cannot be read. */
function effectiveCapabilities(): bigint | undefined {
  try {
    const hex = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return hex === undefined ? undefined : BigInt(`0x${hex}`);
  } catch {
    return undefined;
  }
}

/**
 * Says at once what the kernel would say later, after the work of compiling.
 *
 * @param doing what they are for
 * @throws PermissionError (status 3)
 */
export function requirePrivileges(doing = 'tracing packets'): void {
  const effective = effectiveCapabilities();
  if (effective === undefined) return;
  const has = (capability: bigint): boolean => ((effective >> capability) & 1n) === 1n;
  if (has(CAP_SYS_ADMIN) || (has(CAP_BPF) && has(CAP_PERFMON))) return;
  throw new PermissionError(`${doing}: loading BPF programs: not permitted`, {
    hint: 'run it as root: sudo xcap ...',
  });
}
