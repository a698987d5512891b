import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Netns } from './netns.ts';
import { buildSender } from './traffic.ts';

function run(command: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
}

/** A BPF program whose verdict is in the packet: see test/support/skb-program.c. */
export class SkbProgram {
  readonly id: number;
  readonly #child: ChildProcess;
  readonly #undo: () => void;

  private constructor(id: number, child: ChildProcess, undo: () => void) {
    this.id = id;
    this.#child = child;
    this.#undo = undo;
  }

  /** At the ingress of the namespace's device. */
  static async tc(at: Netns, name: string, ...options: readonly string[]): Promise<SkbProgram> {
    const folder = mkdtempSync(join(tmpdir(), 'xcap-bpf-'));
    const clean = (): void => {
      spawnSync('tc', ['-n', at.name, 'qdisc', 'del', 'dev', at.device, 'clsact']);
      spawnSync('umount', [folder]);
      rmSync(folder, { recursive: true, force: true });
    };
    const pin = join(folder, 'program');
    try {
      run('mount', '-t', 'bpf', 'bpf', folder);
      const program = await SkbProgram.#start([buildSender('skb-program'), 'tc', pin], clean, [
        name,
        ...options,
      ]);
      run('tc', '-n', at.name, 'qdisc', 'add', 'dev', at.device, 'clsact');
      const filter = ['filter', 'add', 'dev', at.device, 'ingress', 'bpf', 'da'];
      run('tc', '-n', at.name, ...filter, 'object-pinned', pin);
      return program;
    } catch (error) {
      clean();
      throw error;
    }
  }

  /** On a packet socket of the namespace's device. */
  static async socket(at: Netns, name: string): Promise<SkbProgram> {
    const command = at.command([buildSender('skb-program'), 'socket', at.device]);
    return SkbProgram.#start(command, () => undefined, [name]);
  }

  /** The namespace's flow dissector. */
  static async dissector(at: Netns, name: string): Promise<SkbProgram> {
    const command = at.command([buildSender('skb-program'), 'dissect', '-']);
    return SkbProgram.#start(command, () => undefined, [name]);
  }

  static async #start(
    [program = '', ...args]: readonly string[],
    undo: () => void,
    more: readonly string[],
  ): Promise<SkbProgram> {
    const child = spawn(program, [...args, ...more], { stdio: ['pipe', 'pipe', 'inherit'] });
    const id = await new Promise<number>((resolve, reject) => {
      let out = '';
      child.stdout.on('data', (chunk: Buffer) => {
        out += chunk.toString();
        const [, number] = /^ready (\d+)\n/.exec(out) ?? [];
        if (number !== undefined) resolve(Number(number));
      });
      child.once('close', (status) => {
        reject(new Error(`skb-program: status ${status ?? 'none'}`));
      });
    });
    return new SkbProgram(id, child, undo);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.stdin?.end();
    await ended;
    this.#undo();
  }
}
