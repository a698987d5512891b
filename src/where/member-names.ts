import type { Btf } from '../btf/btf.ts';
import { findMember } from '../btf/members.ts';
import type { BtfComposite } from '../btf/types.ts';
import { SOCK_COMMON } from './condition.ts';

/**
 * The member, also by the name that include/net/sock.h defines for what sockets of all sorts share:
 * `sk_state` is `__sk_common.skc_state`.
 */
export function findMemberAs(btf: Btf, container: BtfComposite, name: string) {
  const member = findMember(btf, container, name);
  if (member !== undefined) return { member, spelled: name };
  if (container.name !== 'sock' || !name.startsWith('sk_')) return undefined;
  const common = findMember(btf, container, SOCK_COMMON);
  const inner = common === undefined ? undefined : btf.resolve(common.typeId);
  if (common === undefined || inner?.kind !== 'struct') return undefined;
  const shared = `skc_${name.slice('sk_'.length)}`;
  const below = findMember(btf, inner, shared);
  if (below === undefined) return undefined;
  const bitOffset = common.bitOffset + below.bitOffset;
  return { member: { ...below, bitOffset }, spelled: `${SOCK_COMMON}.${shared}` };
}

/** As C sees them: those of anonymous structs and unions too. */
export function* memberNames(btf: Btf, struct: BtfComposite, depth = 0): Generator<string> {
  for (const member of struct.members) {
    if (member.name !== '') yield member.name;
    const inner = member.name === '' && depth < 32 ? btf.resolve(member.typeId) : undefined;
    if (inner?.kind === 'struct' || inner?.kind === 'union')
      yield* memberNames(btf, inner, depth + 1);
  }
}
