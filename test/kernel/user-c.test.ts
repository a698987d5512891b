import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NetnsPair } from '../support/netns.ts';
import { ethernet, filler, icmp, ipv4 } from '../support/packets.ts';
import { capture, runXcap } from '../support/tracer.ts';
import { sendFrames } from '../support/traffic.ts';

const examples = join(import.meta.dirname, '../../docs/examples');

let pair: NetnsPair;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xcap-user-'));
  pair = new NetnsPair();
  pair.b.nft(`table inet t { chain c { type filter hook prerouting priority 0;
    icmp type echo-request meta mark set 0x25 drop; }; }`);
});
afterAll(() => {
  pair.dispose();
  rmSync(folder, { recursive: true });
});

const TTLS = [1, 5, 9, 10, 64];

function send(): void {
  const { a, b } = pair;
  const frames = TTLS.map((ttl) => {
    const ends = { src: a.address4, dst: b.address4, protocol: 1, ttl };
    return ethernet(0x0800, ipv4(ends, icmp(8, 0, filler(ttl * 4))), { src: a.mac, dst: b.mac });
  });
  sendFrames(a, frames);
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('--filter-c', () => {
  it('takes what its function does not reject, and counts the rest', async () => {
    const path = join(examples, 'ttl-filter.c');
    const args = ['--netns', pair.b.name, '--filter-c', path, 'icmp'];
    const { records, summaries } = await capture(args, send);
    expect(records.map(({ packet }) => parseInt(packet.slice(44, 46), 16))).toEqual([1, 5, 9]);
    expect(summaries[0]).toMatchObject({ matched: 3, lost: 0, missed: 0 });
    expect(summaries[0]!.by).toMatchObject({ 'filter-c': 2 });
  });
});

describe('--action-c', () => {
  interface User {
    readonly user?: Readonly<Record<string, number | string>>;
  }

  it('gives each event its fields, and no byte of another event', async () => {
    const path = join(examples, 'queue-action.c');
    const { records, status, stderr } = await capture(
      ['--netns', pair.b.name, '--action-c', path, 'icmp'],
      send,
    );
    expect(status, stderr).toBe(0);
    expect(records).toHaveLength(TTLS.length);
    // Below 61 bytes the action says that it has none: 14 + 20 + 4 + 4 * ttl.
    for (const [i, ttl] of TTLS.entries()) {
      const { user } = records[i] as User;
      expect(records[i]!.packet).toHaveLength(2 * (38 + 4 * ttl));
      if (38 + 4 * ttl <= 60) {
        expect(user).toBeUndefined();
        continue;
      }
      expect(user).toMatchObject({ ttl, mark: 0x25, priority: 0, note: 'n' });
      expect(user!['start']).toBeGreaterThanOrEqual(0);
    }
  });

  it('shows them in text and in the comment of a packet', async () => {
    const path = file(
      'a.c',
      `struct xcap_user_extend {
	u16 index;
	char text[12];
};
static inline int xcap_ext_action(void *ext, void *pkt, u32 pkt_len, struct xcap_user_extend *user, u16 trace_index)
{
	user->index = trace_index + 7;
	user->text[0] = 'a';
	user->text[1] = ' ';
	user->text[2] = '"';
	user->text[3] = 0x1b;
	return 1;
}
`,
    );
    const out = join(folder, 'x.pcapng');
    const tracing = runXcap([
      ...['--netns', pair.b.name, '--action-c', path, '-w', out, '--print', '-c', '1', 'icmp'],
      ...['--duration', '60s'],
    ]);
    const timer = setInterval(send, 500);
    const { status, stdout, stderr } = await tracing;
    clearInterval(timer);
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/ICMP echo request.* \{index=7 text=a "\\x1b\}\n$/);
    const shown = pair.a.exec('tshark', '-r', out, '-T', 'fields', '-e', 'frame.comment');
    expect(shown).toContain('user="index=7 text=a \\"\\x1b"');
  });
});

describe('wrong user C', () => {
  it('is shown with file, line and column', async () => {
    const path = file(
      'wrong.c',
      'static inline int xcap_ext_filter(void *ext, void *pkt, u16 i)\n{\n\treturn nosuch;\n}\n',
    );
    const { status, stderr } = await runXcap(['--netns', pair.b.name, '--filter-c', path]);
    expect(status).toBe(2);
    const lines = stderr.split('\n');
    expect(lines[0]).toBe(
      `xcap: compiling --filter-c: ${path}:3:9: use of undeclared identifier 'nosuch'`,
    );
    expect(lines[1]).toBe('   return nosuch;');
    expect(lines[2]).toBe('          ^');
  });

  it.each([
    ['calls a function that is not there', '{\n\treturn nosuch(i);\n}\n'],
    ['leaves a brace open', '{\n\tif (i) {\n\treturn 1;\n}\n'],
    [
      'wants too much of the stack',
      '{\n\tvolatile u64 a[100];\n\tfor (int k = 0; k < 100; k++)\n\t\ta[k] = k;\n\treturn a[i % 100];\n}\n',
    ],
  ])('that %s is told from a fault of xcap', async (_name, body) => {
    const head = 'static inline int xcap_ext_filter(void *ext, void *pkt, u16 i)\n';
    const path = file('body.c', head + body);
    const { status, stderr } = await runXcap(['--netns', pair.b.name, '--filter-c', path]);
    expect(status, stderr).toBe(2);
    expect(stderr).toContain(`xcap: compiling --filter-c: ${path}:`);
    expect(stderr).not.toContain('bug');
  });

  it('that the verifier refuses says so, and nothing stays attached', async () => {
    const path = file(
      'address.c',
      `static inline int xcap_ext_filter(void *ext, void *pkt, u16 i)
{
	/* An address of its own making: to be read by _() only. */
	return *(volatile u32 *)(xcap_location(pkt) + 4);
}
`,
    );
    const { status, stderr } = await runXcap(['--netns', pair.b.name, '--filter-c', path]);
    expect(status).toBe(4);
    expect(stderr).toContain('the verifier refused it');
    expect(stderr).toContain(path);
  });

  it.each([
    [
      'a file that is not there',
      '/nosuch/x.c',
      1,
      /^xcap: reading the user's C: --filter-c \/nosuch\/x\.c: ENOENT/,
    ],
  ])('%s', async (_name, path, code, message) => {
    const { status, stderr } = await runXcap(['--filter-c', path]);
    expect(status).toBe(code);
    expect(stderr).toMatch(message);
  });

  it('that wants what this kernel does not have says what', async () => {
    const text =
      '// kernel: sk_buff.nosuch\nstatic inline int xcap_ext_filter(void *ext, void *pkt, u16 i)\n{ return 1; }\n';
    const { status, stderr } = await runXcap(['--filter-c', file('want.c', text)]);
    expect(status).toBe(4);
    expect(stderr).toContain('sk_buff.nosuch: no such member in this kernel');
  });
});
