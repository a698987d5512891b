import type { PacketRecord } from '../records/record.ts';
import { Batch } from './batch.ts';
import type { ByteStream, Sink } from './sink.ts';

/** Goes up when a field's meaning changes or a field goes; new fields leave it as it is. */
export const JSON_SCHEMA_VERSION = 1;

export interface JsonOptions {
  /** Bytes kept of a packet; 0 means all that was captured. */
  readonly snaplen: number;
  /** `-U`, `-l`: hand on each line as it comes. */
  readonly packetBuffered?: boolean | undefined;
}

/**
 * One JSON object a line, as docs/record-format.md and docs/record.schema.json describe it. ASCII
 * only, so that no name can move a terminal's cursor and no locale matters.
 */
export class JsonSink implements Sink {
  readonly #stream: ByteStream;
  readonly #batch: Batch;
  readonly #snaplen: number;

  constructor(stream: ByteStream, options: JsonOptions) {
    this.#stream = stream;
    this.#snaplen = options.snaplen === 0 ? Number.MAX_SAFE_INTEGER : options.snaplen;
    this.#batch = new Batch(stream, options.packetBuffered === true ? 0 : undefined);
  }

  write(record: PacketRecord): void {
    const line = formatJsonLine(record, this.#snaplen);
    this.#batch.reserve(line.length);
    const at = this.#batch.length;
    this.#batch.commit(at + this.#batch.bytes.write(line, at, 'latin1'));
  }

  flush(): Promise<void> {
    this.#batch.handOver();
    return this.#stream.drained();
  }

  async close(): Promise<void> {
    this.#batch.handOver();
    await this.#stream.end();
  }
}

/** Written out, not by JSON.stringify of an object: it runs per packet and makes half the garbage. */
function formatJsonLine(record: PacketRecord, snaplen: number): string {
  const { data } = record;
  const captured = Math.min(data.length, snaplen);
  const packet = Buffer.from(data.buffer, data.byteOffset, captured).toString('hex');
  return (
    `{"schema":${JSON_SCHEMA_VERSION},"time":"${record.timeNs}"` +
    `,"hook":${quoteJson(record.hook)}` +
    textField('reason', record.reason) +
    textField('location', record.location) +
    textField('ret', record.ret) +
    textField('verdict', record.verdict) +
    textField('redirect', record.redirect) +
    (record.durationNs === undefined ? '' : `,"duration_ns":${record.durationNs}`) +
    `,"pid":${record.pid},"tid":${record.tid},"comm":${quoteJson(record.comm)}` +
    textField('context', record.context) +
    numberField('netns', record.netns) +
    textField('netns_name', record.netnsName) +
    textField('iface', record.iface) +
    numberField('ifindex', record.ifindex) +
    `,"mark":${record.mark},"queue":${record.queue},"uid":${record.uid},"cpu":${record.cpu}` +
    `,"protocol":${record.sockProtocol ?? record.protocol}` +
    (record.family === undefined ? '' : socketMembers(record)) +
    textField('packet_type', record.packetType) +
    numberField('owner_pid', record.ownerPid) +
    textField('owner_comm', record.ownerComm) +
    textField('owner_by', record.ownerBy) +
    textField('cgroup', record.cgroup) +
    textField('cgroup_by', record.cgroupBy) +
    textField('container', record.container) +
    textField('pod', record.pod) +
    userField(record.user) +
    ruleField(record.ruleParts) +
    textField('bytes', record.bytes) +
    textField('synth', record.synth) +
    stackField(record.stack) +
    (record.packetId === undefined ? '' : `,"packet_id":${record.packetId}`) +
    `,"skb":"0x${record.skb.toString(16)}","link":"${record.linkType}"` +
    `,"len":${Math.max(record.wireLength, captured)},"caplen":${captured},"packet":"${packet}"}\n`
  );
}

function socketMembers({ laddr, lport, raddr, rport, family, state }: PacketRecord): string {
  return (
    textField('laddr', laddr) +
    numberField('lport', lport) +
    textField('raddr', raddr) +
    numberField('rport', rport) +
    textField('family', family) +
    textField('state', state)
  );
}

function textField(name: string, value: string | undefined): string {
  return value === undefined ? '' : `,"${name}":${quoteJson(value)}`;
}

/** Numbers as they are, whatever their format; those that JSON's readers would round as strings. */
function userField(user: PacketRecord['user']): string {
  if (user === undefined) return '';
  const members = user.map(({ name, value }) => {
    const text = typeof value === 'number' ? String(value) : quoteJson(String(value));
    return `${quoteJson(name)}:${text}`;
  });
  return `,"user":{${members.join(',')}}`;
}

function stackField(stack: PacketRecord['stack']): string {
  return stack === undefined ? '' : `,"stack":[${stack.map(quoteJson).join(',')}]`;
}

/** Rare: the packets that a rule dropped. */
function ruleField(rule: PacketRecord['ruleParts']): string {
  return rule === undefined ? '' : `,"rule":${asciiJson(rule)}`;
}

function numberField(name: string, value: number | undefined): string {
  return value === undefined ? '' : `,"${name}":${value}`;
}

/** Printable ASCII but `"` and `\`. */
const PLAIN = /^[ !#-[\]-~]*$/;

function quoteJson(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  return asciiJson(text);
}

/** JSON.stringify() in ASCII only. */
export function asciiJson(value: object | string): string {
  return JSON.stringify(value).replaceAll(/[\x7f-\uffff]/g, escapeUnit);
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** How many of these bytes, the start of a line, are whole lines; for text output too. */
export function wholeLinesLength(bytes: Uint8Array): number {
  return bytes.lastIndexOf(0x0a) + 1;
}
