import type { ChildProcess } from 'node:child_process';
import type { Netns } from './netns.ts';
import { buildSender } from './traffic.ts';

/** A UDP socket whose filter lets nothing through: see test/support/filtered-socket.c. */
export class FilteredSocket {
  readonly port: number;
  readonly inode: number;
  readonly #child: ChildProcess;

  private constructor(port: number, inode: number, child: ChildProcess) {
    this.port = port;
    this.inode = inode;
    this.#child = child;
  }

  static async open(at: Netns, port: number): Promise<FilteredSocket> {
    const child = at.spawnWithInput(buildSender('filtered-socket'), String(port));
    const inode = await new Promise<number>((resolve, reject) => {
      child.stdout?.once('data', (chunk: Buffer) => {
        resolve(Number(/^ready (\d+)/.exec(chunk.toString())?.[1]));
      });
      child.once('close', (status) => {
        reject(new Error(`filtered-socket: status ${status ?? 'none'}`));
      });
    });
    return new FilteredSocket(port, inode, child);
  }

  close(): void {
    this.#child.stdin?.end();
  }
}
