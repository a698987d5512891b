import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLibpcap } from '../../src/ffi/libpcap.ts';
import { packetsOf } from '../support/judges/packets.ts';
import { NetnsPair } from '../support/netns.ts';
import { bytes, type CapturedPacket, filler } from '../support/packets.ts';
import { type Outcome, runXcap } from '../support/tracer.ts';

const guest = process.env['XCAP_GUEST'] !== undefined;
const pcap = openLibpcap();
/** LINKTYPE_ of a file for DLT_ of libpcap, where they differ. */
const LINKTYPE: ReadonlyMap<number, number> = new Map([[12, 101]]);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xcap-files-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function u32le(...values: readonly number[]): number[] {
  return values.flatMap((value) => [
    value & 255,
    (value >>> 8) & 255,
    (value >>> 16) & 255,
    value >>> 24,
  ]);
}

function pcapBytes(linkType: number, packets: readonly CapturedPacket[]): Uint8Array {
  return bytes(
    u32le(0xa1b2c3d4, 0x0004_0002, 0, 0, 262144, LINKTYPE.get(linkType) ?? linkType),
    ...packets.flatMap(({ data, wireLength }) => [
      u32le(1, 0, data.length, wireLength ?? data.length),
      data,
    ]),
  );
}

/** An interface for each link type, and a packet on each. */
function pcapngBytes(linkTypes: readonly number[], data: Uint8Array): Uint8Array {
  const block = (type: number, body: Uint8Array): Uint8Array =>
    bytes(u32le(type, body.length + 12), body, u32le(body.length + 12));
  const padding = new Array<number>((4 - (data.length % 4)) % 4).fill(0);
  return bytes(
    block(0x0a0d0d0a, bytes(u32le(0x1a2b3c4d, 1, 0xffff_ffff, 0xffff_ffff))),
    ...linkTypes.map((link) => block(1, bytes([link, 0, 0, 0], u32le(262144)))),
    ...linkTypes.map((_, i) =>
      block(6, bytes(u32le(i, 0, 1, data.length, data.length), data, padding)),
    ),
  );
}

function file(name: string, content: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Every packet of a link type, whole and cut: shorter than 14 bytes too, and empty. */
function everything(linkType: number): readonly CapturedPacket[] {
  return packetsOf(linkType).flatMap(({ bytes: data }, i) =>
    [data.length, (i * 5) % 14, (i * 11) % 121]
      .filter((cut) => cut <= data.length)
      .map((cut) => ({ data: data.subarray(0, cut), wireLength: data.length })),
  );
}

/** The numbers that libpcap gives. */
function expected(
  expression: string,
  linkType: number,
  packets: readonly CapturedPacket[],
): number[] {
  const result = pcap.compile(expression, { linkType, snaplen: 262144, optimize: true });
  if ('error' in result) throw new Error(result.error);
  return packets.flatMap(({ data, wireLength }, i) =>
    pcap.matches(result.program, data, wireLength ?? data.length) ? [i + 1] : [],
  );
}

const filter = (...args: string[]): Promise<Outcome> => runXcap(['filter', ...args]);

describe('xcap filter --read', () => {
  it('prints the numbers of the packets that match', async () => {
    const packets = everything(1);
    const { stdout, stderr, status } = await filter(
      'tcp port 80 or arp',
      '--read',
      file('ethernet.pcap', pcapBytes(1, packets)),
    );
    expect([status, stderr]).toEqual([0, '']);
    const numbers = expected('tcp port 80 or arp', 1, packets);
    expect(numbers.length).toBeGreaterThan(10);
    expect(stdout).toBe(numbers.map((number) => `${number}\n`).join(''));
  });

  it('names the file where there are several, reads what it can, says what it cannot', async () => {
    const links = [1, 12, 113, 276, 0, 9, 127];
    const read = links.map((link) => {
      const packets = everything(link);
      const path = file(`link${link}.pcap`, pcapBytes(link, packets));
      return { path, numbers: expected('udp port 53', link, packets) };
    });
    const [ethernet] = everything(1);
    const whole = pcapBytes(1, [ethernet!, ethernet!]);
    const bad = {
      usb: file('usb.pcap', pcapBytes(189, [{ data: filler(40) }])),
      user: file('user.pcap', pcapBytes(147, [{ data: filler(40) }])),
      garbage: file('garbage.pcap', filler(100)),
      cut: file('cut.pcap', whole.subarray(0, whole.length - 3)),
      empty: file('empty.pcap', new Uint8Array()),
      missing: join(folder, 'missing.pcap'),
      mixed: file('mixed.pcapng', pcapngBytes([1, 101], filler(60))),
    };
    const paths = [bad.usb, bad.mixed, ...read.map(({ path }) => path), bad.user];
    const supported = await filter('udp port 53', '--read', ...paths);
    expect(supported.stdout).toBe(
      read.flatMap(({ path, numbers }) => numbers.map((number) => `${path}:${number}\n`)).join(''),
    );
    expect(supported.status).toBe(4);
    const lines = supported.stderr.trimEnd().split('\n');
    expect(lines[0]).toBe(`xcap: reading: ${bad.usb}: link type USB_LINUX not supported`);
    expect(lines[1]).toMatch(
      new RegExp(`^xcap: reading: ${bad.mixed}: .* different from the type of the first interface`),
    );
    expect(lines.at(-1)).toBe(`xcap: reading: ${bad.user}: link type 147 not supported`);

    const broken = [bad.garbage, bad.missing, bad.empty, bad.cut];
    const rest = await filter('udp or not udp', '--read', ...broken, read[0]!.path);
    expect(rest.status).toBe(5);
    const starts = rest.stderr
      .trimEnd()
      .split('\n')
      .map((line) => line.split(': ').slice(0, 3));
    expect(starts).toEqual(broken.map((path) => ['xcap', 'reading', path]));
    expect(rest.stdout).toContain(`${bad.cut}:1\n`);
    expect(rest.stdout).toContain(`${read[0]!.path}:1\n`);
  });

  it('takes an expression behind the files, and standard input as -', () => {
    const packets = everything(1);
    const path = file('stdin.pcap', pcapBytes(1, packets));
    const script = join(import.meta.dirname, '../../scripts/xcap');
    const { stdout } = spawnSync(script, ['filter', '--read', '-', path, 'icmp', 'or', 'arp'], {
      input: readFileSync(path),
      encoding: 'utf8',
    });
    const numbers = expected('icmp or arp', 1, packets);
    expect(stdout).toBe(
      ['-', path].flatMap((name) => numbers.map((number) => `${name}:${number}\n`)).join(''),
    );
  });

  it('refuses a wrong expression, and whoever may not load programs', async () => {
    const path = file('one.pcap', pcapBytes(1, everything(1).slice(0, 1)));
    const wrong = await filter('tcp and and', '--read', path);
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toContain('syntax error');
    const script = join(import.meta.dirname, '../../scripts/xcap');
    const noCapabilities = ['--bounding-set=-all', '--inh-caps=-all', '--', script];
    const plain = spawnSync('setpriv', [...noCapabilities, 'filter', 'icmp', '--read', path], {
      encoding: 'utf8',
    });
    expect(plain.status, plain.stderr).toBe(3);
    expect(plain.stderr).toContain('not permitted');
  });
});

describe('xcap filter --verify', () => {
  const EXPRESSIONS = guest
    ? ['tcp port 443 or udp port 53']
    : ['tcp port 443 or udp port 53', 'host 10.9.0.2 and not icmp', 'greater 60 or ip[8] > 5'];

  it.each(EXPRESSIONS)('finds no difference for `%s` in files of every link type', async (text) => {
    const links = [1, 12, 0, 108, 9, 50, 104, 113, 276, 228, 229, 105, 127, 10, 6, 117];
    const paths = links.map((link) => file(`v${link}.pcap`, pcapBytes(link, everything(link))));
    const count = links.reduce((sum, link) => sum + everything(link).length, 0);
    const { stdout, stderr, status } = await filter(text, '--verify', ...paths);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toBe(
      `${links.length} files, ${count} packets: the loaded program and libpcap agree\n`,
    );
  });

  it('shows the first difference: packet, both answers, bytes, program', async () => {
    // Linux shifts by the count's low five bits; libpcap's shift by 64 gives 0.
    const packets = everything(1);
    const path = file('shift.pcap', pcapBytes(1, packets));
    const { stdout, stderr, status } = await filter('1 << ip[8] = 1', '--verify', path);
    expect(status).toBe(5);
    expect(stderr).toMatch(/packet \d+: the loaded program says match, libpcap no match/);
    expect(stderr).toContain("Linux's own cBPF would say the same");
    expect(stdout).toMatch(/packet \d+: \d+ bytes of \d+: [0-9a-f]{28}/);
    expect(stdout).toContain('(000) ldb      [22]');
  });

  it('finds no difference in what tcpdump wrote of real traffic', async () => {
    const pair = new NetnsPair();
    try {
      const paths = ['eth.pcap', 'any.pcap'].map((name) => join(folder, name));
      const devices = [pair.b.device, 'any'];
      // Ends by itself once it has that many; the pings go on until then.
      const scripts = devices.map(
        (device, i) => `tcpdump -U -c 12 -i ${device} -w ${paths[i]!} 2>/dev/null & `,
      );
      const ping = `sleep 2; ping -q -i 0.05 -w 20 -c 60 ${pair.a.address4} >/dev/null & `;
      pair.b.exec('sh', '-c', `${scripts.join('')} ${ping} wait`);
      const { stdout, status } = await filter('icmp[0] = 8 or arp', '--verify', ...paths);
      expect(status).toBe(0);
      expect(stdout).toBe('2 files, 24 packets: the loaded program and libpcap agree\n');
      const read = await filter('icmp[0] = 8 or arp', '--read', paths[1]!);
      const tcpdump = execFileSync('tcpdump', ['-nr', paths[1]!, 'icmp[0] = 8 or arp'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      expect(read.stdout.split('\n')).toHaveLength(tcpdump.split('\n').length);
    } finally {
      pair.dispose();
    }
  });
});
