import { packageVersion } from '../../util/package.ts';

/** xcap's own version, then those of what it runs on; a library that does not load is named. */
export async function versionLines(): Promise<readonly string[]> {
  return [
    `xcap ${packageVersion()}`,
    await libraryLine('libpcap', async () => {
      const { openLibpcap } = await import('../../ffi/libpcap.ts');
      return openLibpcap().version;
    }),
    await libraryLine('libbcc', async () => {
      const { libbccName } = await import('../../ffi/libbcc.ts');
      const name = libbccName();
      return name === undefined ? undefined : `libbcc (${name})`;
    }),
    `Node.js ${process.version}`,
  ];
}

async function libraryLine(
  name: string,
  describe: () => Promise<string | undefined>,
): Promise<string> {
  const line = await describe().catch(() => undefined);
  return line ?? `${name}: not found`;
}
