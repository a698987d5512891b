import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ByteStream, HookStats } from '../../../src/output/sink.ts';
import type { PacketRecord } from '../../../src/records/record.ts';

/** An ICMP echo request 10.0.0.2 > 10.0.0.1 in Ethernet, with `payload` bytes after the header. */
export function icmpFrame(payload = 56): Uint8Array {
  const header = Buffer.from(
    '020000000001020000000002' +
      '0800' +
      '45000054000040004001 26a7 0a000002 0a000001'.replaceAll(' ', '') +
      '0800f7ff00000001',
    'hex',
  );
  header.writeUInt16BE(28 + payload, 16);
  return Buffer.concat([header, Buffer.alloc(payload, 0x61)]);
}

export function sampleRecord(changes: Partial<PacketRecord> = {}): PacketRecord {
  const data = changes.data ?? icmpFrame();
  return {
    hook: 'drop',
    timeNs: 1_763_697_600_123_456_789n,
    cpu: 1,
    skb: 0xffff888003a1c200n,
    ifindex: 2,
    iface: 'eth1',
    netns: 4026532173,
    netnsName: 'blue',
    netnsLabel: 'blue',
    reason: 'NETFILTER_DROP',
    location: 'nf_hook_slow+0xa2',
    context: 'softirq',
    pid: 4242,
    tid: 4243,
    comm: 'ping',
    uid: 0,
    mark: 0,
    queue: 3,
    protocol: 0x0800,
    packetType: 'host',
    linkType: 'ethernet',
    wireLength: data.length,
    data,
    ...changes,
  };
}

/** The same packet as it looks where it has no link header yet. */
export function rawRecord(changes: Partial<PacketRecord> = {}): PacketRecord {
  return sampleRecord({ linkType: 'raw', data: icmpFrame().subarray(14), ...changes });
}

export function sampleStats(changes: Partial<HookStats> = {}): HookStats {
  return {
    hook: 'drop',
    seen: 10,
    rejected: { filter: 4 },
    matched: 6,
    written: 5,
    lost: 1,
    left: 0,
    missed: 0,
    unreturned: 0,
    skipped: 0,
    sampledOut: 0,
    ...changes,
  };
}

/** Keeps what is written, piece by piece. */
export class MemoryStream implements ByteStream {
  readonly pieces: Buffer[] = [];
  readonly pendingBytes = 0;
  readonly error = undefined;
  ended = false;

  write(bytes: Uint8Array): void {
    this.pieces.push(Buffer.from(bytes));
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  end(): Promise<void> {
    this.ended = true;
    return Promise.resolve();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.pieces);
  }
}

export function withDirectory<T>(run: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'xcap-output-'));
  const remove = (): void => {
    rmSync(directory, { recursive: true });
  };
  let result: T;
  try {
    result = run(directory);
  } catch (error) {
    remove();
    throw error;
  }
  if (result instanceof Promise) return result.finally(remove) as T;
  remove();
  return result;
}

/** Runs another program on a file of these bytes; `FILE` in its arguments is the file. */
export function attempt(
  bytes: Uint8Array,
  program: string,
  ...words: string[]
): { stdout: string; stderr: string; status: number | null } {
  return withDirectory((directory) => {
    const file = join(directory, 'capture');
    writeFileSync(file, bytes);
    const run = spawnSync(
      program,
      words.map((word) => (word === 'FILE' ? file : word)),
      { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } },
    );
    if (run.error !== undefined) throw run.error;
    return run;
  });
}

/** The same, for its output when all went well. */
export function judge(bytes: Uint8Array, program: string, ...words: string[]): string {
  const { stdout, stderr, status } = attempt(bytes, program, ...words);
  if (status !== 0) throw new Error(`${program} ended with status ${status ?? '?'}: ${stderr}`);
  return stdout;
}

/** tshark's values of some fields, one array per packet. */
export function tsharkFields(bytes: Uint8Array, ...fields: string[]): string[][] {
  const words = fields.flatMap((field) => ['-e', field]);
  const text = judge(bytes, 'tshark', '-r', 'FILE', '-T', 'fields', ...words);
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\t'));
}
