import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';
import { describe, expect, it } from 'vitest';
import { emitEventHeader } from '../../../src/abi/emit-c.ts';
import { SYNTH_LAYERS } from '../../../src/abi/events.ts';
import { compose } from '../../../src/codegen/compose.ts';
import { bytes, ethernet, filler, ipv4, ipv6, tcp, u16, udp } from '../../support/packets.ts';

const { ip4: IP4, ip6: IP6, tcp: TCP, udp: UDP } = SYNTH_LAYERS;
const TEMPLATES = join(import.meta.dirname, '../../../templates');

const UNIT = `
#include <stdint.h>
typedef uint8_t u8; typedef uint16_t u16; typedef uint32_t u32; typedef uint64_t u64;
#define asm __asm__
#define XCAP_FETCH(to, size, from) (-1)
#include "synth/headers.h"

u32 missing(const u32 *v)
{
	struct xcap_bare skb = {
		.protocol = v[0], .transport = v[1], .data = v[2], .len = v[3], .ip = v[4],
		.ip_protocol = v[5], .seq = v[6], .end_seq = v[7], .flags = v[8],
	};
	return xcap_missing(&skb);
}

u32 put(u8 *to, const u32 *v)
{
	struct xcap_synth s = {
		.layers = v[0], .protocol = v[1], .tos = v[2], .saddr = v[3], .daddr = v[4],
		.sport = v[5], .dport = v[6], .seq = v[7], .ack = v[8], .flags = v[9],
		.window = v[10], .header = v[11], .length = v[12],
	};
	u32 at = xcap_put_network(to, &s);

	xcap_put_transport(to + at, &s);
	return at + xcap_synth_transport(&s);
}
`;

/** The C that decides and writes, as a library. */
function compileUnit() {
  const text = compose({
    entries: ['unit.c'],
    generated: { 'events.gen.h': emitEventHeader() },
    readTemplate: (path) =>
      path === 'unit.c' ? UNIT : readFileSync(join(TEMPLATES, path), 'utf8'),
  });
  const folder = mkdtempSync(join(tmpdir(), 'xcap-synth-'));
  try {
    const library = join(folder, 'unit.so');
    execFileSync('gcc', ['-x', 'c', '-shared', '-fPIC', '-O1', '-w', '-o', library, '-'], {
      input: text,
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    const loaded = koffi.load(library);
    return {
      missing: loaded.func('uint32_t missing(const uint32_t *v)') as unknown as (
        v: Uint32Array,
      ) => number,
      put: loaded.func('uint32_t put(void *to, const uint32_t *v)') as unknown as (
        to: Uint8Array,
        v: Uint32Array,
      ) => number,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
const unit = compileUnit();

const UNSET = 0xffff;
const [FIN, SYN, PSH, ACK] = [1, 2, 8, 16];
/** A segment of 100 bytes that TCP is about to give its header. */
const SEGMENT = {
  ...{ protocol: 0, transport: UNSET, data: 320, len: 100, ip: IP4 as number, ipProtocol: 6 },
  ...{ seq: 0xffff_ffd0, endSeq: 52, flags: ACK | PSH },
};

const missing = (changes: Partial<typeof SEGMENT> = {}): number => {
  const skb = { ...SEGMENT, ...changes };
  return unit.missing(
    Uint32Array.of(
      ...[skb.protocol, skb.transport, skb.data, skb.len, skb.ip, skb.ipProtocol],
      ...[skb.seq, skb.endSeq, skb.flags],
    ),
  );
};

describe('the headers that an skb lacks', () => {
  it('are IP and TCP where no offset was set and the control block is a segment', () => {
    expect(missing()).toBe(IP4 | TCP);
    expect(missing({ ip: IP6 })).toBe(IP6 | TCP);
    expect(missing({ len: 0, seq: 7, endSeq: 7, flags: ACK })).toBe(IP4 | TCP);
    expect(missing({ len: 0, seq: 7, endSeq: 8, flags: SYN })).toBe(IP4 | TCP);
    expect(missing({ endSeq: 53, flags: ACK | FIN })).toBe(IP4 | TCP);
  });

  it('are IP alone where the transport header is what the data start with', () => {
    expect(missing({ transport: 320 })).toBe(IP4);
    expect(missing({ transport: 320, ip: IP6 })).toBe(IP6);
    // Whatever the control block is by then, and whatever the protocol: SCTP.
    expect(missing({ transport: 320, seq: 1, endSeq: 0, ipProtocol: 132 })).toBe(IP4);
    expect(missing({ transport: 320, protocol: 0x0800 })).toBe(IP4);
  });

  it('are not made up for what is no segment', () => {
    // A notice of MSG_ZEROCOPY: numbers of other things, or nothing at all.
    expect(missing({ seq: 1, endSeq: 0xdead })).toBe(0);
    expect(missing({ len: 0, seq: 0, endSeq: 0, flags: 0 })).toBe(0);
    expect(missing({ len: 99 })).toBe(0);
    expect(missing({ flags: ACK | FIN })).toBe(0);
  });

  it('are not made up for payload of anything but TCP', () => {
    expect(missing({ ipProtocol: 17 })).toBe(0);
    expect(missing({ ipProtocol: 1 })).toBe(0);
  });

  it('are not made up where the data start elsewhere, or are of another protocol or family', () => {
    expect(missing({ transport: 300 })).toBe(0);
    expect(missing({ transport: 340 })).toBe(0);
    expect(missing({ protocol: 0x0806 })).toBe(0);
    expect(missing({ protocol: 0x0800, ip: IP6 })).toBe(0);
    expect(missing({ ip: 0 })).toBe(0);
  });
});

const KNOWN = {
  ...{ layers: IP4 | TCP, protocol: 6, tos: 0xb8, src: '10.1.2.3', dst: '10.4.5.6' },
  ...{ sport: 40000, dport: 443, seq: 0x89ab_cdef, ack: 0x0123_4567, flags: ACK | PSH },
  ...{ window: 501, header: 20, length: 0 },
};

/** As memory has them: in network order. */
const address = (text: string): number =>
  Buffer.from(text.split('.').map(Number)).readUInt32LE();
const swap = (port: number): number => ((port & 0xff) << 8) | (port >> 8);

function put(changes: Partial<typeof KNOWN> = {}): Uint8Array {
  const s = { ...KNOWN, ...changes };
  const to = new Uint8Array(128);
  const length = unit.put(
    to,
    Uint32Array.of(
      ...[s.layers, s.protocol, s.tos, address(s.src), address(s.dst), swap(s.sport)],
      ...[swap(s.dport), s.seq, s.ack, s.flags, s.window, s.header, s.length],
    ),
  );
  expect(to.subarray(length)).toEqual(new Uint8Array(128 - length));
  return to.subarray(0, length);
}

const NO_MACS = { src: '00:00:00:00:00:00', dst: '00:00:00:00:00:00' };
const { src, dst, tos, sport, dport } = KNOWN;
const UNDECIDED = { src, dst, tos, id: 0, ttl: 0, checksum: 0 };
const withoutChecksum = (header: Uint8Array, at: number): Uint8Array => {
  header.set([0, 0], at);
  return header;
};
const segment = (changes: Partial<Parameters<typeof tcp>[0]> = {}): Uint8Array =>
  withoutChecksum(tcp({ ...KNOWN, ...changes }), 16);

describe('what is written', () => {
  it('is a TCP segment with the numbers given and zeros for what is not known', () => {
    expect(put()).toEqual(
      ethernet(0x0800, ipv4({ ...UNDECIDED, protocol: 6 }, segment()), NO_MACS),
    );
  });

  it('has room for options, and the lengths of what follows', () => {
    const header = segment({ options: new Uint8Array(12) });
    const packet = ipv4({ ...UNDECIDED, protocol: 6 }, bytes(header, filler(100)));
    expect(put({ header: 32, length: 100 })).toEqual(
      ethernet(0x0800, packet, NO_MACS).subarray(0, 14 + 20 + 32),
    );
  });

  it('is a datagram with its length', () => {
    const datagram = withoutChecksum(udp({ sport, dport }, filler(30)), 6);
    expect(put({ layers: IP4 | UDP, protocol: 17, length: 30 })).toEqual(
      ethernet(0x0800, ipv4({ ...UNDECIDED, protocol: 17 }, datagram), NO_MACS).subarray(0, 42),
    );
  });

  it('is IP alone in front of a transport header that is there', () => {
    const packet = ipv4({ ...UNDECIDED, protocol: 132 }, filler(64));
    expect(put({ layers: IP4, protocol: 132, length: 64 })).toEqual(
      ethernet(0x0800, packet, NO_MACS).subarray(0, 34),
    );
  });

  it('is IPv6 with room for the addresses', () => {
    const ends = { src: '::', dst: '::', trafficClass: tos, hopLimit: 0 };
    expect(put({ layers: IP6 | TCP, length: 9 })).toEqual(
      ethernet(0x86dd, ipv6({ ...ends, next: 6 }, bytes(segment(), filler(9))), NO_MACS).subarray(
        0,
        74,
      ),
    );
  });

  it('says 0 for a length that does not fit, as the kernel does of large segments', () => {
    const large = put({ layers: IP4 | UDP, protocol: 17, length: 65_510 });
    expect([...large.subarray(16, 18), ...large.subarray(38, 40)]).toEqual([0, 0, ...u16(65_518)]);
    expect(put({ length: 65_496 }).subarray(16, 18)).toEqual(new Uint8Array(2));
    expect([...put({ length: 65_495 }).subarray(16, 18)]).toEqual([0xff, 0xff]);
    expect(put({ layers: IP6 | TCP, length: 65_516 }).subarray(18, 20)).toEqual(new Uint8Array(2));
  });
});
