import { constants } from 'node:os';

/** The kernel's own, which no system call returns: include/linux/errno.h. */
const KERNEL_ONLY: readonly (readonly [string, number])[] = [
  ['ERESTARTSYS', 512],
  ['ERESTARTNOINTR', 513],
  ['ENOIOCTLCMD', 515],
  ['EPROBE_DEFER', 517],
  ['ENOTSUPP', 524],
  ['EIOCBQUEUED', 529],
];

const names = new Map<number, string>(KERNEL_ONLY.map(([name, number]) => [number, name]));
for (const [name, number] of Object.entries(constants.errno)) {
  // Where two names share a number the first is the kernel's: EAGAIN, EOPNOTSUPP.
  if (name !== 'EWOULDBLOCK' && name !== 'ENOTSUP') names.set(number, name);
}

/** `EPERM` of 1; undefined for a number without a name. */
export function errnoNameOf(errno: number): string | undefined {
  return names.get(errno);
}
