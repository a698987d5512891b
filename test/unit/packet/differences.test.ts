import { describe, expect, it } from 'vitest';
import { describeDifference, differences } from '../../../src/packet/differences.ts';
import { layersOf } from '../../../src/packet/layers.ts';
import {
  bytes,
  ethernet,
  filler,
  icmp,
  ipv4,
  ipv6,
  tcp,
  u16,
  u32,
  udp,
} from '../../support/packets.ts';
import { TUNNELS } from '../../support/tunnels.ts';

const told = (
  before: Uint8Array,
  after: Uint8Array,
  link: readonly ['ethernet' | 'raw', 'ethernet' | 'raw'] = ['ethernet', 'ethernet'],
): readonly string[] =>
  differences({ data: before, linkType: link[0] }, { data: after, linkType: link[1] }).map(
    describeDifference,
  );

const from = { src: '10.0.0.1', dst: '10.0.0.2', ttl: 64 };
const data = filler(20);
const segment = tcp({ sport: 40000, dport: 80, flags: 0x10 }, data);
const packet = ipv4({ ...from, protocol: 6 }, segment);
const frame = ethernet(0x0800, packet);

describe('differences()', () => {
  it('finds none in the same packet, with and without its link header', () => {
    expect(told(frame, frame)).toEqual([]);
    expect(told(frame, packet, ['ethernet', 'raw'])).toEqual([]);
    expect(told(packet, frame, ['raw', 'ethernet'])).toEqual([]);
  });

  it('names what NAT and routing change, field by field', () => {
    const after = ethernet(
      0x0800,
      ipv4(
        { src: '10.0.0.1', dst: '192.168.0.9', ttl: 63, protocol: 6 },
        tcp({ sport: 1024, dport: 8080, flags: 0x10 }, data),
      ),
    );
    const found = told(frame, after);
    expect(found).toEqual(
      expect.arrayContaining([
        'ip.dst 10.0.0.2 -> 192.168.0.9',
        'ip.ttl 64 -> 63',
        'tcp.sport 40000 -> 1024',
        'tcp.dport 80 -> 8080',
      ]),
    );
    for (const text of found)
      expect(text).toMatch(/^(ip\.(dst|ttl|checksum)|tcp\.(sport|dport|checksum)) /);
  });

  it('tells the hop limit of IPv6, and bytes of the payload by how many and where', () => {
    const six = (last: number): Uint8Array => {
      const packed = ethernet(
        0x86dd,
        ipv6(
          { src: 'fd00::1', dst: 'fd00::2', next: 17 },
          udp({ sport: 1, dport: 2, checksum: 0 }, filler(8)),
        ),
      );
      packed[packed.length - 1] = last;
      return packed;
    };
    expect(told(six(1), six(9))).toEqual(['payload: 1 byte from 7 on']);
    const changed = six(1);
    changed[14 + 7] = 3;
    expect(told(six(1), changed)).toEqual([expect.stringMatching(/^ip6\.hop_limit \d+ -> 3$/)]);
  });

  it.each(TUNNELS)('says that it went into $name, and came out of it', ({ carries, wrap }) => {
    const inner = carries === 'ethernet' ? frame : packet;
    const outer = ethernet(0x0800, wrap(inner, 4, 4));
    const [into, ...more] = told(frame, outer);
    expect(more).toEqual([]);
    expect(into).toMatch(/^\+ .*ip 10\.9\.0\.1 > 10\.9\.0\.2$/);
    expect(told(outer, frame)).toEqual([into?.replace('+', '-')]);
  });

  it('says the VLAN tag that was put on', () => {
    const tagged = ethernet(0x8100, bytes(u16(10, 0x0800), packet));
    expect(told(frame, tagged).filter((text) => !text.startsWith('eth.type'))).toEqual([
      '+ vlan 10',
    ]);
  });

  it('does not compare packets of other kinds, and reads no header that is cut off', () => {
    const ping = ethernet(0x0800, ipv4({ ...from, protocol: 1 }, icmp(8, 0, filler(8))));
    expect(told(frame, ping)).toEqual(['other headers altogether']);
    for (let length = 0; length <= frame.length; length++) {
      const { layers, payloadAt } = layersOf(frame.subarray(0, length), 'ethernet');
      expect(layers.length).toBeLessThanOrEqual(3);
      expect(payloadAt).toBeLessThanOrEqual(length);
    }
  });

  it('ends in headers that say they are inside each other for ever', () => {
    const endless = bytes(
      ...Array.from({ length: 100 }, () =>
        ipv4({ ...from, protocol: 4 }, bytes(u32(0))).subarray(0, 20),
      ),
    );
    expect(layersOf(endless, 'raw').layers.length).toBeLessThan(20);
  });
});
