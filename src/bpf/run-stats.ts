import { closeSync } from 'node:fs';
import { PermissionError } from '../errors.ts';
import { Attr, BPF_CMD, bpfError } from './syscall.ts';

const BPF_STATS_RUN_TIME = 0;

/**
 * Lets the kernel count runs and run time of every BPF program on the host (5.8), for as long as the
 * descriptor is open: not the sysctl, which would stay on when this process is killed.
 *
 * @throws PermissionError without CAP_SYS_ADMIN, SystemError
 */
export function enableRunStats(): Disposable {
  const fd = new Attr(4).u32(0, BPF_STATS_RUN_TIME).call(BPF_CMD.enableStats);
  if (fd < 0) {
    const error = bpfError('measuring the programs', 'bpf(BPF_ENABLE_STATS)', fd);
    if (!(error instanceof PermissionError)) throw error;
    throw new PermissionError(error.message, { hint: 'it takes CAP_SYS_ADMIN' });
  }
  return {
    [Symbol.dispose]: () => {
      closeSync(fd);
    },
  };
}
