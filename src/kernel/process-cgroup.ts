import { containerOf } from './container.ts';
import { type FileReader, readText } from './reader.ts';

/**
 * The path of the cgroup that a process is in: in version 2, or, when it is not below the root there, in the hierarchy of version 1 that
 * tells most. Undefined for a process that is gone.
 */
export function cgroupOfProcess(reader: FileReader, pid: number): string | undefined {
  const lines = (readText(reader, `/proc/${pid}/cgroup`) ?? '').split('\n');
  const paths = lines.flatMap((line) => {
    const [number = '', controllers = '', ...path] = line.split(':');
    return number === '' ? [] : [{ v2: controllers === '', path: path.join(':') }];
  });
  const unified = paths.find(({ v2 }) => v2)?.path;
  if (unified !== undefined && unified !== '/') return unified;
  const contained = paths.find(({ path }) => containerOf(path).id !== undefined);
  if (contained !== undefined) return contained.path;
  return paths.map(({ path }) => path).sort((a, b) => b.length - a.length)[0];
}
