import type { ChildProcess } from 'node:child_process';
import type { Netns } from './netns.ts';
import { buildSender } from './traffic.ts';

/** An XDP program on a namespace's device: see xdp-program.c, which says what its packets tell it. */
export class XdpProgram {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #out = '';
  #err = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.on('data', (chunk: Buffer) => (this.#out += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.#err += chunk.toString()));
    this.#ended = new Promise((resolve) =>
      child.once('close', () => {
        resolve();
      }),
    );
  }

  static async start(
    at: Netns,
    mode: 'generic' | 'native',
    { name = 'choose_verdict', options = [] as readonly string[] } = {},
  ): Promise<{ readonly program: XdpProgram; readonly id: number }> {
    const command = [buildSender('xdp-program'), at.device, mode, name, ...options];
    const program = new XdpProgram(at.spawnWithInput(...command));
    return { program, id: await program.#ready(1) };
  }

  /** A new one in its place; @returns its id */
  async replace(...options: readonly string[]): Promise<number> {
    const before = this.#out.split('\n').length - 1;
    this.#child.stdin?.write(`replace ${options.join(' ')}\n`);
    return this.#ready(before + 1);
  }

  async #ready(lines: number): Promise<number> {
    for (;;) {
      const all = this.#out.split('\n');
      if (all.length > lines) return Number(all[lines - 1]?.replace('ready ', ''));
      if (this.#child.exitCode !== null) throw new Error(`xdp-program: ${this.#err}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async stop(): Promise<void> {
    this.#child.stdin?.end();
    await this.#ended;
  }
}
