import type { Btf } from '../btf/btf.ts';
import { memberPath } from '../btf/members.ts';
import { UnsupportedError } from '../errors.ts';
import type { UserC } from '../user-c/user-c.ts';

/** @throws UnsupportedError for what `// kernel:` lines ask for and this kernel does not have */
export function requireMembers(btf: Btf, { wants }: UserC): void {
  for (const [struct, members] of Object.entries(wants)) {
    if (btf.struct(struct) === undefined) throw missing(struct, 'no such struct in this kernel');
    for (const member of members) {
      if (memberPath(btf, struct, member) !== undefined) continue;
      throw missing(`${struct}.${member}`, 'no such member in this kernel');
    }
  }
}

function missing(what: string, why: string): UnsupportedError {
  return new UnsupportedError(`reading // kernel: lines: ${what}: ${why}`, {
    hint: 'bpftool btf dump file /sys/kernel/btf/vmlinux format c shows what it has',
  });
}
