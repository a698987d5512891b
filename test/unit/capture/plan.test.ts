import { describe, expect, it } from 'vitest';
import type { CaptureOptions } from '../../../src/capture/options.ts';
import { makePlan, type CapturePlan } from '../../../src/capture/plan.ts';
import { libpcap, type PlanTarget } from '../../../src/capture/plan-target.ts';
import { captureOptions } from '../../../src/cli/capture-options.ts';
import { splitLine } from '../../../src/cli/getopt.ts';
import { Given } from '../../../src/cli/given.ts';
import { optionsOf } from '../../../src/cli/options.ts';
import { describedReader } from '../../../src/kernel/described-reader.ts';
import type { FeatureId } from '../../../src/kernel/features.ts';
import type { FileReader } from '../../../src/kernel/reader.ts';
import { recordedKernel } from '../../support/kernels.ts';

function options(...args: string[]): CaptureOptions {
  const { given, words } = splitLine(args, optionsOf('capture'), () => false);
  const text = (): string => '';
  return captureOptions(new Given(given), words, {
    ...{ env: {}, readExpression: text, readText: text },
    resolveDevice: (_spelled, name) => name,
  });
}

function target(reader: FileReader, abilities: readonly FeatureId[]): PlanTarget {
  return {
    ...{ reader, arch: 'x64', expressions: libpcap, namesLater: true },
    createProber: () => (id) => (abilities.includes(id) ? 'yes' : 'no'),
  };
}

const SLIDE = 0x1a40_0000n;

/** The kernel at its next boot: with KASLR all of it is elsewhere. */
function slid(kernel: string): FileReader {
  const reader = recordedKernel(kernel);
  const kallsyms = new TextDecoder().decode(reader.readFile('/proc/kallsyms'));
  reader.files.set(
    '/proc/kallsyms',
    kallsyms.replaceAll(/^f[0-9a-f]{15}/gm, (each) => (BigInt(`0x${each}`) + SLIDE).toString(16)),
  );
  return reader;
}

const texts = ({ program }: CapturePlan): readonly string[] =>
  program.units.map(({ text }) => text);

/** Reads packet bytes by the direct map: its programs are given addresses of the kernel's variables. */
const DIRECT: readonly FeatureId[] = ['raw-tp', 'direct-map', 'var-stack-read'];

describe('the C of a capture', () => {
  const asked = options(
    ...['--netns', 'a', '-i', 'eth0', '--pid', '5', '--where', 'location == "ip_rcv+0x10"', 'tcp'],
  );

  it.each(['5.10', '6.1', '6.12', '6.18', '7.2'])('is the same at the next boot of %s', (name) => {
    const [now, next] = [recordedKernel(name), slid(name)].map((reader) =>
      makePlan(asked, target(reader, DIRECT)),
    );
    expect(texts(next!)).toEqual(texts(now!));
    const moved = next!.program.values.map((value, i) => value - (now!.program.values[i] ?? 0n));
    expect(new Set(moved)).toEqual(new Set([0n, SLIDE]));
  });

  it.each(['6.1', '6.12', '7.2'])(
    'is the same by release and types alone as on %s itself',
    (name) => {
      const recorded = recordedKernel(name);
      const btf = recorded.readFile('/sys/kernel/btf/vmlinux') ?? new Uint8Array();
      const release = new TextDecoder().decode(recorded.readFile('/proc/sys/kernel/osrelease'));
      const described = describedReader(release.trim(), btf);
      const drops = options('--netns', 'a', 'tcp port 80');
      const plans = [recorded, described].map((reader) =>
        makePlan(drops, target(reader, ['raw-tp', 'tp-btf', 'var-stack-read'])),
      );
      expect(texts(plans[1]!)).toEqual(texts(plans[0]!));
      expect(plans[1]?.kernelRelease).toBe(plans[0]?.kernelRelease);
    },
  );

  it('does not ask for namespaces and devices that only the run has to have', () => {
    const plan = makePlan(asked, target(recordedKernel('6.12'), DIRECT));
    expect(plan.fileLinkType).toBe('ethernet');
    expect(texts(plan)[0]).toContain('u32 netns = xcap_netns(net);');
    expect(texts(plan)[0]).toContain('if (!(netns == XCAP_VALUE(');
  });
});
