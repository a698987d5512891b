import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openOutput } from '../../../src/output/stream.ts';
import { withDirectory } from './samples.ts';

const { O_RDONLY, O_RDWR, O_NONBLOCK } = constants;
const BINARY = { binary: true } as const;

function flagsOf(fd: number): number {
  const [, flags = ''] =
    /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')) ?? [];
  return Number.parseInt(flags, 8);
}

/** proc(5); process.umask() sets it to read it. */
function umask(): number {
  const [, mask = ''] = /^Umask:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? [];
  return Number.parseInt(mask, 8);
}

function drainPipe(fd: number): Buffer {
  const pieces: Buffer[] = [];
  const piece = Buffer.alloc(65536);
  for (;;) {
    try {
      const length = readSync(fd, piece);
      if (length === 0) break;
      pieces.push(Buffer.from(piece.subarray(0, length)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') break;
      throw error;
    }
  }
  return Buffer.concat(pieces);
}

function withFifo<T>(run: (path: string) => Promise<T>): Promise<T> {
  return withDirectory((directory) => {
    const path = join(directory, 'fifo');
    execFileSync('mkfifo', [path]);
    return run(path);
  });
}

test('openOutput() makes a file with the permissions of the umask and replaces its content', async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, 'out.pcapng');
    writeFileSync(path, 'what was there before');
    rmSync(path);
    const stream = await openOutput({ path }, BINARY);
    expect(statSync(path).mode & 0o777).toBe(0o666 & ~umask());
    for (let count = 0; count < 1000; count += 1) stream.write(Buffer.from(`${count}\n`));
    await stream.end();
    expect(readFileSync(path, 'latin1').split('\n')).toEqual([
      ...Array.from({ length: 1000 }, (_, count) => String(count)),
      '',
    ]);
    const again = await openOutput({ path }, BINARY);
    await again.end();
    expect(statSync(path).size).toBe(0);
  });
});

test.each([
  ['missing/out', 'ENOENT', 'make the directory first, or choose another place'],
  ['directory', 'EISDIR', 'it is a directory: name a file in it'],
  ['file/out', 'ENOTDIR', 'a part of the path is not a directory: choose another place'],
])('openOutput() refuses %s at once: %s with a remedy', async (name, code, hint) => {
  await withDirectory(async (directory) => {
    mkdirSync(join(directory, 'directory'));
    writeFileSync(join(directory, 'file'), '');
    const path = join(directory, name);
    const error: unknown = await openOutput({ path }, BINARY).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code, hint, exitCode: 5 });
    expect((error as Error).message).toMatch(new RegExp(`^writing: ${path}: ${code}: [a-z ]+$`));
  });
});

test('a device without space says ENOSPC', async () => {
  const stream = await openOutput({ path: '/dev/full' }, BINARY);
  stream.write(Buffer.from('x'));
  await stream.drained();
  expect(stream.error).toMatchObject({ code: 'ENOSPC', exitCode: 5 });
  await stream.end();
  expect(stream.undeliveredBytes).toBe(1);
});

test('an inherited file is written where its position is, and left open', async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, 'log');
    const fd = openSync(path, 'w');
    writeFileSync(fd, 'before\n');
    const stream = await openOutput({ fd, name: 'standard output' }, BINARY);
    stream.write(Buffer.from('packets\n'));
    await stream.end();
    writeFileSync(fd, 'after\n');
    closeSync(fd);
    expect(readFileSync(path, 'latin1')).toBe('before\npackets\nafter\n');
  });
});

test('a named pipe is waited for until it has a reader', async () => {
  await withFifo(async (path) => {
    const opening = openOutput({ path }, BINARY);
    await sleep(120);
    const reader = openSync(path, O_RDONLY | O_NONBLOCK);
    const stream = await opening;
    stream.write(Buffer.from('hello'));
    await stream.end();
    expect(drainPipe(reader).toString()).toBe('hello');
    closeSync(reader);
  });
});

test('the waiting for the reader of a named pipe ends with the signal', async () => {
  await withFifo(async (path) => {
    const opening = openOutput({ path }, { binary: true, signal: AbortSignal.timeout(60) });
    await expect(opening).rejects.toMatchObject({ code: 'ENXIO', exitCode: 5 });
  });
});

test('a stuck reader of a pipe holds up neither the event loop nor the end', async () => {
  await withFifo(async (path) => {
    const reader = openSync(path, O_RDONLY | O_NONBLOCK);
    const stream = await openOutput({ path }, { binary: true, stallTimeoutMs: 100 });
    stream.write(Buffer.alloc(1 << 20));
    await sleep(20);
    const pending = stream.pendingBytes;
    expect(pending).toBeGreaterThan(500_000);
    const start = performance.now();
    await stream.end();
    expect(performance.now() - start).toBeLessThan(1000);
    expect(stream.undeliveredBytes).toBe(pending);
    expect(stream.error).toBeUndefined();
    closeSync(reader);
  });
});

test('a slow reader of a pipe gets everything', async () => {
  await withFifo(async (path) => {
    const reader = openSync(path, O_RDONLY | O_NONBLOCK);
    const stream = await openOutput({ path }, { binary: true, stallTimeoutMs: 500 });
    stream.write(Buffer.alloc(1 << 20, 'x'));
    let got = 0;
    const timer = setInterval(() => {
      got += drainPipe(reader).length;
    }, 20);
    await stream.end();
    clearInterval(timer);
    got += drainPipe(reader).length;
    expect([got, stream.undeliveredBytes]).toEqual([1 << 20, 0]);
    closeSync(reader);
  });
});

test('a reader that goes away is EPIPE', async () => {
  await withFifo(async (path) => {
    const reader = openSync(path, O_RDONLY | O_NONBLOCK);
    const stream = await openOutput({ path }, BINARY);
    closeSync(reader);
    stream.write(Buffer.from('x'));
    await stream.drained();
    expect(stream.error?.code).toBe('EPIPE');
    await stream.end();
  });
});

test('an inherited pipe keeps its blocking mode', async () => {
  await withFifo(async (path) => {
    const fd = openSync(path, O_RDWR);
    const stream = await openOutput({ fd, name: 'standard output' }, BINARY);
    stream.write(Buffer.from('hello'));
    await stream.end();
    expect(flagsOf(fd) & O_NONBLOCK).toBe(0);
    const got = Buffer.alloc(5);
    readSync(fd, got);
    expect(got.toString()).toBe('hello');
    closeSync(fd);
  });
});

// The rest needs processes of their own: the sources that openOutput() is made of, in JavaScript.
let compiled = '';
beforeAll(() => {
  compiled = mkdtempSync(join(tmpdir(), 'xcap-stream-'));
  writeFileSync(join(compiled, 'package.json'), '{"type":"module"}');
  const source = fileURLToPath(new URL('../../../src/', import.meta.url));
  const names = ['stream', 'byte-queue', 'file-device', 'socket-device', 'output-error'];
  for (const name of ['errors', ...names.map((base) => `output/${base}`)]) {
    const target = join(compiled, `${name}.js`);
    mkdirSync(dirname(target), { recursive: true });
    const { outputText } = ts.transpileModule(readFileSync(join(source, `${name}.ts`), 'utf8'), {
      compilerOptions: {
        target: ts.ScriptTarget.ES2023,
        module: ts.ModuleKind.ESNext,
        rewriteRelativeImportExtensions: true,
      },
    });
    writeFileSync(target, outputText);
  }
  writeFileSync(
    join(compiled, 'child.js'),
    `import { openOutput, STDOUT } from './output/stream.js';
     import { writeSync } from 'node:fs';
     const [binary, size] = process.argv.slice(2).map(Number);
     const say = (text) => writeSync(2, text + '\\n');
     let stream;
     process.on('SIGINT', async () => {
       await stream.end();
       say('undelivered ' + stream.undeliveredBytes);
       process.exit(0);
     });
     try {
       stream = await openOutput(STDOUT, { binary: binary === 1, stallTimeoutMs: 100 });
     } catch (error) {
       say(error.message + ' / ' + error.hint);
       process.exit(error.exitCode);
     }
     stream.write(Buffer.alloc(size, 'x'));
     setTimeout(() => say('written'), 50);
     setInterval(() => undefined, 1000);`,
  );
});
afterAll(() => {
  rmSync(compiled, { recursive: true });
});

function startChild(binary: boolean, size: number, stdio: StdioOptions): ChildProcess {
  const words = [join(compiled, 'child.js'), binary ? '1' : '0', String(size)];
  return spawn(process.execPath, words, { stdio });
}

/** Interrupts the child once it has said that it wrote; its words and status. */
async function interrupt(child: ChildProcess): Promise<{ words: string; status: number }> {
  let words = '';
  for await (const piece of child.stderr!) {
    words += String(piece);
    if (words.endsWith('written\n')) child.kill('SIGINT');
  }
  if (child.exitCode === null) await once(child, 'exit');
  return { words, status: child.exitCode ?? -1 };
}

test('a process whose standard output is a stuck pipe ends on SIGINT', async () => {
  await withFifo(async (path) => {
    const fd = openSync(path, O_RDWR);
    const { words, status } = await interrupt(startChild(true, 1 << 20, ['ignore', fd, 'pipe']));
    expect(status).toBe(0);
    expect(words).toMatch(/^written\nundelivered \d{6,}\n$/);
    expect(flagsOf(fd) & O_NONBLOCK).toBe(0);
    closeSync(fd);
  });
});

test('a process whose standard output is a stuck socket ends on SIGINT', async () => {
  // Node gives its children socket pairs; nobody reads this one.
  const { words, status } = await interrupt(startChild(true, 8 << 20, ['ignore', 'pipe', 'pipe']));
  expect(status).toBe(0);
  expect(words).toMatch(/^written\nundelivered \d{6,}\n$/);
});

test('a process whose standard output is a socket delivers everything', async () => {
  const child = startChild(true, 3 << 20, ['ignore', 'pipe', 'pipe']);
  const [got, { words, status }] = await Promise.all([text(child.stdout!), interrupt(child)]);
  expect([got.length, words, status]).toEqual([3 << 20, 'written\nundelivered 0\n', 0]);
});

/** script(1) gives the command a terminal as standard output. */
function onTerminal(command: string): ReturnType<typeof spawn> {
  return spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
}

test('binary output to a terminal is refused with a remedy', async () => {
  const child = onTerminal(`${process.execPath} ${join(compiled, 'child.js')} 1 5`);
  const said = await text(child.stdout!);
  expect(said.trim()).toBe(
    'writing: standard output: it is a terminal, and the packets are binary / ' +
      'redirect it: > FILE, or | wireshark -k -i -',
  );
  if (child.exitCode === null) await once(child, 'exit');
  expect(child.exitCode).toBe(1);
});

test('a terminal gets text, and keeps its blocking mode', async () => {
  const child = onTerminal(
    `${process.execPath} ${join(compiled, 'child.js')} 0 20000 & sleep 5; ` +
      `grep flags /proc/self/fdinfo/1; kill -INT $!; wait $!; echo status $?`,
  );
  const said = await text(child.stdout!);
  expect(said.match(/x/g)?.length).toBe(20_000);
  const [, flags = ''] = /flags:\s*(\d+)/.exec(said) ?? [];
  expect(Number.parseInt(flags, 8) & O_NONBLOCK).toBe(0);
  expect(said).toContain('undelivered 0');
  expect(said).toContain('status 0');
});
