import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Netns } from './netns.ts';
import { buildSender } from './traffic.ts';

/** A BPF file system of a test's own. */
export class BpfFs {
  readonly path = mkdtempSync(join(tmpdir(), 'xcap-bpffs-'));

  constructor() {
    const { status, stderr } = spawnSync('mount', ['-t', 'bpf', 'none', this.path], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`mounting ${this.path}: ${stderr}`);
  }

  dispose(): void {
    spawnSync('umount', [this.path]);
    rmdirSync(this.path);
  }
}

/** An XDP program on a namespace's device that calls into a hook map: see xdp-hook.c. */
export class HookedDevice {
  readonly pin: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(pin: string, child: ChildProcess) {
    this.pin = pin;
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('close', resolve));
  }

  static async start(
    at: Netns,
    mode: 'generic' | 'native',
    pin: string,
    ...options: readonly string[]
  ): Promise<HookedDevice> {
    const [program = '', ...args] = at.command([
      buildSender('xdp-hook'),
      ...[at.device, mode, pin, ...options],
    ]);
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const device = new HookedDevice(pin, child);
    let err = '';
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => {
        resolve();
      });
      child.once('close', () => {
        reject(new Error(err));
      });
    });
    return device;
  }

  /** Takes the program off the device and the pin away. */
  async stop(): Promise<void> {
    this.#child.stdin?.end();
    await this.#ended;
  }
}
