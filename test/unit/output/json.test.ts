import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { JsonSink, wholeLinesLength } from '../../../src/output/json.ts';
import type { PacketRecord } from '../../../src/records/record.ts';
import { icmpFrame, MemoryStream, rawRecord, sampleRecord } from './samples.ts';

function format(...records: PacketRecord[]): string {
  const stream = new MemoryStream();
  const sink = new JsonSink(stream, { snaplen: 0 });
  for (const record of records) sink.write(record);
  void sink.flush();
  return stream.bytes.toString();
}

const NOTHING_KNOWN = {
  ifindex: undefined,
  iface: undefined,
  netns: undefined,
  netnsName: undefined,
  netnsLabel: undefined,
  reason: undefined,
  location: undefined,
  context: undefined,
  packetType: undefined,
} as const;

test('a record is one line with its fields at the top', () => {
  const line = format(sampleRecord());
  expect(line.endsWith('}\n')).toBe(true);
  expect(JSON.parse(line)).toEqual({
    schema: 1,
    time: '1763697600123456789',
    hook: 'drop',
    reason: 'NETFILTER_DROP',
    location: 'nf_hook_slow+0xa2',
    pid: 4242,
    tid: 4243,
    comm: 'ping',
    context: 'softirq',
    netns: 4026532173,
    netns_name: 'blue',
    iface: 'eth1',
    ifindex: 2,
    mark: 0,
    queue: 3,
    uid: 0,
    cpu: 1,
    protocol: 2048,
    packet_type: 'host',
    skb: '0xffff888003a1c200',
    link: 'ethernet',
    len: 98,
    caplen: 98,
    packet: Buffer.from(icmpFrame()).toString('hex'),
  });
});

test('what is unknown is absent, and zero is 0', () => {
  const line = format(sampleRecord({ ...NOTHING_KNOWN, pid: 0, mark: 0, skb: 0n, protocol: 0 }));
  const object = JSON.parse(line) as Record<string, unknown>;
  for (const key of ['ifindex', 'iface', 'netns', 'netns_name', 'reason', 'location', 'context']) {
    expect(object).not.toHaveProperty(key);
  }
  expect(object).toMatchObject({ pid: 0, mark: 0, skb: '0x0', protocol: 0 });
});

test.each(['"', '\\', 'a\nb', '\0', '\x1b[2J', '\x7f', '\x9b', '\u2028', 'é😀', '\ud800', ''])(
  'the command name %j comes through, and the line stays printable ASCII',
  (comm) => {
    const line = format(sampleRecord({ comm, netnsName: comm }));
    expect(line).toMatch(/^[ -~]+\n$/);
    expect(JSON.parse(line)).toMatchObject({ comm, netns_name: comm });
  },
);

test('the packet is cut to the snap length, its original length kept', () => {
  const stream = new MemoryStream();
  const sink = new JsonSink(stream, { snaplen: 4, packetBuffered: true });
  sink.write(rawRecord());
  expect(JSON.parse(stream.bytes.toString())).toMatchObject({
    link: 'raw',
    len: 84,
    caplen: 4,
    packet: '45000054',
  });
});

test('a packet at an offset of a larger buffer is printed alone', () => {
  const data = Uint8Array.of(1, 2, 3, 4, 5).subarray(1, 4);
  expect(JSON.parse(format(sampleRecord({ data })))).toMatchObject({ packet: '020304', len: 3 });
});

test('many lines and a long one stay lines', () => {
  const long = sampleRecord({ data: new Uint8Array(200_000) });
  const records = [...Array.from({ length: 500 }, () => sampleRecord()), long, sampleRecord()];
  const lines = format(...records).split('\n');
  expect(lines.pop()).toBe('');
  expect(lines.map((line) => (JSON.parse(line) as { caplen: number }).caplen)).toEqual(
    records.map(({ data }) => data.length),
  );
});

test('wholeLinesLength() cuts after the last line', () => {
  expect(wholeLinesLength(Buffer.from('{}\n{"a'))).toBe(3);
  expect(wholeLinesLength(Buffer.from('{"a'))).toBe(0);
});

interface Schema {
  readonly required: readonly string[];
  readonly additionalProperties: boolean;
  readonly properties: Readonly<
    Record<
      string,
      {
        readonly type: string;
        readonly const?: unknown;
        readonly enum?: readonly unknown[];
        readonly pattern?: string;
        readonly minimum?: number;
        readonly maximum?: number;
      }
    >
  >;
}

/** Of JSON Schema just what the file uses. */
function violations(schema: Schema, object: Record<string, unknown>): string[] {
  const found = schema.required.filter((key) => !(key in object)).map((key) => `${key} is missing`);
  for (const [key, value] of Object.entries(object)) {
    const rule = schema.properties[key];
    if (rule === undefined) {
      found.push(`${key} is not described`);
      continue;
    }
    const kind = Array.isArray(value) ? 'array' : typeof value;
    const type = Number.isInteger(value) ? 'integer' : kind;
    if (type !== rule.type) found.push(`${key} is a ${type}`);
    if (rule.const !== undefined && value !== rule.const) found.push(`${key} is another`);
    if (rule.enum?.includes(value) === false) found.push(`${key} is not listed`);
    if (rule.pattern !== undefined && !new RegExp(rule.pattern, 'u').test(value as string)) {
      found.push(`${key} has another form`);
    }
    if ((value as number) < (rule.minimum ?? -Infinity)) found.push(`${key} is too small`);
    if ((value as number) > (rule.maximum ?? Infinity)) found.push(`${key} is too large`);
  }
  return found;
}

const schema = JSON.parse(
  readFileSync(new URL('../../../docs/record.schema.json', import.meta.url), 'utf8'),
) as Schema;

const SOCKET = {
  laddr: '10.0.0.1',
  lport: 4242,
  raddr: '10.0.0.2',
  rport: 80,
  family: 'inet',
  sockProtocol: 6,
  state: 'ESTABLISHED',
} as const;

test('a socket without a packet has its addresses, and its own protocol', () => {
  const record = sampleRecord({ ...SOCKET, protocol: 0, data: new Uint8Array(0), wireLength: 0 });
  const { sockProtocol, ...fields } = SOCKET;
  expect(JSON.parse(format(record))).toMatchObject({
    ...{ ...fields, protocol: sockProtocol, len: 0, caplen: 0, packet: '' },
  });
});

test('every record fits docs/record.schema.json, which lists every field', () => {
  const user = [
    { name: 'ttl', value: 64, text: '0x40' },
    { name: 'big', value: 2n ** 60n, text: '1' },
    { name: 'note', value: 'a"\u001b', text: 'x' },
  ];
  const records = [
    sampleRecord({
      user,
      userText: 'ttl=0x40',
      ret: '-EPERM',
      verdict: 'DROP',
      redirect: 'map:12[0]',
      durationNs: 1234n,
      packetId: 7n,
      ownerPid: 3,
      ownerComm: 'x',
      ownerBy: 'accept',
      cgroup: '/a',
      cgroupBy: 'socket',
      container: 'c'.repeat(64),
      pod: 'p',
      bytes: 'linear-only',
      synth: 'eth,ip,tcp',
      stack: ['nf_hook_slow+0xa2', 'veth_xmit+0x40 [veth]'],
      ruleParts: { by: 'nftables', table: 't\u00e9', handle: 3, number: 1, unknown: undefined },
      ...SOCKET,
    }),
    sampleRecord({ ...NOTHING_KNOWN, data: new Uint8Array(0), wireLength: 0 }),
    rawRecord({ comm: '\x1b"', reason: '65537', location: '0xffffffff81000000', context: 'nmi' }),
  ];
  const lines = format(...records)
    .trimEnd()
    .split('\n');
  const objects = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  for (const object of objects) expect(violations(schema, object)).toEqual([]);
  expect(Object.keys(objects[0]!)).toEqual(Object.keys(schema.properties));
  expect(objects[0]!['rule']).toEqual({ by: 'nftables', table: 't\u00e9', handle: 3, number: 1 });
  expect(objects[0]!['user']).toEqual({ ttl: 64, big: '1152921504606846976', note: 'a"\u001b' });
  expect(schema.required.toSorted()).toEqual(Object.keys(objects[1]!).toSorted());
});

test('the checks against the schema can fail', () => {
  const object = JSON.parse(format(sampleRecord())) as Record<string, unknown>;
  expect(violations(schema, { ...object, pid: '1', novel: 1, context: 'x', skb: '12' })).toEqual([
    'pid is a string',
    'context is not listed',
    'skb has another form',
    'novel is not described',
  ]);
});
