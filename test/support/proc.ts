import { readdirSync, readFileSync } from 'node:fs';

/** /proc/PID/task/TID/`file` of each thread of a process; a thread that ends meanwhile is left out. */
export function threadTexts(pid: number, file: 'schedstat' | 'status'): readonly string[] {
  const folder = `/proc/${pid}/task`;
  return texts(readdirSync(folder).map((tid) => `${folder}/${tid}/${file}`));
}

/** /proc/PID/fdinfo/FD of each descriptor of a process; one that is closed meanwhile is left out. */
export function descriptorTexts(pid: number): readonly string[] {
  const folder = `/proc/${pid}/fdinfo`;
  return texts(readdirSync(folder).map((fd) => `${folder}/${fd}`));
}

function texts(paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) => {
    try {
      return [readFileSync(path, 'utf8')];
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // ESRCH: it was there when it was opened.
      if (code === 'ENOENT' || code === 'ESRCH') return [];
      throw error;
    }
  });
}
