import { portKey } from '../abi/who.ts';
import { findListeners } from '../kernel/listeners.ts';
import type { FileReader } from '../kernel/reader.ts';
import type { SocketOwners } from '../kernel/socket-owners.ts';
import type { SessionMaps } from './session-maps.ts';

/**
 * Tells the kernel whose the sockets are that there were before xcap. The watchers have to be attached already: they know
 * better, and what they know stays.
 *
 * @returns how many could not be told for want of room
 */
export function seedOwners(
  maps: Pick<SessionMaps, 'putOwner'>,
  owners: Pick<SocketOwners, 'all'>,
  reader: FileReader,
): number {
  const known = owners.all();
  let left = 0;
  for (const [inode, { pid, comm }] of known) {
    if (!maps.putOwner(BigInt(inode), { pid, comm, by: 'proc' })) left++;
  }
  for (const { netns, port, inode } of findListeners(reader)) {
    const owner = known.get(inode);
    if (owner === undefined) continue;
    if (!maps.putOwner(portKey(netns, port), { ...owner, by: 'listener' })) left++;
  }
  return left;
}
