import { onTestFinished } from 'vitest';
import type { Netns } from './netns.ts';
import { buildSender } from './traffic.ts';

/** An AF_XDP socket that takes all frames of the namespace's device, until it has `count`. */
export class AfXdpReceiver {
  /** The frames, in hexadecimal, when it has them all. It lives until the test ends. */
  readonly frames: Promise<readonly string[]>;
  readonly pid: number | undefined;

  private constructor(frames: Promise<readonly string[]>, pid: number | undefined) {
    this.frames = frames;
    this.pid = pid;
  }

  static async start(
    at: Netns,
    mode: 'generic' | 'native' | 'zero-copy',
    count: number,
  ): Promise<AfXdpReceiver> {
    const program = [buildSender('af-xdp'), 'receive', at.device, String(count), mode];
    const child = at.spawnWithInput(...program);
    const closed = new Promise<void>((resolve) => {
      child.once('close', () => {
        resolve();
      });
    });
    // Who looks for the socket's owner has to find it.
    onTestFinished(async () => {
      child.stdin?.end();
      await closed;
    });
    let out = '';
    let err = '';
    child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
    let ready = (): void => undefined;
    const isReady = new Promise<void>((resolve) => (ready = resolve));
    const frames = new Promise<readonly string[]>((resolve, reject) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        out += chunk.toString();
        if (out.startsWith('ready\n')) ready();
        if (out.endsWith('\nend\n')) resolve(out.trim().split('\n').slice(1, -1));
      });
      void closed.then(() => {
        reject(new Error(`af-xdp: ${err}`));
      });
    });
    await Promise.race([frames, isReady]);
    return new AfXdpReceiver(frames, child.pid);
  }
}
