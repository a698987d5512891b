import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Netns } from './netns.ts';

const sources = import.meta.dirname;
const builds = join(sources, '../../.cache/bin');

function modified(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** The C programs of the tests. */
export const SENDERS = [
  'send-frames',
  'send-datagrams',
  'send-stream',
  'socket-traffic',
  'filtered-socket',
  'af-xdp',
  'skb-program',
  'xdp-program',
  'xdp-hook',
] as const;

/** Path of a sender, built from its C source when that is newer. */
export function buildSender(name: (typeof SENDERS)[number]): string {
  const source = join(sources, `${name}.c`);
  const program = join(builds, name);
  if (modified(program) >= modified(source)) return program;
  mkdirSync(builds, { recursive: true });
  const fresh = `${program}.${process.pid}`;
  const gcc = spawnSync('gcc', ['-Wall', '-Wextra', '-Werror', '-O2', '-o', fresh, source], {
    encoding: 'utf8',
  });
  if (gcc.status !== 0) throw new Error(`building ${name}: ${gcc.error?.message ?? gcc.stderr}`);
  renameSync(fresh, program);
  return program;
}

function send(from: Netns, command: readonly string[], input: string | Uint8Array): number {
  const [program = '', ...args] = from.command(command);
  const result = spawnSync(program, args, { input, encoding: 'utf8' });
  if (result.status !== 0) {
    throw new Error(`${command.join(' ')}: ${result.error?.message ?? result.stderr}`);
  }
  return Number(result.stdout);
}

/** Send `count` echo requests 2 ms apart; returns how many were answered. Dropped ones are no error. */
export function ping(from: Netns, to: string, count: number, payloadBytes = 56): number {
  const { stdout, stderr } = from.try([
    ...['ping', '-n', '-q', '-c', String(count), '-i', '0.002', '-W', '1'],
    ...['-s', String(payloadBytes), to],
  ]);
  const counts = /(\d+) packets transmitted, (\d+) received/.exec(stdout);
  if (Number(counts?.[1]) !== count) throw new Error(`ping ${to}: ${stdout}${stderr}`);
  return Number(counts?.[2]);
}

export interface Datagrams {
  readonly to: string;
  readonly port: number;
  readonly sourcePort?: number;
  readonly payload: string | Uint8Array;
  readonly count?: number;
  readonly gapUs?: number;
}

/** Send UDP datagrams from a socket of one process; returns how many. */
export function sendDatagrams(from: Netns, what: Datagrams): number {
  const numbers = [what.port, what.count ?? 1, what.gapUs ?? 0];
  if (what.sourcePort !== undefined) numbers.push(what.sourcePort);
  return send(from, [buildSender('send-datagrams'), what.to, ...numbers.map(String)], what.payload);
}

/** Put frames on a device of the namespace exactly as given, link header included; returns how many were sent. */
export function sendFrames(
  from: Netns,
  frames: readonly Uint8Array[],
  {
    count = 1,
    gapUs = 0,
    device = from.device,
  }: { readonly count?: number; readonly gapUs?: number; readonly device?: string } = {},
): number {
  const text = frames.map((frame) => `${Buffer.from(frame).toString('hex')}\n`).join('');
  return send(from, [buildSender('send-frames'), device, String(count), String(gapUs)], text);
}

export interface AfXdpSending {
  /** Without a copy: else in copy mode. */
  readonly zeroCopy?: boolean;
  /** Frames that are handed to the kernel at a time. */
  readonly batch?: number;
  /** Another socket, with nothing to send, has the same memory. */
  readonly shared?: boolean;
}

/** Send a frame `count` times through an AF_XDP socket; returns how many the kernel completed. */
export function sendByAfXdp(
  from: Netns,
  frame: Uint8Array,
  count: number,
  { zeroCopy = false, batch = 1, shared = false }: AfXdpSending = {},
): number {
  const mode = zeroCopy ? 'zero-copy' : 'copy';
  const args = [from.device, String(count), mode, String(batch), ...(shared ? ['shared'] : [])];
  const text = `${Buffer.from(frame).toString('hex')}\n`;
  return send(from, [buildSender('af-xdp'), 'send', ...args], text);
}

/** Whether an AF_XDP socket can be bound there without copying. */
export function bindsZeroCopy(at: Netns): boolean {
  const NO_ZERO_COPY = 3;
  const { status, stderr } = at.try([buildSender('af-xdp'), 'send', at.device, '0', 'zero-copy']);
  if (status !== 0 && status !== NO_ZERO_COPY) throw new Error(stderr);
  return status === 0;
}

/** How a stream is handed to the kernel: see test/support/send-stream.c. */
export type StreamKind = 'write' | 'sendfile' | 'zerocopy' | 'segments';

/** Send a file, by TCP or in UDP segments; returns how many bytes. */
export function sendStream(
  from: Netns,
  kind: StreamKind,
  { to, port, file }: { readonly to: string; readonly port: number; readonly file: string },
): number {
  return send(from, [buildSender('send-stream'), kind, to, String(port), file], '');
}

/** Try to open a TCP connection, for at most a second; whether it opened. */
export function connectTcp(from: Netns, to: string, port: number): boolean {
  return from.try(['timeout', '1', 'bash', '-c', `exec 3<>/dev/tcp/${to}/${port}`]).status === 0;
}

/**
 * Runs senders side by side: each waits for its input, and gets it when all have been started, which takes longer than
 * the sending. What each printed.
 */
export async function runTogether(
  senders: readonly (readonly [command: readonly string[], input: string])[],
): Promise<string[]> {
  const started = senders.map(([[program = '', ...args], input]) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    const ended = new Promise<string>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', () => {
        resolve(out);
      });
    });
    return { child, input, ended };
  });
  for (const { child } of started) {
    // The kernel's name of it changes with each step of `ip netns exec`, taskset, sender.
    const isSender = (): boolean =>
      child.exitCode !== null ||
      readFileSync(`/proc/${child.pid}/comm`, 'utf8').startsWith('send-');
    while (!isSender()) await sleep(5);
  }
  for (const { child, input } of started) child.stdin.end(input);
  return Promise.all(started.map(({ ended }) => ended));
}

export interface SocketTraffic {
  readonly from: Netns;
  readonly to: Netns;
  /** Both ends; ports are `port` there and the next one here. */
  readonly local: string;
  readonly remote: string;
  readonly port: number;
  readonly bytes: number;
}

function socketTraffic({ from, to, local, remote, port, bytes }: SocketTraffic): string[] {
  const place = [`/run/netns/${to.name}`, local, remote, String(port), String(bytes)];
  return from.command([buildSender('socket-traffic'), ...place]);
}

/** A TCP connection, a datagram from an unconnected socket and one from a connected: see socket-traffic.c. */
export function talk(what: SocketTraffic): void {
  const [program = '', ...args] = socketTraffic(what);
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 120_000 });
  if (status !== 0) throw new Error(stderr || 'socket-traffic: not over in two minutes');
}

/** Opens a TCP connection, and writes to it behind `meanwhile`, without an answer. */
export async function writeInVain(what: SocketTraffic, meanwhile: () => void): Promise<void> {
  const [program = '', ...args] = socketTraffic(what);
  const child = spawn(program, [...args, 'stall'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(child, 'close') as Promise<[number | null]>;
  // What ends before it is connected has said why.
  await Promise.race([once(child.stdout, 'data'), closed]);
  meanwhile();
  child.stdin.on('error', () => undefined).end('\n');
  const [status] = await closed;
  if (status !== 0) throw new Error(`socket-traffic: status ${status ?? 'none'}`);
}
