import { expect, test } from 'vitest';
import { ByteQueue } from '../../../src/output/byte-queue.ts';
import type { ByteQueueOptions, Device } from '../../../src/output/byte-queue.ts';
import { wholeLinesLength } from '../../../src/output/json.ts';

/** Takes what it is told to take, when it is told. */
class ScriptedDevice implements Device {
  readonly canStall: boolean;
  readonly taken: Buffer[] = [];
  writes = 0;
  cut = 0;
  closed = false;
  #bytes: Uint8Array = new Uint8Array(0);
  #progress: (more: number) => void = () => undefined;
  #done: (error: NodeJS.ErrnoException | undefined) => void = () => undefined;

  constructor(canStall = false) {
    this.canStall = canStall;
  }

  write(...[bytes, progress, done]: Parameters<Device['write']>): void {
    this.writes += 1;
    [this.#bytes, this.#progress, this.#done] = [bytes, progress, done];
  }

  take(count = this.#bytes.length): void {
    this.taken.push(Buffer.from(this.#bytes.subarray(0, count)));
    this.#bytes = this.#bytes.subarray(count);
    this.#progress(count);
    if (this.#bytes.length === 0) this.#done(undefined);
  }

  fail(code: string): void {
    this.#done(Object.assign(new Error(`${code}: it failed, write`), { code }));
  }

  cutBack(bytes: number): void {
    this.cut += bytes;
  }

  close(): Promise<undefined> {
    this.closed = true;
    return Promise.resolve(undefined);
  }

  get text(): string {
    return Buffer.concat(this.taken).toString();
  }
}

function queueOf(
  device: Device,
  options: Partial<ByteQueueOptions> = {},
): { queue: ByteQueue; write: (text: string) => void } {
  const queue = new ByteQueue(device, { name: 'out', stallTimeoutMs: 20, ...options });
  return {
    queue,
    write: (text) => {
      queue.write(Buffer.from(text));
    },
  };
}

test('small writes wait for the one under way, then go as one, in order', async () => {
  const device = new ScriptedDevice();
  const { queue, write } = queueOf(device);
  for (const text of ['a', 'b', 'c']) write(text);
  expect([device.writes, queue.pendingBytes]).toEqual([1, 3]);
  device.take();
  expect([device.writes, queue.pendingBytes]).toEqual([2, 2]);
  device.take();
  await queue.drained();
  expect(device.text).toBe('abc');
});

test('write() copies, while pending and when the buffer grows', () => {
  const device = new ScriptedDevice();
  const { queue } = queueOf(device);
  const bytes = Buffer.alloc(300_000, 'x');
  for (let count = 0; count < 5; count += 1) queue.write(bytes);
  bytes.fill('y');
  device.take();
  device.take();
  expect(device.text).toBe('x'.repeat(1_500_000));
});

test('drained() waits for what was written before it, not for what came later', async () => {
  const device = new ScriptedDevice();
  const { queue, write } = queueOf(device);
  write('a');
  let drained = false;
  const wait = queue.drained().then(() => {
    drained = true;
  });
  write('b');
  await new Promise(setImmediate);
  expect(drained).toBe(false);
  device.take();
  await wait;
  expect(queue.pendingBytes).toBe(1);
});

test.each([
  ['in the middle of the last write', undefined, 2 + 3, 3],
  ['at the end of a write', undefined, 2, 0],
  ['in the middle, with whole blocks before', wholeLinesLength, 2 + 5, 1],
])('a full disk is cut back to whole blocks: torn %s', (_, wholeLength, taken, cut) => {
  const device = new ScriptedDevice();
  const { queue, write } = queueOf(device, { wholeLength });
  write('0\n');
  write('1\n');
  write('2\n3\n4\n');
  device.take();
  device.take(taken);
  device.fail('ENOSPC');
  expect(device.cut).toBe(cut);
  expect(queue.undeliveredBytes).toBe(8 - taken + cut);
});

test('an error is told by name, ends the waiting and frees what was pending', async () => {
  const device = new ScriptedDevice();
  const { queue, write } = queueOf(device);
  write('a');
  write('b');
  const wait = queue.drained();
  device.fail('ENOSPC');
  await wait;
  expect(queue.error).toMatchObject({
    code: 'ENOSPC',
    exitCode: 5,
    message: 'writing: out: ENOSPC: it failed',
    hint: 'free some space, or write less: a filter, -s, -c',
  });
  write('c');
  expect([device.writes, queue.pendingBytes, queue.undeliveredBytes]).toEqual([1, 0, 3]);
  await queue.end();
  expect(device.closed).toBe(true);
});

test('ECONNRESET of a socket is EPIPE: the reader has gone', () => {
  const device = new ScriptedDevice();
  const { queue, write } = queueOf(device);
  write('a');
  device.fail('ECONNRESET');
  expect(queue.error?.code).toBe('EPIPE');
  expect(queue.error?.message).toBe('writing: out: EPIPE: its reader has gone');
});

test('end() gives up on a reader that takes nothing, and says what is left', async () => {
  const device = new ScriptedDevice(true);
  const { queue, write } = queueOf(device);
  write('abc');
  write('de');
  const flush = queue.drained();
  await queue.end();
  await flush;
  expect([device.closed, queue.undeliveredBytes, queue.error]).toEqual([true, 5, undefined]);
  device.fail('ERR_STREAM_DESTROYED');
  expect(queue.error).toBeUndefined();
});

test('end() waits for a reader that is slow but moves', async () => {
  const device = new ScriptedDevice(true);
  const { queue, write } = queueOf(device, { stallTimeoutMs: 400 });
  write('abcdefghij');
  const timer = setInterval(() => {
    device.take(1);
  }, 20);
  await queue.end();
  clearInterval(timer);
  expect(device.text).toBe('abcdefghij');
  expect(queue.undeliveredBytes).toBe(0);
});

test('end() waits for a slow disk without a limit, until abandon()', async () => {
  const device = new ScriptedDevice(false);
  const { queue, write } = queueOf(device, { stallTimeoutMs: 1 });
  write('abc');
  const end = queue.end();
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(device.closed).toBe(false);
  device.take();
  await end;
  expect([device.closed, queue.undeliveredBytes]).toEqual([true, 0]);
});

test('abandon() ends the waiting of end()', async () => {
  const device = new ScriptedDevice(true);
  const { queue, write } = queueOf(device, { stallTimeoutMs: 60_000 });
  write('abc');
  const end = queue.end();
  queue.abandon();
  await end;
  expect([device.closed, queue.undeliveredBytes]).toEqual([true, 3]);
});
