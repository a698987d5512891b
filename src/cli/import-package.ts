/** Given by src/launch.ts: code that V8 has kept has lost what its own import() would ask (Node 20). */
declare const launchImport: ((name: string) => Promise<unknown>) | undefined;

/** A package that few runs need, as import() gives it. @throws what import() throws */
export async function importPackage<Module>(name: string): Promise<Module> {
  const imported = typeof launchImport === 'undefined' ? import(name) : launchImport(name);
  return (await imported) as Module;
}
