import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { RuntimeError, UnsupportedError } from '../errors.ts';
import { packageFile } from '../util/package.ts';
import { CompileError } from './compile-error.ts';
import {
  CFLAGS,
  REPLY_FD,
  type Compiled,
  type CompileReply,
  type CompileRequest,
  type CompileUnit,
} from './protocol.ts';

function collect(stream: Readable): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      resolve(Buffer.concat(chunks));
    });
    stream.on('error', reject);
  });
}

/**
 * The compiler child. It is started before there is anything to compile, so that loading LLVM
 * overlaps with reading the kernel's BTF.
 */
export class Compiler implements Disposable {
  readonly #child: ChildProcess;
  readonly #exited: Promise<string>;
  readonly #replied: Promise<Buffer>;
  readonly #diagnostics: Promise<Buffer>;

  constructor() {
    const path = packageFile('dist', 'compiler.js');
    if (!existsSync(path)) throw new RuntimeError(`starting the compiler: ${path}: not built`);
    this.#child = spawn(process.execPath, [path], { stdio: ['pipe', 'ignore', 'pipe', 'pipe'] });
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        resolve(error.message);
      });
      this.#child.once('exit', (code, signal) => {
        resolve(signal ?? `status ${code ?? 0}`);
      });
    });
    this.#replied = collect(this.#child.stdio[REPLY_FD] as Readable);
    this.#diagnostics = collect(this.#child.stderr as Readable);
    for (const promise of [this.#replied, this.#diagnostics]) promise.catch(() => undefined);
  }

  /**
   * Once: the child ends with its reply.
   *
   * @throws UnsupportedError when libbcc is missing, CompileError when it refuses or dies
   */
  async compile(units: readonly CompileUnit[]): Promise<Compiled> {
    const request: CompileRequest = { units, cflags: CFLAGS };
    const stdin = this.#child.stdin as Writable;
    stdin.on('error', () => undefined); // a child that died early is reported below
    stdin.end(JSON.stringify(request));
    const [replied, diagnostics, exited] = await Promise.all([
      this.#replied,
      this.#diagnostics,
      this.#exited,
    ]);
    const messages = diagnostics.toString('utf8').trim();
    if (replied.length === 0) {
      const what = `compiling the BPF program: compiler process: ended with ${exited}`;
      throw new CompileError(what, messages, { hint: messages.split('\n').at(-1) || undefined });
    }
    const reply = JSON.parse(replied.toString('utf8')) as CompileReply;
    if ('error' in reply) {
      const first = messages.split('\n').find((line) => line.includes('error:'));
      const hint = reply.hint ?? first;
      if (reply.exitCode === 4) throw new UnsupportedError(reply.error, { hint });
      throw new CompileError(reply.error, messages, { hint });
    }
    return reply;
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }
}
