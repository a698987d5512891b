import { portKey } from '../abi/who.ts';
import { findListeners } from '../kernel/listeners.ts';
import type { FileReader } from '../kernel/reader.ts';
import type { SocketOwners } from '../kernel/socket-owners.ts';
import type { Session } from './session.ts';

/**
 * Tells the kernel whose the sockets are that there were before xcap. The watchers have to be attached already: they know
 * better, and what they know stays.
 *
 * @returns how many could not be told for want of room
 */
export function seedOwners(
  session: Pick<Session, 'putOwner'>,
  owners: Pick<SocketOwners, 'all'>,
  reader: FileReader,
): number {
  const known = owners.all();
  let left = 0;
  for (const [inode, { pid, comm }] of known) {
    if (!session.putOwner(BigInt(inode), { pid, comm, by: 'proc' })) left++;
  }
  for (const { netns, port, inode } of findListeners(reader)) {
    const owner = known.get(inode);
    if (owner === undefined) continue;
    if (!session.putOwner(portKey(netns, port), { ...owner, by: 'listener' })) left++;
  }
  return left;
}
