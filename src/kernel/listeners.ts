import { netnsOfProcess, processIds } from './processes.ts';
import { type FileReader, readText } from './reader.ts';

/** A port of TCP that a socket listens on. */
export interface Listener {
  /** Inode number of the network namespace. */
  readonly netns: number;
  readonly port: number;
  /** Inode number of the socket. */
  readonly inode: number;
}

/** `sl local_address rem_address st ... inode`: include/net/tcp_states.h has TCP_LISTEN as 10. */
const LISTENING = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F:]+ 0A(?:\s+\S+){5}\s+(\d+)/gm;

/** Of all namespaces that a process is in, by /proc/PID/net. */
export function* findListeners(reader: FileReader): Generator<Listener> {
  const seen = new Set<number>();
  for (const pid of processIds(reader)) {
    const netns = netnsOfProcess(reader, pid);
    if (netns === undefined || seen.has(netns)) continue;
    seen.add(netns);
    for (const table of ['tcp', 'tcp6']) {
      const text = readText(reader, `/proc/${pid}/net/${table}`) ?? '';
      for (const [, port = '', inode = ''] of text.matchAll(LISTENING)) {
        yield { netns, port: parseInt(port, 16), inode: Number(inode) };
      }
    }
  }
}
